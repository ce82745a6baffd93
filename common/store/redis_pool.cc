// See redis_pool.h.
#include "common/store/redis_pool.h"

#include <algorithm>
#include <csignal>
#include <utility>

namespace porchlight {
namespace {

constexpr size_t kIdleMax = 8;
// What has been idle for long may have been cut off by something in between, without a word.
constexpr absl::Duration kIdleFor = absl::Seconds(30);
constexpr absl::Duration kPauseFirst = absl::Milliseconds(50);
constexpr absl::Duration kPauseLongest = absl::Seconds(2);

}  // namespace

RedisPool::RedisPool(RedisServer server, const Clock& clock, std::function<void()> restarted)
    : server_(std::move(server)), clock_(clock), restarted_(std::move(restarted)) {
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
    if (!reached_.ok() && now < try_at_) return reached_;
    // Time enough for this try: to connect, to log in and to ask what it is.
    try_at_ = now + 3 * server_.connect_limit;
  }
  absl::StatusOr<std::unique_ptr<RedisConnection>> opened = RedisConnection::Open(server_);
  if (opened.ok()) {
    Reached(**opened);
  } else {
    Missed(opened.status());
  }
  return opened;
}

void RedisPool::Reached(const RedisConnection& connection) {
  bool another = false;
  {
    absl::MutexLock lock(&mutex_);
    reached_ = absl::OkStatus();
    pause_ = absl::ZeroDuration();
    another = !run_id_.empty() && run_id_ != connection.run_id();
    run_id_ = connection.run_id();
    if (another) idle_.clear();
  }
  if (another && restarted_) restarted_();
}

void RedisPool::Missed(const absl::Status& why) {
  absl::MutexLock lock(&mutex_);
  reached_ = why;
  pause_ = std::clamp(2 * pause_, kPauseFirst, kPauseLongest);
  try_at_ = clock_.Steady() + pause_;
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
