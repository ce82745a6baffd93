// Real Kafka brokers as child processes, and topics on them that no other test uses. Started by
// deploy/kafka-dev/broker.sh on free ports of 127.0.0.1; they end with the test, however that ends.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "common/kafka/topics.h"
#include "common/log/log.h"
#include "tests/support/relay.h"
#include "tests/support/server_process.h"

namespace porchlight::testing {

// A cluster of one broker, or of several that each keep a copy of every record. They are numbered
// from 1 on.
// Who gets in: lines over those of broker.sh, and how a client then does.
struct BrokerSecurity {
  std::string broker = "";
  kafka::Properties client = {};
};

class KafkaBroker {
 public:
  explicit KafkaBroker(int brokers = 1, BrokerSecurity security = {});
  // One for all tests of this process, started when it is first asked for. Ask on the main thread.
  static KafkaBroker& Shared();

  // Not OK: it didn't start, and what to do about it.
  const absl::Status& status() const { return status_; }
  int count() const { return static_cast<int>(nodes_.size()); }
  // With waits that fit tests.
  kafka::ClientOptions Client() const;
  // Addresses behind which a relay stands before each of several brokers; and their switch.
  std::string RelayedAddresses() const;
  void Cut(bool cut);

  // SIGKILL, and the same broker again, with its data.
  void Kill(int number = 1);
  absl::Status Restart(int number = 1);
  void Send(int number, int signal);

  // Who leads the partition; 0: nobody does, or nobody answers.
  int LeaderOf(const TopicPartition& where) const;
  // Who decides who leads: the active controller, as the brokers' own folders say.
  int Controller() const;
  // Whether every broker has all of every partition.
  bool AllInSync() const;

 private:
  struct Node {
    int port = 0;
    std::unique_ptr<Relay> relay;  // where there are several
    std::unique_ptr<Child> child;
  };

  Node& At(int number) { return nodes_.at(static_cast<size_t>(number) - 1); }
  std::string FolderOf(int number) const;
  std::string ErrorFile() const { return folder_.path() + "/errors"; }
  void Launch(int number);
  absl::Status WaitForAll();
  kafka::Handle<const rd_kafka_metadata_t> Ask() const;

  const BrokerSecurity security_;
  DataFolder folder_;
  std::string ports_;  // of all, as broker.sh wants them
  std::vector<Node> nodes_;
  absl::Status status_;
};

// A topic as deploy/topics.yaml has those of events, on one broker.
kafka::TopicSpec TestTopic(const std::string& name, int partitions = kPartitions);

// As retention does it: the partition begins at `start` from now on.
absl::Status RemoveRecordsBefore(const kafka::ClientOptions& client, const TopicPartition& where,
                                 int64_t start);
absl::Status DeleteTopic(const kafka::ClientOptions& client, const std::string& topic);
// On a broker with an authorizer: this user may read and write all topics, and describe them.
absl::Status AllowTopics(const kafka::ClientOptions& client, const std::string& user);

// "test7.": before the names of topics, they are this test's alone.
std::string FreshPrefix();

// Another log with a prefix before the name of each topic, which is made when it is first used.
class FreshTopicsLog final : public Log {
 public:
  FreshTopicsLog(std::unique_ptr<Log> log, kafka::ClientOptions client, std::string prefix)
      : log_(std::move(log)), client_(std::move(client)), prefix_(std::move(prefix)) {}

  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits = {}) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return log_->WritesOnlyWinners(); }
  void AddListener(Signal* signal, std::vector<std::string> topics) override;
  void RemoveListener(Signal* signal) override { log_->RemoveListener(signal); }

 private:
  std::string Made(const std::string& topic);

  const std::unique_ptr<Log> log_;
  const kafka::ClientOptions client_;
  const std::string prefix_;
  absl::Mutex mutex_;
  std::set<std::string> made_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight::testing
