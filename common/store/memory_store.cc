#include "common/store/memory_store.h"

#include "absl/strings/str_cat.h"
#include "common/store/apply_rules.h"

namespace porchlight {
namespace {

void ApplyChange(const StoreChange& change, MemoryStore::Partition& partition) {
  const std::string& id = change.aggregate.aggregate_id;
  partition.aggregates[id] = change.aggregate;
  for (const std::string& timer_id : change.timers_removed) partition.timers.erase({id, timer_id});
  for (const v1::Timer& timer : change.timers_set) {
    partition.timers[{id, timer.timer_id()}] = timer;
  }
  for (const v1::DeliveryStatus& delivery : change.deliveries) {
    if (delivery.state() == v1::DELIVERY_STATE_DELIVERED ||
        delivery.state() == v1::DELIVERY_STATE_WITHDRAWN) {
      partition.deliveries.erase(delivery.delivery_id());
    } else {
      partition.deliveries[delivery.delivery_id()] = delivery;
    }
  }
}

}  // namespace

absl::StatusOr<v1::Checkpoint> MemoryStore::Where(int32_t partition) {
  absl::MutexLock lock(&mutex_);
  const auto found = partitions_.find(partition);
  return found == partitions_.end() ? v1::Checkpoint() : found->second.checkpoint;
}

absl::Status MemoryStore::Apply(int32_t partition, const StoreBatch& batch) {
  if (absl::Status status = CheckBatch(partition, batch); !status.ok()) return status;
  absl::MutexLock lock(&mutex_);
  Partition& kept = partitions_[partition];
  if (absl::Status status = CheckStandsAt(partition, batch, kept.checkpoint.sequence());
      !status.ok()) {
    return status;
  }
  for (const StoreChange& change : batch.changes) ApplyChange(change, kept);
  kept.checkpoint = batch.to;
  return absl::OkStatus();
}

absl::StatusOr<StoredAggregate> MemoryStore::Load(int32_t partition,
                                                  const std::string& aggregate_id) {
  absl::MutexLock lock(&mutex_);
  const auto kept = partitions_.find(partition);
  if (kept != partitions_.end()) {
    const auto found = kept->second.aggregates.find(aggregate_id);
    if (found != kept->second.aggregates.end()) return found->second;
  }
  return absl::NotFoundError(absl::StrCat("partition ", partition, " holds no ", aggregate_id));
}

absl::StatusOr<v1::Checkpoint> MemoryStore::Visit(int32_t partition, StoreVisitor& visitor) {
  absl::MutexLock lock(&mutex_);
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return v1::Checkpoint();
  for (const auto& [id, aggregate] : found->second.aggregates) {
    visitor.Aggregate(id, aggregate.offset);
  }
  for (const auto& [ids, timer] : found->second.timers) {
    visitor.Timer({.aggregate_id = ids.first, .timer = timer});
  }
  for (const auto& [id, delivery] : found->second.deliveries) visitor.Delivery(delivery);
  return found->second.checkpoint;
}

absl::StatusOr<std::vector<v1::Timer>> MemoryStore::Timers(int32_t partition,
                                                           const std::string& aggregate_id) {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::Timer> listed;
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return listed;
  const auto& timers = found->second.timers;
  for (auto it = timers.lower_bound({aggregate_id, ""});
       it != timers.end() && it->first.first == aggregate_id; ++it) {
    listed.push_back(it->second);
  }
  return listed;
}

absl::StatusOr<std::vector<StoredAggregate>> MemoryStore::List(int32_t partition,
                                                               const ListOptions& options) {
  absl::MutexLock lock(&mutex_);
  std::vector<StoredAggregate> listed;
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return listed;
  const auto& aggregates = found->second.aggregates;
  for (auto it = aggregates.upper_bound(options.after);
       it != aggregates.end() && listed.size() < options.limit; ++it) {
    if (it->second.active || !options.active_only) listed.push_back(it->second);
  }
  return listed;
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> MemoryStore::DeadLetters(int32_t partition,
                                                                         size_t limit) {
  absl::MutexLock lock(&mutex_);
  std::vector<v1::DeliveryStatus> dead;
  const auto found = partitions_.find(partition);
  if (found == partitions_.end()) return dead;
  for (const auto& [id, delivery] : found->second.deliveries) {
    if (dead.size() == limit) break;
    if (delivery.state() == v1::DELIVERY_STATE_DEAD) dead.push_back(delivery);
  }
  return dead;
}

absl::Status MemoryStore::Wipe(int32_t partition) {
  absl::MutexLock lock(&mutex_);
  partitions_.erase(partition);
  return absl::OkStatus();
}

MemoryStore::Contents MemoryStore::Snapshot() const {
  absl::MutexLock lock(&mutex_);
  return partitions_;
}

void MemoryStore::Restore(Contents contents) {
  absl::MutexLock lock(&mutex_);
  partitions_ = std::move(contents);
}

}  // namespace porchlight
