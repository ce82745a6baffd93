// The states that decisions are made on: loaded from the store where it has them, brought up to
// date along the aggregate's back-links in the log, kept while there is room. A store that lags, is
// old, empty or away makes this slower and never wrong.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/keys/keys.h"
#include "common/log/chain.h"
#include "common/processor/partition_view.h"
#include "common/processor/rules.h"
#include "common/store/store.h"

namespace porchlight {

// One aggregate, unsealed.
struct Aggregate {
  v1::AggregateState kept;  // without rules_state, which is:
  std::unique_ptr<google::protobuf::Message> rules_state;
  int64_t offset = -1;  // of its last transition

  const v1::RememberedOutcome* FindOutcome(absl::string_view command_id) const;
  // What a caller is told who sends a command of this id (again): the same, unless the content is
  // another. Nothing: it wasn't decided yet, or too long ago. An empty digest is of content that
  // nobody can read.
  std::optional<v1::RememberedOutcome> OutcomeFor(absl::string_view command_id,
                                                  const std::string& content_digest) const;
  v1::DeliveryStatus* FindDelivery(absl::string_view delivery_id);
};

using AggregatePointer = std::shared_ptr<const Aggregate>;

// Folds transitions into aggregates, and aggregates into what a store keeps. Stateless.
class AggregateFolder {
 public:
  AggregateFolder(const Rules& rules, Keys& keys) : rules_(rules), keys_(keys) {}

  Aggregate Empty() const;
  Aggregate Copy(const Aggregate& aggregate) const;
  // The next transition of this aggregate. What was sealed with a destroyed key is passed over.
  // Unimplemented: an event of a newer version.
  absl::Status Fold(Aggregate& aggregate, const Counted& counted) const;
  absl::StatusOr<StoredAggregate> Seal(const std::string& aggregate_id,
                                       const Aggregate& aggregate) const;
  absl::StatusOr<Aggregate> Unseal(const StoredAggregate& stored) const;

 private:
  const Rules& rules_;
  Keys& keys_;
};

// One partition's. Not thread-safe.
class Aggregates {
 public:
  Aggregates(const AggregateFolder& folder, Log& log, Store& store, TopicPartition events,
             const PartitionView& view)
      : folder_(folder), log_(log), store_(store), events_(std::move(events)), view_(view) {}

  // As of the view. An aggregate never seen is empty. Unavailable: neither cached nor readable now.
  absl::StatusOr<AggregatePointer> Load(const std::string& aggregate_id);
  // Null unless it is in memory.
  AggregatePointer Cached(const std::string& aggregate_id) const;
  void Put(const std::string& aggregate_id, AggregatePointer aggregate);
  void Forget(const std::string& aggregate_id);

 private:
  struct Entry {
    AggregatePointer aggregate;
    std::list<std::string>::iterator recency;
  };

  absl::StatusOr<Aggregate> Fetch(const std::string& aggregate_id, int64_t head) const;
  absl::StatusOr<Counted> Find(int64_t from_offset, absl::string_view hash) const;

  const AggregateFolder& folder_;
  Log& log_;
  Store& store_;
  TopicPartition events_;
  const PartitionView& view_;
  absl::flat_hash_map<std::string, Entry> cache_;
  std::list<std::string> recency_;  // newest first
};

}  // namespace porchlight
