// The edge of the on-call service: duties and alerts as they stand, and answers as they come in by
// call, link or telephone. It decides nothing.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/oncall.grpc.pb.h"

namespace porchlight {

class OncallService final : public v1::Oncall::Service {
 public:
  explicit OncallService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ListDuties(grpc::ServerContext* context, const v1::ListDutiesRequest* request,
                          v1::ListDutiesReply* reply) override;
  grpc::Status ListAlerts(grpc::ServerContext* context, const v1::ListAlertsRequest* request,
                          v1::ListAlertsReply* reply) override;
  grpc::Status AcknowledgeAlert(grpc::ServerContext* context,
                                const v1::AcknowledgeAlertRequest* request,
                                v1::AcknowledgeAlertReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule OncallModule();

}  // namespace porchlight
