// Reads records of any age from Kafka, for those who aren't among the newest: one partition after
// the other, each reading on where the last one of it stopped if that is what is asked for.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "common/kafka/consumer.h"
#include "common/log/log.h"

namespace porchlight {

// Thread-safe; one read at a time.
class KafkaReader {
 public:
  explicit KafkaReader(std::unique_ptr<kafka::Consumer> consumer)
      : consumer_(std::move(consumer)) {}
  ~KafkaReader();

  // Records from `from` on and below `end`, which are known to be there; at least one.
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                int64_t end, ReadLimits limits);

  absl::StatusOr<kafka::Client::Span> AskSpan(const TopicPartition& where) {
    return consumer_->client().AskSpan(where);
  }
  absl::StatusOr<int64_t> AskEnd(const TopicPartition& where) {
    return consumer_->client().AskEnd(where);
  }

 private:
  // A partition that is being fetched.
  struct Cursor {
    kafka::Consumer::Queue queue;
    int64_t next = 0;                         // the offset of the next record that comes
    std::optional<kafka::Received> put_back;  // that record, if it came already
  };

  absl::StatusOr<Cursor*> CursorAt(const TopicPartition& where, int64_t from)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<kafka::Received> Take(const TopicPartition& where, Cursor& cursor)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Close(const TopicPartition& where) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::unique_ptr<kafka::Consumer> consumer_;
  absl::Mutex mutex_;
  absl::flat_hash_map<TopicPartition, Cursor> cursors_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
