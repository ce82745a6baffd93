// The store on Redis, for services that run on several machines. Like every store it is a fold of
// the log, so that a server that is away, was restarted, went back to an older copy or came back
// empty costs time and nothing else: Apply takes effect only on the sequence that it follows, in
// one script, and whoever finds the store elsewhere than expected asks Where and folds on from
// there. It never retries what may have taken effect.
//
// Each partition has its own few keys, `porchlight:1:{SERVICE/PARTITION}:...` (1 is the layout's
// version), which one hash tag keeps on one node:
//   checkpoint          a hash: sequence; bytes, the Checkpoint
//   ids, active         aggregate ids in order: all; those that are active
//   offsets, states     hashes by aggregate id: what a start reads; "OFFSET ACTIVE SEALED"
//   timer_ids, timers   in order, and by it: AGGREGATE NUL TIMER; the Timer
//   dead, deliveries    delivery ids in order, of the dead; by delivery id, the DeliveryStatus
#pragma once

#include <array>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "common/base/clock.h"
#include "common/store/redis_pool.h"
#include "common/store/store.h"

namespace porchlight {

struct RedisStoreOptions {
  RedisServer server;
  std::string service;  // whose store this is
  // Told when the server was restarted or another one has taken over: for the logger. The store may
  // stand at an older sequence then, which the next Apply finds by itself.
  std::function<void()> restarted;
};

// Thread-safe. No call waits for another one's answer.
class RedisStore final : public Store {
 public:
  // Connects when it is first used, and again whenever that is needed. `clock` must outlive it.
  RedisStore(RedisStoreOptions options, const Clock& clock);

  absl::StatusOr<v1::Checkpoint> Where(int32_t partition) override;
  absl::Status Apply(int32_t partition, const StoreBatch& batch) override;
  absl::StatusOr<StoredAggregate> Load(int32_t partition, const std::string& aggregate_id) override;
  absl::StatusOr<v1::Checkpoint> Visit(int32_t partition, StoreVisitor& visitor) override;
  absl::StatusOr<std::vector<v1::Timer>> Timers(int32_t partition,
                                                const std::string& aggregate_id) override;
  absl::StatusOr<std::vector<StoredAggregate>> List(int32_t partition,
                                                    const ListOptions& options) override;
  absl::StatusOr<std::vector<v1::DeliveryStatus>> DeadLetters(int32_t partition,
                                                              size_t limit) override;
  absl::Status Wipe(int32_t partition) override;

 private:
  struct Range;

  absl::Status Do(absl::FunctionRef<absl::Status(RedisConnection&)> work);
  std::string KeyName(int32_t partition, size_t kept) const;
  // Takes name and value of each, in order.
  absl::Status InOrder(int32_t partition, const Range& range,
                       absl::FunctionRef<absl::Status(absl::string_view, absl::string_view)> take);
  absl::Status Damaged(int32_t partition) const;

  const std::string service_;
  const std::string server_name_;
  RedisPool pool_;
};

}  // namespace porchlight
