#include "common/log/log_tails.h"

#include <algorithm>
#include <utility>

namespace porchlight {
namespace {

// With what keeping a record costs beside its bytes.
size_t Cost(const std::string& record) { return record.size() + 96; }

}  // namespace

LogTails::Known LogTails::End(const TopicPartition& where) {
  absl::MutexLock lock(&mutex_);
  Tail& tail = tails_[where];
  return {.end = tail.end, .polls = ++tail.polls};
}

std::vector<std::string> LogTails::Read(const TopicPartition& where, int64_t from,
                                        ReadLimits limits) {
  std::vector<Record> found;
  {
    absl::MutexLock lock(&mutex_);
    const Tail& tail = tails_[where];
    const int64_t begin = tail.end - static_cast<int64_t>(tail.newest.size());
    if (from < begin || from >= tail.end) return {};
    size_t bytes = 0;
    for (size_t i = static_cast<size_t>(from - begin); i < tail.newest.size(); ++i) {
      bytes += tail.newest[i]->size();
      if (found.size() >= limits.records_max || (!found.empty() && bytes > limits.bytes_max)) break;
      found.push_back(tail.newest[i]);
    }
  }
  std::vector<std::string> read;
  read.reserve(found.size());
  for (const Record& record : found) read.push_back(*record);
  return read;
}

bool LogTails::Append(const TopicPartition& where, int64_t first_offset,
                      std::vector<std::string> records) {
  absl::MutexLock lock(&mutex_);
  Tail& tail = tails_[where];
  if (first_offset > tail.end) return false;
  const auto known = static_cast<size_t>(tail.end - first_offset);
  for (size_t i = known; i < records.size(); ++i) {
    bytes_ += Cost(records[i]);
    tail.newest.push_back(std::make_shared<const std::string>(std::move(records[i])));
    by_age_.push_back(&tail);
    ++tail.end;
  }
  tail.polls = 0;
  while (bytes_ > bytes_max_) ForgetOldest();
  return true;
}

void LogTails::NoteEnd(const TopicPartition& where, int64_t end) {
  absl::MutexLock lock(&mutex_);
  Tail& tail = tails_[where];
  tail.polls = 0;
  if (end <= tail.end) return;
  Forget(tail);
  tail.end = end;
}

void LogTails::Reset(const TopicPartition& where) {
  absl::MutexLock lock(&mutex_);
  Tail& tail = tails_[where];
  Forget(tail);
  tail.end = 0;
}

void LogTails::Forget(Tail& tail) {
  for (const Record& record : tail.newest) bytes_ -= Cost(*record);
  if (!tail.newest.empty())
    by_age_.erase(std::remove(by_age_.begin(), by_age_.end(), &tail), by_age_.end());
  tail.newest.clear();
}

void LogTails::ForgetOldest() {
  Tail& tail = *by_age_.front();
  by_age_.pop_front();
  bytes_ -= Cost(*tail.newest.front());
  tail.newest.pop_front();
}

}  // namespace porchlight
