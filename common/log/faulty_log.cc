#include "common/log/faulty_log.h"

#include <utility>

#include "common/log/append_rules.h"

namespace porchlight {
namespace {

AppendResult AnswerLost() {
  return {.outcome = AppendOutcome::kUnknown,
          .first_offset = -1,
          .reason = absl::DeadlineExceededError("planned fault: the log's answer was lost")};
}

}  // namespace

AppendResult FaultyLog::AppendOne(AppendRequest request, const LogFault& fault) {
  const auto write = [this](AppendRequest written) {
    return std::move(log_.Append({std::move(written)}).front());
  };
  switch (fault.kind) {
    case LogFault::kNone:
      return write(std::move(request));
    case LogFault::kRefuse:
      return Refused(absl::ResourceExhaustedError("planned fault: the log refused"));
    case LogFault::kLoseAnswer:
      write(std::move(request));
      return AnswerLost();
    case LogFault::kLoseRequest:
      return AnswerLost();
    case LogFault::kSplit:
      if (fault.records_written < request.records.size()) {
        request.records.resize(fault.records_written);
      }
      if (!request.records.empty()) write(std::move(request));
      return AnswerLost();
    case LogFault::kLate: {
      absl::MutexLock lock(&mutex_);
      late_.push_back({.request = std::move(request), .appends_later = fault.appends_later});
      return AnswerLost();
    }
  }
  return AnswerLost();
}

std::vector<AppendRequest> FaultyLog::TakeDue() {
  absl::MutexLock lock(&mutex_);
  std::vector<AppendRequest> due;
  std::vector<Late> waiting;
  for (Late& late : late_) {
    if (late.appends_later == 1) {
      due.push_back(std::move(late.request));
    } else {
      if (late.appends_later > 1) --late.appends_later;
      waiting.push_back(std::move(late));
    }
  }
  late_ = std::move(waiting);
  return due;
}

std::vector<AppendResult> FaultyLog::Append(std::vector<AppendRequest> requests) {
  if (std::vector<AppendRequest> due = TakeDue(); !due.empty()) log_.Append(std::move(due));
  std::vector<AppendResult> results;
  for (AppendRequest& request : requests) {
    const LogFault fault = append_plan_ ? append_plan_(request) : LogFault{};
    results.push_back(AppendOne(std::move(request), fault));
  }
  return results;
}

absl::StatusOr<std::vector<std::string>> FaultyLog::Read(const TopicPartition& where, int64_t from,
                                                         ReadLimits limits) {
  if (read_plan_) {
    if (absl::Status status = read_plan_(where); !status.ok()) return status;
  }
  return log_.Read(where, from, limits);
}

absl::StatusOr<int64_t> FaultyLog::End(const TopicPartition& where) {
  if (read_plan_) {
    if (absl::Status status = read_plan_(where); !status.ok()) return status;
  }
  return log_.End(where);
}

void FaultyLog::DeliverLate() {
  std::vector<AppendRequest> due;
  {
    absl::MutexLock lock(&mutex_);
    for (Late& late : late_) due.push_back(std::move(late.request));
    late_.clear();
  }
  if (!due.empty()) log_.Append(std::move(due));
}

size_t FaultyLog::late_requests() const {
  absl::MutexLock lock(&mutex_);
  return late_.size();
}

}  // namespace porchlight
