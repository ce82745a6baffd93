// The loop of one service: its partitions, or this process's share of them, on one thread. Step()
// does everything once and is all that the simulator calls; Run() only repeats it and waits in
// between. Nothing else in a service runs a thread.
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
#include "common/processor/outcome_follower.h"
#include "common/processor/ownership.h"
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
  // Null: this process owns all partitions.
  Ownership* ownership = nullptr;
};

class Worker {
 public:
  Worker(const Rules& rules, WorkerPorts ports, WorkerOptions options);
  ~Worker();

  // Folds every partition of its share. An error says why the service must not run. Where several
  // processes share, Step does the same for each partition as it comes, and Start needn't be
  // called.
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
  // Whether its whole share is folded and decided, and nothing waits for a port that is away.
  bool ready() const;
  // As they were after some step of the last second, and how long ago that step was.
  std::pair<Figures, absl::Duration> figures() const;
  const Processor& processor(int32_t partition) const { return *processors_.at(partition); }

 private:
  absl::Status Adopt(int32_t partition);
  // Lets go of what this process no longer owns, and takes over what is new.
  absl::Status FollowOwnership();
  absl::Status HearOthers(bool& did);
  void Loop();
  void CountFigures();
  void NoticeClockStep();
  void ReportTrouble();

  const Rules& rules_;
  const std::string service_;
  WorkerPorts ports_;
  const std::string agency_id_;
  const int32_t partitions_;
  Signal wake_;
  Dispatcher dispatcher_;
  Reference reference_;
  std::map<int32_t, std::unique_ptr<Processor>> processors_;  // owned, and folded
  std::map<int32_t, OutcomeFollower> followers_;              // of others' partitions
  absl::Status followed_;                                     // the share, as far as it could be
  absl::Duration follow_at_ = -absl::InfiniteDuration();      // by Clock::Steady
  mutable absl::Mutex mutex_;
  absl::Status trouble_ ABSL_GUARDED_BY(mutex_);
  Figures figures_ ABSL_GUARDED_BY(mutex_);
  absl::Duration stepped_at_ ABSL_GUARDED_BY(mutex_);  // by Clock::Steady
  bool stepped_ ABSL_GUARDED_BY(mutex_) = false;
  Figures of_let_go_;                                    // by partitions that others decide now
  absl::Duration count_at_ = -absl::InfiniteDuration();  // by Clock::Steady
  absl::Duration clock_offset_;
  absl::Status reported_;
  absl::Duration report_again_at_ = absl::ZeroDuration();
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace porchlight
