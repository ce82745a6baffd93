// The edge of intake: checks what can't be understood, gives ids, and passes on. It decides
// nothing.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/intake.grpc.pb.h"

namespace porchlight {

class IntakeService final : public v1::Intake::Service {
 public:
  explicit IntakeService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ReportMissing(grpc::ServerContext* context, const v1::ReportMissingRequest* request,
                             v1::ReportMissingReply* reply) override;
  grpc::Status RecordReturn(grpc::ServerContext* context, const v1::RecordReturnRequest* request,
                            v1::RecordReturnReply* reply) override;
  grpc::Status ListEpisodes(grpc::ServerContext* context, const v1::ListEpisodesRequest* request,
                            v1::ListEpisodesReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule IntakeModule();

}  // namespace porchlight
