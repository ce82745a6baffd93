// How a waiting loop is woken: by a log that has grown, an answer that has come, or a stop.
#pragma once

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace porchlight {

// Thread-safe. A Notify() between two waits is not lost: the next wait returns at once.
class Signal {
 public:
  void Notify() {
    absl::MutexLock lock(&mutex_);
    raised_ = true;
  }
  // Returns when notified, or after `longest`.
  void Wait(absl::Duration longest) {
    absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&raised_), longest);
    raised_ = false;
  }

 private:
  absl::Mutex mutex_;
  bool raised_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace porchlight
