// Care of the running system: makes a store again from the log. Never touches the log.
#pragma once

#include <map>
#include <string>

#include "common/log/log.h"
#include "common/rpc/serve.h"
#include "common/store/store.h"
#include "porchlight/v1/admin.grpc.pb.h"

namespace porchlight {

struct AdminSource {
  Store* store = nullptr;  // never null
  int32_t partitions = 0;
};

class AdminService final : public v1::Admin::Service {
 public:
  // By name of the service. All of it outlives this.
  AdminService(Log& log, std::map<std::string, AdminSource> sources, rpc::Gate& gate)
      : log_(log), sources_(std::move(sources)), gate_(gate) {}

  grpc::Status RebuildStore(grpc::ServerContext* context, const v1::RebuildStoreRequest* request,
                            v1::RebuildStoreReply* reply) override;
  grpc::Status GetStoreProgress(grpc::ServerContext* context,
                                const v1::GetStoreProgressRequest* request,
                                v1::GetStoreProgressReply* reply) override;

 private:
  absl::StatusOr<AdminSource> Find(const std::string& service) const;
  absl::StatusOr<int64_t> Reached(const TopicPartition& events, const v1::Checkpoint& at) const;
  absl::StatusOr<int64_t> Records(const std::string& service, const AdminSource& source) const;

  Log& log_;
  const std::map<std::string, AdminSource> sources_;
  rpc::Gate& gate_;
};

}  // namespace porchlight
