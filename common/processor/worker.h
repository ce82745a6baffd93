// The loop of one service: all its partitions, one thread. Step() does everything once and is all
// that the simulator calls; Run() only repeats it and waits in between. Nothing else in a service
// runs a thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/clock.h"
#include "common/base/signal.h"
#include "common/blob/blob.h"
#include "common/delivery/dispatcher.h"
#include "common/processor/processor.h"

namespace porchlight {

struct WorkerOptions {
  std::string agency_id;
  int32_t partitions = kPartitions;
  DispatcherOptions dispatcher;
};

struct WorkerPorts {
  Log& log;
  Store& store;
  Keys& keys;
  const Clock& clock;
  Outcomes& outcomes;
  Dispatcher::Channels channels;
  // Of the photos beside messages; null: there are none.
  Blob* blob = nullptr;
};

class Worker {
 public:
  Worker(const Rules& rules, WorkerPorts ports, WorkerOptions options);
  ~Worker();

  // Folds every partition. An error says why the service must not run.
  absl::Status Start();
  // True if anything was done: then call again at once.
  bool Step();
  // When Step() next has something to do if nothing comes from outside.
  absl::Time NextDue() const;

  // Repeats Step() on a thread of its own until Stop(), which finishes the step in progress.
  void Run();
  void Stop();

  // The first reason why inputs of some partition wait; OK if none.
  absl::Status trouble() const;
  const Processor& processor(int32_t partition) const {
    return *processors_.at(static_cast<size_t>(partition));
  }

 private:
  void Loop();
  void NoticeClockStep();
  void ReportTrouble();

  const std::string service_;
  WorkerPorts ports_;
  Signal wake_;
  Dispatcher dispatcher_;
  Reference reference_;
  std::vector<std::unique_ptr<Processor>> processors_;
  mutable absl::Mutex mutex_;
  absl::Status trouble_ ABSL_GUARDED_BY(mutex_);
  absl::Duration clock_offset_;
  absl::Status reported_;
  absl::Duration report_again_at_ = absl::ZeroDuration();
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace porchlight
