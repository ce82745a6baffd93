// The edge of the directory: checks what can't be understood, gives ids, and answers who is on
// call. It decides nothing.
#pragma once

#include "common/edge/service.h"
#include "porchlight/v1/directory.grpc.pb.h"

namespace porchlight {

class DirectoryEdge final : public v1::DirectoryService::Service {
 public:
  explicit DirectoryEdge(const EdgePorts& ports) : ports_(ports) {}

  grpc::Status ChangeDirectory(grpc::ServerContext* context,
                               const v1::ChangeDirectoryRequest* request,
                               v1::ChangeDirectoryReply* reply) override;
  grpc::Status GetDirectory(grpc::ServerContext* context, const v1::GetDirectoryRequest* request,
                            v1::GetDirectoryReply* reply) override;
  grpc::Status WhoIsOnCall(grpc::ServerContext* context, const v1::WhoIsOnCallRequest* request,
                           v1::WhoIsOnCallReply* reply) override;

 private:
  const EdgePorts ports_;
};

ServiceModule DirectoryModule();

}  // namespace porchlight
