// Connections to one Redis server for many threads: none waits for another's command. While the
// server is away, one caller at a time tries to reach it, less and less often, and the others are
// told at once what that one found.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/store/redis_connection.h"

namespace porchlight {

// Thread-safe.
class RedisPool {
 public:
  // Ignores SIGPIPE in the whole process, since hiredis raises it when a server is gone. `clock`
  // must outlive it. `restarted`: told when another run of a server answers than before; may be
  // empty.
  RedisPool(RedisServer server, const Clock& clock, std::function<void()> restarted);

  absl::StatusOr<std::unique_ptr<RedisConnection>> Take();
  // One that isn't usable any more takes the idle ones with it: they are of the same server.
  void Give(std::unique_ptr<RedisConnection> connection);

 private:
  struct Idle {
    std::unique_ptr<RedisConnection> connection;
    absl::Duration since;
  };

  void Reached(const RedisConnection& connection);
  void Missed(const absl::Status& why);

  const RedisServer server_;
  const Clock& clock_;
  const std::function<void()> restarted_;
  absl::Mutex mutex_;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);  // the one used last at the end
  std::string run_id_ ABSL_GUARDED_BY(mutex_);
  // Of the last try to connect; while it isn't OK nobody tries before `try_at_`.
  absl::Status reached_ ABSL_GUARDED_BY(mutex_);
  absl::Duration try_at_ ABSL_GUARDED_BY(mutex_) = -absl::InfiniteDuration();
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
