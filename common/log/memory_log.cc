#include "common/log/memory_log.h"

#include <utility>

#include "common/log/append_rules.h"

namespace porchlight {

AppendResult MemoryLog::AppendOne(AppendRequest& request) {
  if (absl::Status status = CheckAppend(request); !status.ok()) return Refused(std::move(status));
  std::vector<std::string>& records = records_[request.where];
  const int64_t end = static_cast<int64_t>(records.size());
  const bool lost = request.expected_end.has_value() && *request.expected_end != end;
  if (!lost || lost_races_ == LostRaces::kWritten) {
    for (std::string& record : request.records) records.push_back(std::move(record));
  }
  if (lost) return LostRace(request.where, *request.expected_end, end);
  return {.outcome = AppendOutcome::kAccepted, .first_offset = end, .reason = absl::OkStatus()};
}

std::vector<AppendResult> MemoryLog::Append(std::vector<AppendRequest> requests) {
  std::vector<AppendResult> results;
  std::vector<std::string> topics;
  {
    absl::MutexLock lock(&mutex_);
    for (AppendRequest& request : requests) results.push_back(AppendOne(request));
  }
  for (AppendRequest& request : requests) topics.push_back(std::move(request.where.topic));
  listeners_.Notify(topics);
  return results;
}

absl::StatusOr<std::vector<std::string>> MemoryLog::Read(const TopicPartition& where, int64_t from,
                                                         ReadLimits limits) {
  absl::MutexLock lock(&mutex_);
  const auto found = records_.find(where);
  const int64_t end = found == records_.end() ? 0 : static_cast<int64_t>(found->second.size());
  if (from < 0 || from > end) return BeyondEnd(where, from, end);
  std::vector<std::string> read;
  size_t bytes = 0;
  for (int64_t offset = from; offset < end && read.size() < limits.records_max; ++offset) {
    const std::string& record = found->second[static_cast<size_t>(offset)];
    if (!read.empty() && bytes + record.size() > limits.bytes_max) break;
    bytes += record.size();
    read.push_back(record);
  }
  return read;
}

absl::StatusOr<int64_t> MemoryLog::End(const TopicPartition& where) {
  absl::MutexLock lock(&mutex_);
  const auto found = records_.find(where);
  return found == records_.end() ? 0 : static_cast<int64_t>(found->second.size());
}

void MemoryLog::Damage(const TopicPartition& where, int64_t offset, std::string bytes) {
  absl::MutexLock lock(&mutex_);
  records_.at(where).at(static_cast<size_t>(offset)) = std::move(bytes);
}

void MemoryLog::CutShort(const TopicPartition& where, int64_t end) {
  absl::MutexLock lock(&mutex_);
  records_.at(where).resize(static_cast<size_t>(end));
}

}  // namespace porchlight
