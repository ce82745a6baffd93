// A log in memory, for the simulator and tests. It keeps the whole contract except that nothing
// survives the process; faults are put in front of it (faulty_log.h), never into it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/log/listeners.h"
#include "common/log/log.h"

namespace porchlight {

// What becomes of the records of an append that came too late for its expected end.
enum class LostRaces {
  kNotWritten,  // as in SQLite
  kWritten,     // as in Kafka: they stand at the end, and readers skip them by the chain rule
};

class MemoryLog final : public Log {
 public:
  explicit MemoryLog(LostRaces lost_races = LostRaces::kNotWritten) : lost_races_(lost_races) {}

  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits = {}) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return lost_races_ == LostRaces::kNotWritten; }
  void AddListener(Signal* signal, std::vector<std::string> topics) override {
    listeners_.Add(signal, std::move(topics));
  }
  void RemoveListener(Signal* signal) override { listeners_.Remove(signal); }

  // What a log must never do by itself, for tests of those who must notice: a record's bytes
  // change, or everything from `end` on is gone.
  void Damage(const TopicPartition& where, int64_t offset, std::string bytes);
  void CutShort(const TopicPartition& where, int64_t end);

 private:
  AppendResult AppendOne(AppendRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const LostRaces lost_races_;
  absl::Mutex mutex_;
  std::map<TopicPartition, std::vector<std::string>> records_ ABSL_GUARDED_BY(mutex_);
  Listeners listeners_;
};

}  // namespace porchlight
