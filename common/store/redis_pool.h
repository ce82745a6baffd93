// Connections to one Redis server for many threads: none waits for another's command, and while the
// server is away none but the one that tries it waits at all (common/base/reach.h).
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
#include "common/base/reach.h"
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

  const RedisServer server_;
  const Clock& clock_;
  const std::function<void()> restarted_;
  Reach reach_;
  absl::Mutex mutex_;
  std::vector<Idle> idle_ ABSL_GUARDED_BY(mutex_);  // the one used last at the end
  std::string run_id_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
