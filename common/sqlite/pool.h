// Idle connections for readers, so that they wait neither for a writer nor for each other. A reader
// takes one, or makes one if none is idle, and gives it back.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace porchlight::sqlite {

// Thread-safe.
template <typename Reader>
class Pool {
 public:
  static constexpr size_t kIdleMax = 8;

  // Null if none is idle.
  std::unique_ptr<Reader> Take() {
    absl::MutexLock lock(&mutex_);
    if (idle_.empty()) return nullptr;
    std::unique_ptr<Reader> taken = std::move(idle_.back());
    idle_.pop_back();
    return taken;
  }

  void Give(std::unique_ptr<Reader> reader) {
    absl::MutexLock lock(&mutex_);
    if (idle_.size() < kIdleMax) idle_.push_back(std::move(reader));
  }

  void Clear() {
    absl::MutexLock lock(&mutex_);
    idle_.clear();
  }

 private:
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Reader>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight::sqlite
