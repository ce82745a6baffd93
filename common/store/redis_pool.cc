// See redis_pool.h.
#include "common/store/redis_pool.h"

#include <csignal>
#include <utility>

namespace porchlight {
namespace {

constexpr size_t kIdleMax = 8;
// What has been idle for long may have been cut off by something in between, without a word.
constexpr absl::Duration kIdleFor = absl::Seconds(30);
constexpr absl::Duration kPauseLongest = absl::Seconds(2);

}  // namespace

RedisPool::RedisPool(RedisServer server, const Clock& clock, std::function<void()> restarted)
    : server_(std::move(server)),
      clock_(clock),
      restarted_(std::move(restarted)),
      reach_(clock, kPauseLongest) {
  std::signal(SIGPIPE, SIG_IGN);
}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisPool::Take() {
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_.Steady();
    std::erase_if(idle_, [&](const Idle& idle) { return now - idle.since > kIdleFor; });
    if (!idle_.empty()) {
      std::unique_ptr<RedisConnection> taken = std::move(idle_.back().connection);
      idle_.pop_back();
      return taken;
    }
  }
  // To connect, to log in and to ask what it is.
  absl::Status may_try = reach_.MayTry(3 * server_.connect_limit);
  if (!may_try.ok()) return may_try;
  const absl::Duration began = clock_.Steady();
  absl::StatusOr<std::unique_ptr<RedisConnection>> opened = RedisConnection::Open(server_);
  if (opened.ok()) {
    Reached(**opened);
  } else {
    reach_.Missed(opened.status(), clock_.Steady() - began);
  }
  return opened;
}

void RedisPool::Reached(const RedisConnection& connection) {
  reach_.Reached();
  bool another = false;
  {
    absl::MutexLock lock(&mutex_);
    another = !run_id_.empty() && run_id_ != connection.run_id();
    run_id_ = connection.run_id();
    if (another) idle_.clear();
  }
  if (another && restarted_) restarted_();
}

void RedisPool::Give(std::unique_ptr<RedisConnection> connection) {
  absl::MutexLock lock(&mutex_);
  if (!connection->usable()) {
    idle_.clear();
  } else if (connection->run_id() == run_id_ && idle_.size() < kIdleMax) {
    idle_.push_back({std::move(connection), clock_.Steady()});
  }
}

}  // namespace porchlight
