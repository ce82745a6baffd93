// The directory as an edge reads it: who is known and which packs are in force by now, folded from
// the log as every processor folds it. It never changes anything.
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/processor/reference.h"

namespace porchlight {

// Thread-safe.
class DirectoryView {
 public:
  DirectoryView(Log& log, Keys& keys) : reference_(log, keys) {}

  // As of now. Unavailable: the log or the keys are away.
  absl::StatusOr<std::shared_ptr<const v1::Directory>> Read();

 private:
  absl::Mutex mutex_;
  Reference reference_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const v1::Directory> directory_ ABSL_GUARDED_BY(mutex_);
  uint64_t sequence_ ABSL_GUARDED_BY(mutex_) = 0;  // that directory_ is of
};

}  // namespace porchlight
