// Where each partition of a log ends, and its newest records, in memory: what readers who keep up
// ask for, over and over. It may know less than the log, never anything else than the log.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/log/log.h"

namespace porchlight {

// Thread-safe.
class LogTails {
 public:
  // The newest records are kept up to this size, all partitions together.
  explicit LogTails(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Also counts the calls since the end was last known to be right; 0 where nothing is known.
  struct Known {
    int64_t end = 0;
    int polls = 0;
  };
  Known End(const TopicPartition& where);

  // Records from `from` on; empty if they aren't here.
  std::vector<std::string> Read(const TopicPartition& where, int64_t from, ReadLimits limits);

  // False, and nothing is kept, if records before these aren't known yet. What is known already
  // changes nothing.
  bool Append(const TopicPartition& where, int64_t first_offset, std::vector<std::string> records);
  // The log itself was asked, and ends here at least.
  void NoteEnd(const TopicPartition& where, int64_t end);
  // Nothing is known of it any more.
  void Reset(const TopicPartition& where);

 private:
  using Record = std::shared_ptr<const std::string>;
  struct Tail {
    int64_t end = 0;
    int polls = 0;
    std::deque<Record> newest;  // those from end - newest.size() on
  };

  void Forget(Tail& tail) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t bytes_max_;
  absl::Mutex mutex_;
  // Tails are never removed, so they may be pointed to.
  absl::node_hash_map<TopicPartition, Tail> tails_ ABSL_GUARDED_BY(mutex_);
  // One for each record kept, the oldest first: whose it is.
  std::deque<Tail*> by_age_ ABSL_GUARDED_BY(mutex_);
  size_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace porchlight
