// Reports at a steady rate, whether or not anybody answers: what isn't accepted is sent again with
// the same request id, to each instance in turn, until it is. One thread, any number of calls.
#pragma once

#include <grpcpp/completion_queue.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "porchlight/v1/intake.grpc.pb.h"

namespace porchlight::testing {

class ReportStream {
 public:
  // Times are by Clock::Steady.
  struct Report {
    std::string youth_id;
    absl::Duration scheduled;
    absl::Time made_at;  // the same in every repetition
    absl::Duration accepted = absl::InfiniteDuration();
    int tries = 0;
  };
  struct Options {
    std::vector<std::string> addresses;
    std::function<std::string(size_t number)> youth_id;
    double per_second = 0;
    // What each has beside its planted texts.
    std::function<void(size_t number, absl::Time made_at, v1::ReportMissingRequest& report)> fill;
  };

  // Begins at once.
  explicit ReportStream(Options options);
  ~ReportStream();

  // All so far of numbers from `first` on.
  std::vector<Report> reports(size_t first = 0) const;
  // No new ones; true once all are accepted, false if some aren't after `longest`.
  bool Finish(absl::Duration longest);

 private:
  struct Call;

  void Run();
  void Begin(size_t number);
  void End(std::unique_ptr<Call> call);
  // Sends what is due; when the next one will be.
  absl::Duration SendDue();

  const Options options_;
  std::vector<std::unique_ptr<v1::Intake::Stub>> stubs_;
  const absl::Duration start_;
  grpc::CompletionQueue queue_;
  std::multimap<absl::Duration, size_t> again_;  // numbers of reports, by when to send them
  mutable absl::Mutex mutex_;
  std::vector<Report> reports_ ABSL_GUARDED_BY(mutex_);
  size_t not_accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t calling_ ABSL_GUARDED_BY(mutex_) = 0;
  bool no_more_ ABSL_GUARDED_BY(mutex_) = false;
  bool over_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace porchlight::testing
