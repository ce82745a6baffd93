// A log whose answers are lost, refused, split or late on request, for the simulator and tests. It
// decides nothing by itself: the plan says what happens to each request, so one seed gives one run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log/log.h"

namespace porchlight {

struct LogFault {
  enum Kind {
    kNone,
    kRefuse,       // kRefused, nothing is written
    kLoseAnswer,   // kUnknown, all is written
    kLoseRequest,  // kUnknown, nothing is written, ever
    kSplit,        // kUnknown, only the first `records_written` are written
    kLate,         // kUnknown, all is written later: see `appends_later`
  };
  Kind kind = kNone;
  size_t records_written = 0;
  // kLate: written just before the Append that comes so many calls later; 0: by DeliverLate() only.
  int appends_later = 0;
};

// Thread-safe if the log behind it is. Late and split records go through the log behind it like
// any other: where lost races are written (Kafka) they land at the end, whatever end was expected;
// otherwise (SQLite) they are dropped if the end has moved. Without an expected end they always
// land.
class FaultyLog final : public Log {
 public:
  using AppendPlan = std::function<LogFault(const AppendRequest&)>;
  // For each Read and End: OK, or what to answer instead.
  using ReadPlan = std::function<absl::Status(const TopicPartition&)>;

  // Null plans: no faults. `log` must outlive it.
  FaultyLog(Log& log, AppendPlan append_plan, ReadPlan read_plan = nullptr)
      : log_(log), append_plan_(std::move(append_plan)), read_plan_(std::move(read_plan)) {}

  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits = {}) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return log_.WritesOnlyWinners(); }
  void AddListener(Signal* signal, std::vector<std::string> topics) override {
    log_.AddListener(signal, std::move(topics));
  }
  void RemoveListener(Signal* signal) override { log_.RemoveListener(signal); }

  // Writes everything that is still on its way, in the order of the calls.
  void DeliverLate();
  size_t late_requests() const;

 private:
  struct Late {
    AppendRequest request;
    int appends_later = 0;
  };

  AppendResult AppendOne(AppendRequest request, const LogFault& fault);
  std::vector<AppendRequest> TakeDue();

  Log& log_;
  const AppendPlan append_plan_;
  const ReadPlan read_plan_;
  mutable absl::Mutex mutex_;
  std::vector<Late> late_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
