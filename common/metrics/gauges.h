// Numbers that a service shows to whoever watches it from outside, beside its worker's.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"

namespace porchlight {

// Thread-safe.
class Gauges {
 public:
  // `name` is one of those that common/metrics/metrics_server.cc describes.
  void Set(absl::string_view name, double value) {
    absl::MutexLock lock(&mutex_);
    values_[std::string(name)] = value;
  }
  std::map<std::string, double> All() const {
    absl::MutexLock lock(&mutex_);
    return values_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, double> values_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
