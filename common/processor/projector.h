// Folds one partition of the log into the store, by itself: whatever state the store is in, it goes
// on from there.
#pragma once

#include <optional>
#include <string>
#include <vector>

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

  // What was just committed after `from`, and now ends at `to`: saves reading and checking it
  // again. Kept while it is little; the log has it too.
  void Follow(const ChainTail& from, std::vector<Counted> committed, const ChainTail& to);

  // Applies the next batch: true if the store moved. `decided` (may be null) saves folding again
  // what is in memory anyway. After an error it asks the store where it stands and goes on from
  // there.
  absl::StatusOr<bool> Step(const Aggregates* decided);

  // The next Step asks the store where it stands: it may have been wiped or set back since.
  void AskStore() { checkpoint_.reset(); }

  // There is something for the store, but it is little and at hand: better once for several.
  bool MayWait() const;

  // The last sequence known to be in the store.
  uint64_t sequence() const { return checkpoint_.has_value() ? checkpoint_->sequence() : 0; }

 private:
  struct Batch {
    ChainTail from;
    std::vector<Counted> transitions;
    ChainTail to;
  };

  bool FollowsCommitted() const;
  // What comes after the store's checkpoint; no transitions at the log's end.
  absl::StatusOr<Batch> Next();
  absl::StatusOr<StoreBatch> MakeBatch(const std::vector<Counted>& counted, const ChainTail& tail,
                                       const Aggregates* decided);
  absl::StatusOr<Aggregate> Base(const std::string& aggregate_id, const v1::Transition& first);

  const AggregateFolder& folder_;
  Log& log_;
  Store& store_;
  const TopicPartition events_;
  std::optional<v1::Checkpoint> checkpoint_;  // of the store; unknown after an error
  Batch committed_;                           // empty, or the newest of the log without a gap
};

}  // namespace porchlight
