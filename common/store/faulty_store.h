// A store that is away on request, before or after it did what it was asked, for the simulator and
// tests. It decides nothing by itself: the plan says what happens to each call.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "common/store/store.h"

namespace porchlight {

enum class StoreFault {
  kNone,
  kBefore,  // Unavailable, and nothing was done
  kAfter,   // Unavailable, but it was done (Visit: the visitor has heard all or a part)
};

enum class StoreCall { kWhere, kApply, kLoad, kVisit, kTimers, kList, kDeadLetters, kWipe };

// Thread-safe if the plan and the store behind it are.
class FaultyStore final : public Store {
 public:
  using Plan = std::function<StoreFault(StoreCall, int32_t partition)>;

  // `store` must outlive it.
  FaultyStore(Store& store, Plan plan) : store_(store), plan_(std::move(plan)) {}

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
  template <typename Result, typename Do>
  Result Faulted(StoreCall call, int32_t partition, const Do& done);

  Store& store_;
  const Plan plan_;
};

}  // namespace porchlight
