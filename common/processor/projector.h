// Folds one partition of the log into the store, by itself: whatever state the store is in, it goes
// on from there.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/log/chain.h"
#include "common/processor/aggregates.h"
#include "common/store/store.h"

namespace porchlight {

// Not thread-safe.
class Projector {
 public:
  Projector(const AggregateFolder& folder, Log& log, Store& store, TopicPartition events)
      : folder_(folder), log_(log), store_(store), events_(std::move(events)) {}

  // Applies the next batch: true if the store moved. `decided` (may be null) saves folding again
  // what is in memory anyway. After an error it asks the store where it stands and goes on from
  // there.
  absl::StatusOr<bool> Step(const Aggregates* decided);

  // The next Step asks the store where it stands: it may have been wiped or set back since.
  void AskStore() { checkpoint_.reset(); }

  // The last sequence known to be in the store.
  uint64_t sequence() const { return checkpoint_.has_value() ? checkpoint_->sequence() : 0; }

 private:
  absl::StatusOr<StoreBatch> MakeBatch(const std::vector<Counted>& counted, const ChainTail& tail,
                                       const Aggregates* decided);
  absl::StatusOr<Aggregate> Base(const std::string& aggregate_id, const v1::Transition& first);

  const AggregateFolder& folder_;
  Log& log_;
  Store& store_;
  const TopicPartition events_;
  std::optional<v1::Checkpoint> checkpoint_;  // of the store; unknown after an error
};

}  // namespace porchlight
