// What a reader beside the services sees of Kafka: how long a record takes to it, and from a
// command to what the second service decides on it.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/kafka/client.h"
#include "common/kafka/consumer.h"

namespace porchlight::bench {

// Of records of 1 KiB, at a rate, with nothing else running: until the producer knows that the
// brokers have it (acks=all), and until a reader on another connection has it.
struct KafkaFloor {
  std::vector<absl::Duration> append;
  std::vector<absl::Duration> hop;
};
// `topic` is made for it, with a copy on each of `brokers`.
KafkaFloor MeasureKafka(const kafka::ClientOptions& client, const std::string& topic, int brokers,
                        size_t count, double per_second);

// Follows the topics from their ends on, and notes when each key's first record came.
class Follower {
 public:
  Follower(const kafka::ClientOptions& client, const std::vector<std::string>& topics);
  ~Follower();

  // By Clock::Steady; InfiniteDuration: none came.
  absl::Duration First(const std::string& topic, const std::string& key) const;

 private:
  const std::unique_ptr<kafka::Consumer> consumer_;
  kafka::Consumer::Queue queue_;
  std::vector<TopicPartition> followed_;
  mutable absl::Mutex mutex_;
  std::map<std::pair<std::string, std::string>, absl::Duration> first_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace porchlight::bench
