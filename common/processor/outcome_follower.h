// Hears what another process decided in a partition, for callers who wait for it here. So whichever
// instance of a service is called, it can answer.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "common/keys/keys.h"
#include "common/log/chain.h"
#include "common/processor/outcomes.h"
#include "common/store/store.h"

namespace porchlight {

// Of one partition that this process doesn't own. Not thread-safe.
class OutcomeFollower {
 public:
  OutcomeFollower(Log& log, Store& store, Keys& keys, Outcomes& outcomes, TopicPartition events);

  // Reads on from where it stands, at first from where the store stands: nobody waits for what was
  // decided before. Tells an outcome once the store shows it too, or at once while the store is
  // away. True if it read or told anything.
  bool Step();
  // Why nothing can be heard; OK if it can.
  const absl::Status& trouble() const { return trouble_; }

 private:
  struct Heard {
    uint64_t sequence = 0;
    v1::RememberedOutcome outcome;
  };

  bool Begin();
  bool Read();
  bool Tell();

  Log& log_;
  Store& store_;
  Keys& keys_;
  Outcomes& outcomes_;
  const TopicPartition events_;
  std::optional<ChainReader> reader_;
  std::deque<Heard> heard_;  // in the order of the log; not told yet
  absl::Status trouble_;
};

}  // namespace porchlight
