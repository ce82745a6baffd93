#include "common/processor/projector.h"

#include <iterator>
#include <map>
#include <utility>

#include "common/base/limits.h"
#include "common/delivery/delivery.h"

namespace porchlight {
namespace {

constexpr size_t kCommittedKeptMax = 4 * kBatchInputsMax;
// What follows upon one another in a rush is written once for each aggregate.
constexpr size_t kCommittedWaitMax = 2 * kBatchInputsMax;

void MergePositions(const v1::Transition& transition, v1::Checkpoint& checkpoint) {
  for (const v1::Position& position : transition.positions()) {
    v1::Position* known = nullptr;
    for (v1::Position& candidate : *checkpoint.mutable_positions()) {
      if (candidate.topic() == position.topic() && candidate.partition() == position.partition())
        known = &candidate;
    }
    if (known == nullptr) known = checkpoint.add_positions();
    *known = position;
  }
}

void MergeTimers(const v1::Transition& transition, StoreChange& change) {
  for (const std::string& removed : transition.timers_removed()) {
    std::erase_if(change.timers_set,
                  [&](const v1::Timer& timer) { return timer.timer_id() == removed; });
    change.timers_removed.push_back(removed);
  }
  for (const v1::Timer& timer : transition.timers_set()) {
    std::erase_if(change.timers_set,
                  [&](const v1::Timer& set) { return set.timer_id() == timer.timer_id(); });
    std::erase(change.timers_removed, timer.timer_id());
    change.timers_set.push_back(timer);
  }
}

}  // namespace

void Projector::Follow(const ChainTail& from, std::vector<Counted> committed, const ChainTail& to) {
  const bool follows = committed_.to.hash == from.hash && committed_.to.sequence == from.sequence;
  if (committed_.transitions.empty() || !follows) {
    committed_ = {from, std::move(committed), to};
  } else {
    std::move(committed.begin(), committed.end(), std::back_inserter(committed_.transitions));
    committed_.to = to;
  }
  if (committed_.transitions.size() > kCommittedKeptMax) committed_ = {};
}

bool Projector::FollowsCommitted() const {
  if (!checkpoint_.has_value() || committed_.transitions.empty()) return false;
  const uint64_t sequence = checkpoint_->sequence();
  return committed_.from.sequence == sequence &&
         (sequence == 0 || committed_.from.hash == checkpoint_->chain_hash());
}

bool Projector::MayWait() const {
  return FollowsCommitted() && committed_.transitions.size() < kCommittedWaitMax;
}

absl::StatusOr<Projector::Batch> Projector::Next() {
  ChainTail tail;
  if (checkpoint_->sequence() > 0) tail = {checkpoint_->chain_hash(), checkpoint_->sequence(), 0};
  if (FollowsCommitted()) return std::exchange(committed_, {});
  tail.next_offset = checkpoint_->next_offset();
  Batch batch{.from = tail, .transitions = {}, .to = tail};
  const absl::StatusOr<int64_t> end = log_.End(events_);
  if (!end.ok()) return end.status();
  if (tail.next_offset >= *end) return batch;
  ChainReader reader(log_, events_, tail);
  absl::StatusOr<std::vector<Counted>> counted = reader.Next();
  if (!counted.ok()) return counted.status();
  batch.transitions = *std::move(counted);
  batch.to = reader.tail();
  // Only records that don't count: passed over.
  if (batch.transitions.empty()) checkpoint_->set_next_offset(batch.to.next_offset);
  return batch;
}

absl::StatusOr<bool> Projector::Step(const Aggregates* decided) {
  if (!checkpoint_.has_value()) {
    absl::StatusOr<v1::Checkpoint> where = store_.Where(events_.partition);
    if (!where.ok()) return where.status();
    checkpoint_ = *std::move(where);
  }
  const absl::StatusOr<Batch> next = Next();
  if (!next.ok()) return next.status();
  if (next->transitions.empty()) return false;
  const absl::StatusOr<StoreBatch> batch = MakeBatch(next->transitions, next->to, decided);
  absl::Status applied = batch.ok() ? store_.Apply(events_.partition, *batch) : batch.status();
  if (!applied.ok()) {
    checkpoint_.reset();
    return applied;
  }
  checkpoint_ = batch->to;
  return true;
}

absl::StatusOr<StoreBatch> Projector::MakeBatch(const std::vector<Counted>& counted,
                                                const ChainTail& tail, const Aggregates* decided) {
  StoreBatch batch{.from_sequence = checkpoint_->sequence(), .to = *checkpoint_, .changes = {}};
  std::map<std::string, StoreChange> changes;
  std::map<std::string, std::vector<const Counted*>> by_aggregate;
  for (const Counted& next : counted) {
    MergePositions(next.transition, batch.to);
    by_aggregate[next.transition.aggregate_id()].push_back(&next);
  }
  for (const auto& [aggregate_id, transitions] : by_aggregate) {
    const AggregatePointer known = decided == nullptr ? nullptr : decided->Cached(aggregate_id);
    Aggregate folded;
    const Aggregate* current = known.get();
    if (known == nullptr || known->offset != transitions.back()->offset) {
      absl::StatusOr<Aggregate> base = Base(aggregate_id, transitions.front()->transition);
      if (!base.ok()) return base.status();
      folded = *std::move(base);
      for (const Counted* next : transitions) {
        if (absl::Status status = folder_.Fold(folded, *next); !status.ok()) return status;
      }
      current = &folded;
    }
    absl::StatusOr<StoredAggregate> sealed = folder_.Seal(aggregate_id, *current);
    if (!sealed.ok()) return sealed.status();
    StoreChange change{
        .aggregate = *std::move(sealed), .timers_set = {}, .timers_removed = {}, .deliveries = {}};
    std::map<std::string, const v1::DeliveryStatus*> statuses;
    for (const v1::DeliveryStatus& status : current->kept.deliveries())
      statuses[status.delivery_id()] = &status;
    std::map<std::string, bool> touched;
    for (const Counted* next : transitions) {
      MergeTimers(next->transition, change);
      for (const v1::Delivery& made : next->transition.deliveries())
        touched[made.delivery_id()] = true;
      for (const v1::DeliveryAttempt& attempt : next->transition.attempts())
        touched[attempt.delivery_id()] = true;
    }
    for (const auto& [delivery_id, unused] : touched) {
      if (statuses.contains(delivery_id)) {
        change.deliveries.push_back(*statuses.at(delivery_id));
        continue;
      }
      // Settled and forgotten within these transitions.
      v1::DeliveryStatus settled;
      settled.set_delivery_id(delivery_id);
      settled.set_state(v1::DELIVERY_STATE_DELIVERED);
      change.deliveries.push_back(std::move(settled));
    }
    batch.changes.push_back(std::move(change));
  }
  batch.to.set_sequence(tail.sequence);
  batch.to.set_chain_hash(tail.hash);
  batch.to.set_next_offset(tail.next_offset);
  return batch;
}

// What the store has of the aggregate, if `first` follows it: between two calls the store may have
// been set back and brought forward again by another owner of the partition.
absl::StatusOr<Aggregate> Projector::Base(const std::string& aggregate_id,
                                          const v1::Transition& first) {
  if (first.aggregate_previous_hash().empty()) return folder_.Empty();
  const absl::StatusOr<StoredAggregate> stored = store_.Load(events_.partition, aggregate_id);
  if (!stored.ok() && !absl::IsNotFound(stored.status())) return stored.status();
  absl::StatusOr<Aggregate> aggregate = stored.ok() ? folder_.Unseal(*stored) : folder_.Empty();
  if (absl::IsFailedPrecondition(aggregate.status()))
    return folder_.Empty();  // its key was destroyed
  if (aggregate.ok() && aggregate->kept.last_hash() != first.aggregate_previous_hash())
    return absl::AbortedError("the store was moved while it was brought up to date; trying again");
  return aggregate;
}

}  // namespace porchlight
