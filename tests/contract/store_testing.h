// Short words for the store's contract tests.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/store/redis_store.h"
#include "common/store/store.h"
#include "gtest/gtest.h"
#include "tests/support/redis_process.h"

namespace porchlight {

// What a visitor heard, one line each.
struct Heard : StoreVisitor {
  void Aggregate(absl::string_view aggregate_id, int64_t offset) override;
  void Timer(const StoredTimer& timer) override;
  void Delivery(const v1::DeliveryStatus& delivery) override;
  std::vector<std::string> lines;
};

StoreChange Change(const std::string& aggregate_id, int64_t offset, bool active = true);
v1::Timer TimerDue(const std::string& timer_id, int64_t seconds);
v1::DeliveryStatus Delivery(const std::string& delivery_id, v1::DeliveryState state);
// Of as many transitions as changes.
StoreBatch Batch(uint64_t from_sequence, std::vector<StoreChange> changes);
std::vector<std::string> IdsOf(const absl::StatusOr<std::vector<StoredAggregate>>& listed);

// With limits that a busy machine doesn't reach; a test that wants to reach them sets them.
RedisServer ServerOf(const testing::RedisProcess& redis);
std::unique_ptr<RedisStore> OpenRedis(const testing::RedisProcess& redis);

}  // namespace porchlight
