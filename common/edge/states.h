// The way out: what lists and questions are answered from. Reads the store, so it may be a moment
// behind the log; an outcome is told only after the store was brought up to it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/processor/aggregates.h"
#include "common/store/store.h"

namespace porchlight {

struct StatePage {
  std::vector<std::pair<std::string, Aggregate>> aggregates;  // by aggregate id
  std::string next_page_token;                                // empty: that was the last page
};

// Of one service. Thread-safe.
class States {
 public:
  States(const Rules& rules, Store& store, Keys& keys, int32_t partitions)
      : folder_(rules, keys), store_(store), partitions_(partitions) {}

  // NotFound: no such aggregate.
  absl::StatusOr<Aggregate> Load(const std::string& aggregate_id) const;
  // Pages over all partitions. InvalidArgument: the token is not one of ours. States whose key was
  // destroyed are left out.
  absl::StatusOr<StatePage> List(bool active_only, size_t page_size,
                                 const std::string& page_token) const;
  absl::StatusOr<std::vector<v1::Timer>> Timers(const std::string& aggregate_id) const;
  absl::StatusOr<std::vector<v1::DeliveryStatus>> DeadLetters(size_t limit) const;

 private:
  const AggregateFolder folder_;
  Store& store_;
  const int32_t partitions_;
};

}  // namespace porchlight
