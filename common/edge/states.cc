#include "common/edge/states.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/ids.h"

namespace porchlight {

absl::StatusOr<Aggregate> States::Load(const std::string& aggregate_id) const {
  const absl::StatusOr<StoredAggregate> stored =
      store_.Load(PartitionOf(YouthOf(aggregate_id), partitions_), aggregate_id);
  if (!stored.ok()) return stored.status();
  return folder_.Unseal(*stored);
}

absl::StatusOr<StatePage> States::List(bool active_only, size_t page_size,
                                       const std::string& page_token) const {
  int32_t partition = 0;
  Store::ListOptions options{.active_only = active_only, .after = "", .limit = 0};
  if (!page_token.empty()) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(page_token, absl::MaxSplits('/', 1));
    if (!absl::SimpleAtoi(parts.first, &partition) || partition < 0 || partition >= partitions_) {
      return absl::InvalidArgumentError(
          "page_token is not one that a reply gave; leave it empty for the first page");
    }
    options.after = parts.second;
  }
  StatePage page;
  for (; partition < partitions_; ++partition, options.after.clear()) {
    options.limit = page_size - page.aggregates.size();
    const absl::StatusOr<std::vector<StoredAggregate>> listed = store_.List(partition, options);
    if (!listed.ok()) return listed.status();
    for (const StoredAggregate& stored : *listed) {
      absl::StatusOr<Aggregate> aggregate = folder_.Unseal(stored);
      if (absl::IsFailedPrecondition(aggregate.status())) continue;
      if (!aggregate.ok()) return aggregate.status();
      page.aggregates.emplace_back(stored.aggregate_id, *std::move(aggregate));
    }
    if (listed->size() == options.limit) {
      page.next_page_token = absl::StrCat(partition, "/", listed->back().aggregate_id);
      return page;
    }
  }
  return page;
}

absl::StatusOr<std::vector<v1::Timer>> States::Timers(const std::string& aggregate_id) const {
  return store_.Timers(PartitionOf(YouthOf(aggregate_id), partitions_), aggregate_id);
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> States::DeadLetters(size_t limit) const {
  std::vector<v1::DeliveryStatus> all;
  for (int32_t partition = 0; partition < partitions_ && all.size() < limit; ++partition) {
    absl::StatusOr<std::vector<v1::DeliveryStatus>> some =
        store_.DeadLetters(partition, limit - all.size());
    if (!some.ok()) return some.status();
    for (v1::DeliveryStatus& status : *some) all.push_back(std::move(status));
  }
  return all;
}

}  // namespace porchlight
