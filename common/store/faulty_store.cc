#include "common/store/faulty_store.h"

namespace porchlight {

template <typename Result, typename Do>
Result FaultyStore::Faulted(StoreCall call, int32_t partition, const Do& done) {
  const StoreFault fault = plan_ ? plan_(call, partition) : StoreFault::kNone;
  if (fault == StoreFault::kBefore) {
    return absl::UnavailableError("planned fault: the store is away");
  }
  Result result = done();
  if (fault == StoreFault::kAfter) {
    return absl::UnavailableError("planned fault: the store's answer was lost");
  }
  return result;
}

absl::StatusOr<v1::Checkpoint> FaultyStore::Where(int32_t partition) {
  return Faulted<absl::StatusOr<v1::Checkpoint>>(StoreCall::kWhere, partition,
                                                 [&] { return store_.Where(partition); });
}

absl::Status FaultyStore::Apply(int32_t partition, const StoreBatch& batch) {
  return Faulted<absl::Status>(StoreCall::kApply, partition,
                               [&] { return store_.Apply(partition, batch); });
}

absl::StatusOr<StoredAggregate> FaultyStore::Load(int32_t partition,
                                                  const std::string& aggregate_id) {
  return Faulted<absl::StatusOr<StoredAggregate>>(
      StoreCall::kLoad, partition, [&] { return store_.Load(partition, aggregate_id); });
}

absl::StatusOr<v1::Checkpoint> FaultyStore::Visit(int32_t partition, StoreVisitor& visitor) {
  return Faulted<absl::StatusOr<v1::Checkpoint>>(StoreCall::kVisit, partition,
                                                 [&] { return store_.Visit(partition, visitor); });
}

absl::StatusOr<std::vector<v1::Timer>> FaultyStore::Timers(int32_t partition,
                                                           const std::string& aggregate_id) {
  return Faulted<absl::StatusOr<std::vector<v1::Timer>>>(
      StoreCall::kTimers, partition, [&] { return store_.Timers(partition, aggregate_id); });
}

absl::StatusOr<std::vector<StoredAggregate>> FaultyStore::List(int32_t partition,
                                                               const ListOptions& options) {
  return Faulted<absl::StatusOr<std::vector<StoredAggregate>>>(
      StoreCall::kList, partition, [&] { return store_.List(partition, options); });
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> FaultyStore::DeadLetters(int32_t partition,
                                                                         size_t limit) {
  return Faulted<absl::StatusOr<std::vector<v1::DeliveryStatus>>>(
      StoreCall::kDeadLetters, partition, [&] { return store_.DeadLetters(partition, limit); });
}

absl::Status FaultyStore::Wipe(int32_t partition) {
  return Faulted<absl::Status>(StoreCall::kWipe, partition, [&] { return store_.Wipe(partition); });
}

}  // namespace porchlight
