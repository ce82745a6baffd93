// See store_testing.h.
#include "tests/contract/store_testing.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace porchlight {

void Heard::Aggregate(absl::string_view aggregate_id, int64_t offset) {
  lines.push_back(absl::StrCat("aggregate ", aggregate_id, " at ", offset));
}

void Heard::Timer(const StoredTimer& timer) {
  lines.push_back(absl::StrCat("timer ", timer.aggregate_id, " ", timer.timer.timer_id(), " due ",
                               timer.timer.due_at().seconds()));
}

void Heard::Delivery(const v1::DeliveryStatus& delivery) {
  lines.push_back(absl::StrCat("delivery ", delivery.delivery_id(), " ",
                               v1::DeliveryState_Name(delivery.state())));
}

StoreChange Change(const std::string& aggregate_id, int64_t offset, bool active) {
  StoreChange change;
  change.aggregate = {.aggregate_id = aggregate_id,
                      .offset = offset,
                      .active = active,
                      .sealed_state = absl::StrCat("sealed ", aggregate_id, " ", offset)};
  return change;
}

v1::Timer TimerDue(const std::string& timer_id, int64_t seconds) {
  v1::Timer timer;
  timer.set_timer_id(timer_id);
  timer.mutable_due_at()->set_seconds(seconds);
  return timer;
}

v1::DeliveryStatus Delivery(const std::string& delivery_id, v1::DeliveryState state) {
  v1::DeliveryStatus delivery;
  delivery.set_delivery_id(delivery_id);
  delivery.set_state(state);
  delivery.set_made_offset(7);
  return delivery;
}

StoreBatch Batch(uint64_t from_sequence, std::vector<StoreChange> changes) {
  StoreBatch batch;
  batch.from_sequence = from_sequence;
  batch.to.set_sequence(from_sequence + changes.size());
  batch.to.set_chain_hash(absl::StrCat("hash ", batch.to.sequence()));
  batch.to.set_next_offset(static_cast<int64_t>(batch.to.sequence()));
  batch.to.add_positions()->set_next_offset(static_cast<int64_t>(3 * batch.to.sequence()));
  batch.changes = std::move(changes);
  return batch;
}

std::vector<std::string> IdsOf(const absl::StatusOr<std::vector<StoredAggregate>>& listed) {
  EXPECT_TRUE(listed.ok()) << listed.status();
  std::vector<std::string> ids;
  for (const StoredAggregate& aggregate : *listed) ids.push_back(aggregate.aggregate_id);
  return ids;
}

RedisServer ServerOf(const testing::RedisProcess& redis) {
  RedisServer server;
  server.host = "127.0.0.1";
  server.port = redis.port();
  server.connect_limit = absl::Seconds(10);
  server.answer_limit = absl::Seconds(30);
  return server;
}

std::unique_ptr<RedisStore> OpenRedis(const testing::RedisProcess& redis) {
  static const SystemClock clock;
  return std::make_unique<RedisStore>(
      RedisStoreOptions{.server = ServerOf(redis), .service = "intake", .restarted = {}}, clock);
}

}  // namespace porchlight
