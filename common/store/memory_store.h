// A store in memory, for the simulator and tests. It can be set back to what it once was, as a
// store restored from an old backup is; other faults are put in front of it (faulty_store.h).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/store/store.h"

namespace porchlight {

class MemoryStore final : public Store {
 public:
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

  struct Partition {
    v1::Checkpoint checkpoint;
    std::map<std::string, StoredAggregate> aggregates;
    // By aggregate and timer id.
    std::map<std::pair<std::string, std::string>, v1::Timer> timers;
    std::map<std::string, v1::DeliveryStatus> deliveries;
  };
  using Contents = std::map<int32_t, Partition>;
  Contents Snapshot() const;
  void Restore(Contents contents);
  void WipeAll() { Restore({}); }

 private:
  mutable absl::Mutex mutex_;
  Contents partitions_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
