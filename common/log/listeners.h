// Who wants to be woken when a log grows, by topic: a worker woken for what isn't its own business
// would only look around and lie down again, once for each record of every other service.
#pragma once

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/base/signal.h"

namespace porchlight {

// Thread-safe.
class Listeners {
 public:
  void Add(Signal* signal, std::vector<std::string> topics);
  void Remove(Signal* signal);
  // Each listener at most once.
  void Notify(const std::vector<std::string>& grown_topics);
  void NotifyAll();

 private:
  struct Listener {
    Signal* signal = nullptr;
    std::vector<std::string> topics;
  };
  absl::Mutex mutex_;
  std::vector<Listener> listeners_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
