// The edge of notification: what was told to whom, what a person must look after, and what people
// type in. It decides nothing.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/notification.grpc.pb.h"

namespace porchlight {

class NotificationService final : public v1::Notification::Service {
 public:
  explicit NotificationService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ListNotices(grpc::ServerContext* context, const v1::ListNoticesRequest* request,
                           v1::ListNoticesReply* reply) override;
  grpc::Status ListDeadLetters(grpc::ServerContext* context,
                               const v1::ListDeadLettersRequest* request,
                               v1::ListDeadLettersReply* reply) override;
  grpc::Status ReplayDeadLetter(grpc::ServerContext* context,
                                const v1::ReplayDeadLetterRequest* request,
                                v1::ReplayDeadLetterReply* reply) override;
  grpc::Status FileProof(grpc::ServerContext* context, const v1::FileProofRequest* request,
                         v1::FileProofReply* reply) override;
  grpc::Status RecordRefusal(grpc::ServerContext* context, const v1::RecordRefusalRequest* request,
                             v1::RecordRefusalReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule NotificationModule();

}  // namespace porchlight
