// Stands between two processes: passes on what comes at its own port of 127.0.0.1 to another one.
// While it is cut nothing passes, in either direction, and nobody is told: as if a cable had been
// pulled. Healed, it goes on with what was on its way.
#pragma once

#include <set>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace porchlight::testing {

class Relay {
 public:
  explicit Relay(int target_port);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  int port() const { return port_; }
  void Cut(bool cut);

 private:
  void Accept();
  void Pass(int from, int to);
  // False: it is over.
  bool WaitUntilHealed();

  const int target_port_;
  int listener_ = -1;
  int port_ = 0;
  absl::Mutex mutex_;
  bool cut_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::set<int> open_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::thread acceptor_;
};

}  // namespace porchlight::testing
