// The edge of the multidisciplinary team: who was called and has answered; answers and meetings as
// they come in. It decides nothing.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/mdt.grpc.pb.h"

namespace porchlight {

class MdtService final : public v1::Mdt::Service {
 public:
  explicit MdtService(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ListTeamNotices(grpc::ServerContext* context,
                               const v1::ListTeamNoticesRequest* request,
                               v1::ListTeamNoticesReply* reply) override;
  grpc::Status AcknowledgeTeamNotice(grpc::ServerContext* context,
                                     const v1::AcknowledgeTeamNoticeRequest* request,
                                     v1::TeamNoticeReply* reply) override;
  grpc::Status RecordMeeting(grpc::ServerContext* context, const v1::RecordMeetingRequest* request,
                             v1::TeamNoticeReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule MdtModule();

}  // namespace porchlight
