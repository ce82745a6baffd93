#include "tests/support/store_contents.h"

#include <gtest/gtest.h>

namespace porchlight::testing {
namespace {

class Gatherer final : public StoreVisitor {
 public:
  explicit Gatherer(MemoryStore::Partition& into) : into_(into) {}
  // Those are listed with their states.
  void Aggregate(absl::string_view, int64_t) override {}
  void Timer(const StoredTimer& timer) override {
    into_.timers[{timer.aggregate_id, timer.timer.timer_id()}] = timer.timer;
  }
  void Delivery(const v1::DeliveryStatus& delivery) override {
    into_.deliveries[delivery.delivery_id()] = delivery;
  }

 private:
  MemoryStore::Partition& into_;
};

std::vector<StoredAggregate> Aggregates(Store& store, int32_t partition) {
  std::vector<StoredAggregate> all;
  for (bool more = true; more;) {
    const auto page = store.List(
        partition,
        {.active_only = false, .after = all.empty() ? "" : all.back().aggregate_id, .limit = 1000});
    EXPECT_TRUE(page.ok()) << page.status();
    more = page.ok() && !page->empty();
    if (more) all.insert(all.end(), page->begin(), page->end());
  }
  return all;
}

}  // namespace

MemoryStore::Contents ContentsOf(Store& store, int32_t partitions) {
  MemoryStore::Contents contents;
  for (int32_t partition = 0; partition < partitions; ++partition) {
    MemoryStore::Partition read;
    Gatherer gatherer(read);
    const absl::StatusOr<v1::Checkpoint> checkpoint = store.Visit(partition, gatherer);
    EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
    if (!checkpoint.ok() || checkpoint->sequence() == 0) continue;
    read.checkpoint = *checkpoint;
    for (StoredAggregate& aggregate : Aggregates(store, partition))
      read.aggregates.emplace(aggregate.aggregate_id, std::move(aggregate));
    contents.emplace(partition, std::move(read));
  }
  return contents;
}

void SetContents(Store& store, int32_t partitions, const MemoryStore::Contents& contents) {
  for (int32_t partition = 0; partition < partitions; ++partition) {
    EXPECT_TRUE(store.Wipe(partition).ok());
    const auto wanted = contents.find(partition);
    if (wanted == contents.end()) continue;
    std::map<std::string, StoreChange> changes;
    for (const auto& [id, aggregate] : wanted->second.aggregates) changes[id].aggregate = aggregate;
    for (const auto& [timer_of, timer] : wanted->second.timers)
      changes.at(timer_of.first).timers_set.push_back(timer);
    for (const auto& [id, delivery] : wanted->second.deliveries)
      changes.at(delivery.aggregate_id()).deliveries.push_back(delivery);
    StoreBatch batch{.from_sequence = 0, .to = wanted->second.checkpoint, .changes = {}};
    for (auto& [id, change] : changes) batch.changes.push_back(std::move(change));
    const absl::Status applied = store.Apply(partition, batch);
    EXPECT_TRUE(applied.ok()) << applied;
  }
}

}  // namespace porchlight::testing
