#include "common/rpc/admin_service.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/log/chain.h"
#include "common/logger/logger.h"

namespace porchlight {

absl::StatusOr<AdminSource> AdminService::Find(const std::string& service) const {
  const auto found = sources_.find(service);
  if (found != sources_.end()) return found->second;
  return absl::NotFoundError(absl::StrCat(
      "there is no such service; the services are ",
      absl::StrJoin(sources_, ", ",
                    [](std::string* out, const auto& source) { out->append(source.first); })));
}

absl::StatusOr<int64_t> AdminService::Records(const std::string& service,
                                              const AdminSource& source) const {
  int64_t records = 0;
  for (int32_t partition = 0; partition < source.partitions; ++partition) {
    const absl::StatusOr<int64_t> end = log_.End({EventsTopic(service), partition});
    if (!end.ok()) return end.status();
    records += *end;
  }
  return records;
}

// Where nothing that counts comes after what the store has, it has all: it knows nothing of lost
// races.
absl::StatusOr<int64_t> AdminService::Reached(const TopicPartition& events,
                                              const v1::Checkpoint& at) const {
  const absl::StatusOr<int64_t> end = log_.End(events);
  if (!end.ok()) return end.status();
  const int64_t lacking = *end - at.next_offset();
  if (lacking <= 0 || lacking > static_cast<int64_t>(kReadRecordsMax)) return at.next_offset();
  ChainTail tail;
  if (at.sequence() > 0) tail = {at.chain_hash(), at.sequence(), at.next_offset()};
  const absl::StatusOr<std::vector<Counted>> next = ChainReader(log_, events, tail).Next();
  if (!next.ok()) return next.status();
  return next->empty() ? *end : at.next_offset();
}

grpc::Status AdminService::RebuildStore(grpc::ServerContext* context,
                                        const v1::RebuildStoreRequest* request,
                                        v1::RebuildStoreReply* reply) {
  return rpc::Serve(*context, "Admin.RebuildStore", gate_, [&](rpc::Call&) -> absl::Status {
    const absl::StatusOr<AdminSource> source = Find(request->service());
    if (!source.ok()) return source.status();
    const absl::StatusOr<int64_t> records = Records(request->service(), *source);
    if (!records.ok()) return records.status();
    for (int32_t partition = 0; partition < source->partitions; ++partition) {
      if (absl::Status wiped = source->store->Wipe(partition); !wiped.ok()) return wiped;
    }
    LogLine(LogLevel::kWarning, "a store is made again from the log, as somebody asked",
            {{"service", request->service()}});
    reply->set_records(*records);
    return absl::OkStatus();
  });
}

grpc::Status AdminService::GetStoreProgress(grpc::ServerContext* context,
                                            const v1::GetStoreProgressRequest* request,
                                            v1::GetStoreProgressReply* reply) {
  return rpc::Serve(*context, "Admin.GetStoreProgress", gate_, [&](rpc::Call&) -> absl::Status {
    const absl::StatusOr<AdminSource> source = Find(request->service());
    if (!source.ok()) return source.status();
    const absl::StatusOr<int64_t> records = Records(request->service(), *source);
    if (!records.ok()) return records.status();
    int64_t stored = 0;
    for (int32_t partition = 0; partition < source->partitions; ++partition) {
      const absl::StatusOr<v1::Checkpoint> at = source->store->Where(partition);
      if (!at.ok()) return at.status();
      const absl::StatusOr<int64_t> reached =
          Reached({EventsTopic(request->service()), partition}, *at);
      if (!reached.ok()) return reached.status();
      stored += *reached;
    }
    reply->set_records(*records);
    reply->set_stored(stored);
    return absl::OkStatus();
  });
}

}  // namespace porchlight
