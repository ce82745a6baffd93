// The log on a cluster: Kafka topics, on a topic's leader and its replicas before it is accepted.
// Kafka has no append that depends on the end: whether somebody was first is seen from the offsets
// that it gave, and losers' records stay (log.h). The newest records of each partition that was
// asked about are followed in memory; older ones are fetched when they are read.
//
// Three connections: what is sent, what is followed, and what is asked wait for each other on one.
#pragma once

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/log/kafka_reader.h"
#include "common/log/listeners.h"
#include "common/log/log.h"
#include "common/log/log_tails.h"

namespace porchlight {

struct KafkaLogOptions {
  kafka::ClientOptions client;
  // For the newest records in memory, all partitions together.
  size_t cache_bytes_max = 32u << 20;
};

// Thread-safe. Of Read and End, beyond log.h:
//   * Read sees, at once, every record whose append was accepted before the call, by whatever
//   process: where it has nothing in memory it asks the partition's leader.
//   * End is never below what this log's appends were answered, nor below what Read has shown. It
//   may be behind other processes' appends for the moment that a record takes to be fetched: a
//   position of theirs that is beyond End says nothing; only Read's OutOfRange does.
//   * While no broker can be reached, both answer Unavailable, except Read of what is in memory.
class KafkaLog final : public Log {
 public:
  // InvalidArgument: the options can't be meant. That brokers are away, or topics missing, is no
  // error here: every call says so until it is put right.
  static absl::StatusOr<std::unique_ptr<KafkaLog>> Open(const KafkaLogOptions& options);
  ~KafkaLog() override;

  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits = {}) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return false; }
  // Of other processes' appends, listeners hear in partitions whose End or records were asked for.
  void AddListener(Signal* signal, std::vector<std::string> topics) override {
    listeners_.Add(signal, std::move(topics));
  }
  void RemoveListener(Signal* signal) override { listeners_.Remove(signal); }

 private:
  KafkaLog(const KafkaLogOptions& options, std::unique_ptr<kafka::Producer> producer,
           std::unique_ptr<kafka::Consumer> follower, std::unique_ptr<kafka::Consumer> reader);

  AppendResult Conclude(const AppendRequest& request, const kafka::Sent& sent);
  void NoteAccepted(AppendRequest& request, const kafka::Sent& sent);

  bool Follows(const TopicPartition& where);
  absl::Status Follow(const TopicPartition& where);
  void Unfollow(const TopicPartition& where);
  void FollowerLoop();
  // The topic that grew; empty if none did.
  std::string TakeIn(kafka::Received received);
  int64_t KnownEnd(const TopicPartition& where);
  // Until the follower has brought the record, which is there.
  bool WaitFor(const TopicPartition& where, int64_t offset);

  LogTails tails_;
  Listeners listeners_;
  const std::unique_ptr<kafka::Producer> producer_;
  const std::unique_ptr<kafka::Consumer> follower_;
  kafka::Consumer::Queue followed_queue_;
  KafkaReader reader_;

  // Held while a partition is begun to be followed, so that it is begun once.
  absl::Mutex follow_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  absl::Mutex mutex_;
  struct Partition {
    bool followed = false;
    int64_t end = 0;  // at least
  };
  absl::flat_hash_map<TopicPartition, Partition> partitions_ ABSL_GUARDED_BY(mutex_);

  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace porchlight
