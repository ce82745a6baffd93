// The store: a fold of one service's events, partition by partition. A cache that saves reading the
// log from its start; it may lag, be old, be wiped or be away at any time, and nothing is lost by
// that.
//
// Contract, held by every adapter (tests/contract/store_contract_test.cc):
//   * Apply takes effect as a whole, and only if the partition stands at from_sequence; otherwise
//   FailedPrecondition and no change.
//   * After an error (Unavailable), Apply may have taken effect or not: ask Where.
//   * Whatever was applied may be gone after a restart, but only as a whole tail: what is left is
//   what some earlier Apply left.
//   * No method ever blocks for more than a few seconds; when the store can't be used they answer
//   Unavailable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "porchlight/v1/state.pb.h"

namespace porchlight {

// What is kept of one aggregate.
struct StoredAggregate {
  std::string aggregate_id;
  int64_t offset = -1;  // of its last transition folded
  bool active = false;
  std::string sealed_state;  // a sealed AggregateState
};

// What one or more counted transitions of one aggregate change in the store.
struct StoreChange {
  StoredAggregate aggregate;
  // What is removed is removed first: a timer that fired may set itself again.
  std::vector<v1::Timer> timers_set;
  std::vector<std::string> timers_removed;
  // Written if pending or dead, removed if delivered or withdrawn.
  std::vector<v1::DeliveryStatus> deliveries;
};

struct StoreBatch {
  uint64_t from_sequence = 0;
  v1::Checkpoint to;  // to.sequence > from_sequence
  std::vector<StoreChange> changes;
};

struct StoredTimer {
  std::string aggregate_id;
  v1::Timer timer;
};

// Receives what a partition holds; any order. Must not call the store.
class StoreVisitor {
 public:
  virtual ~StoreVisitor() = default;
  virtual void Aggregate(absl::string_view aggregate_id, int64_t offset) = 0;
  virtual void Timer(const StoredTimer& timer) = 0;
  virtual void Delivery(const v1::DeliveryStatus& delivery) = 0;
};

// One service's store. Thread-safe.
class Store {
 public:
  virtual ~Store() = default;

  // How far the partition is folded; an empty checkpoint where nothing is.
  virtual absl::StatusOr<v1::Checkpoint> Where(int32_t partition) = 0;
  virtual absl::Status Apply(int32_t partition, const StoreBatch& batch) = 0;
  // NotFound: no such aggregate.
  virtual absl::StatusOr<StoredAggregate> Load(int32_t partition,
                                               const std::string& aggregate_id) = 0;
  // The partition's checkpoint with everything that stands at it, as one consistent view.
  virtual absl::StatusOr<v1::Checkpoint> Visit(int32_t partition, StoreVisitor& visitor) = 0;

  // Those of one aggregate, by their ids; none where there is no such aggregate.
  virtual absl::StatusOr<std::vector<v1::Timer>> Timers(int32_t partition,
                                                        const std::string& aggregate_id) = 0;

  struct ListOptions {
    bool active_only = true;
    std::string after;  // aggregate_id; empty: from the first
    size_t limit = 100;
  };
  // In order of aggregate_id.
  virtual absl::StatusOr<std::vector<StoredAggregate>> List(int32_t partition,
                                                            const ListOptions& options) = 0;
  // Deliveries that are dead, at most `limit`.
  virtual absl::StatusOr<std::vector<v1::DeliveryStatus>> DeadLetters(int32_t partition,
                                                                      size_t limit) = 0;

  // Forgets the partition: `porchlight rebuild`, and a store that is of another log.
  virtual absl::Status Wipe(int32_t partition) = 0;
};

}  // namespace porchlight
