// Whether a server can be reached, for many threads that need it. While it can't, one of them at a
// time tries, less and less often and for a small part of the time, and the others are told at once
// what that one found. It never waits.
#pragma once

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"

namespace porchlight {

// Thread-safe.
class Reach {
 public:
  // `clock` must outlive it.
  Reach(const Clock& clock, absl::Duration pause_longest)
      : clock_(clock), pause_longest_(pause_longest) {}

  // OK: try now, which takes `try_limit` at most, and tell what came of it. Otherwise what the last
  // try found.
  absl::Status MayTry(absl::Duration try_limit);
  void Reached();
  // `why` isn't OK. `took`: how long the try took.
  void Missed(const absl::Status& why, absl::Duration took);

 private:
  const Clock& clock_;
  const absl::Duration pause_longest_;
  absl::Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);  // of the last try; OK at first
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
  absl::Duration try_at_ ABSL_GUARDED_BY(mutex_);  // while the last one isn't OK
};

}  // namespace porchlight
