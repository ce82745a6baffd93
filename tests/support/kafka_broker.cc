#include "tests/support/kafka_broker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "tests/support/receiver_process.h"

namespace porchlight::testing {
namespace {

constexpr int kStartsMax = 3;
constexpr absl::Duration kStartLimit = absl::Minutes(2);

}  // namespace

KafkaBroker::KafkaBroker() {
  // Somebody else may take a port between its choice and its use.
  for (int start = 0; start < kStartsMax; ++start) {
    const int port = FreePort();
    ports_ = absl::StrCat(port, ":", FreePort());
    address_ = absl::StrCat("127.0.0.1:", port);
    status_ = Start();
    if (status_.ok()) return;
  }
}

KafkaBroker& KafkaBroker::Shared() {
  static KafkaBroker broker;
  return broker;
}

absl::Status KafkaBroker::Start() {
  const std::string errors = absl::StrCat(folder_.path(), "/errors");
  child_ = std::make_unique<Child>(
      ChildOptions{.command = {absl::StrCat(SOURCE_DIR, "/deploy/kafka-dev/broker.sh"),
                               absl::StrCat(folder_.path(), "/", ports_), "1", ports_},
                   .error_file = errors,
                   .user = 0});
  absl::Status answer;
  const bool answers = WaitUntil(
      [&] {
        kafka::ClientOptions client = Client();
        client.answer_wait = absl::Milliseconds(500);
        answer = kafka::CheckTopics(client, {});
        return answer.ok() || child_->WaitForExit(absl::ZeroDuration()).has_value();
      },
      kStartLimit);
  if (answers && answer.ok()) return absl::OkStatus();
  child_.reset();
  return absl::UnavailableError(absl::StrCat("no Kafka broker for the tests (", answer.message(),
                                             "). It said: ", ReadFile(errors),
                                             "\nWhat it needs is installed by `make setup`."));
}

kafka::ClientOptions KafkaBroker::Client() const {
  kafka::ClientOptions client;
  client.brokers = address_;
  client.answer_wait = absl::Seconds(10);
  client.delivery_wait = absl::Seconds(20);
  return client;
}

void KafkaBroker::Kill() { child_.reset(); }

absl::Status KafkaBroker::Restart() { return Start(); }

kafka::TopicSpec TestTopic(const std::string& name, int partitions) {
  return {.name = name,
          .partitions = partitions,
          .replication = 1,
          .settings = {{"max.message.bytes", absl::StrCat(kRecordBytesMax + (64u << 10))},
                       {"retention.ms", "-1"}}};
}

std::string FreshPrefix() {
  static std::atomic<int> drawn = 0;
  return absl::StrCat("test", ++drawn, ".");
}

std::string FreshTopicsLog::Made(const std::string& topic) {
  if (topic.empty()) return topic;
  std::string name = prefix_ + topic;
  absl::MutexLock lock(&mutex_);
  if (!made_.insert(name).second) return name;
  const absl::Status created = kafka::CreateTopics(client_, {TestTopic(name)});
  EXPECT_TRUE(created.ok()) << created;
  return name;
}

std::vector<AppendResult> FreshTopicsLog::Append(std::vector<AppendRequest> requests) {
  for (AppendRequest& request : requests) request.where.topic = Made(request.where.topic);
  return log_->Append(std::move(requests));
}

absl::StatusOr<std::vector<std::string>> FreshTopicsLog::Read(const TopicPartition& where,
                                                              int64_t from, ReadLimits limits) {
  return log_->Read({Made(where.topic), where.partition}, from, limits);
}

absl::StatusOr<int64_t> FreshTopicsLog::End(const TopicPartition& where) {
  return log_->End({Made(where.topic), where.partition});
}

void FreshTopicsLog::AddListener(Signal* signal, std::vector<std::string> topics) {
  for (std::string& topic : topics) topic = Made(topic);
  log_->AddListener(signal, std::move(topics));
}

}  // namespace porchlight::testing
