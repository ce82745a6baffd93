#include "tests/support/kafka_broker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <functional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "tests/support/far_ends.h"
#include "tests/support/receiver_process.h"

namespace porchlight::testing {
namespace {

constexpr int kStartsMax = 3;
constexpr absl::Duration kStartLimit = absl::Minutes(2);
constexpr int kAskMilliseconds = 2000;

constexpr int kAdministrationMilliseconds = 20'000;

// Starts one question of administration, and waits for its answer.
absl::Status Administer(const kafka::ClientOptions& options,
                        const std::function<void(rd_kafka_t*, rd_kafka_queue_t*)>& ask,
                        const std::function<rd_kafka_resp_err_t(rd_kafka_event_t*)>& result) {
  const auto client = kafka::Client::Open(options, {.type = RD_KAFKA_PRODUCER, .properties = {}});
  if (!client.ok()) return client.status();
  rd_kafka_t* const handle = (*client)->handle();
  const kafka::Handle<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle));
  ask(handle, queue.get());
  const kafka::Handle<rd_kafka_event_t> event(
      rd_kafka_queue_poll(queue.get(), kAdministrationMilliseconds));
  if (event == nullptr) return absl::DeadlineExceededError("the broker gave no answer");
  rd_kafka_resp_err_t error = rd_kafka_event_error(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = result(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return absl::OkStatus();
  return absl::InternalError(rd_kafka_err2str(error));
}

}  // namespace

absl::Status RemoveRecordsBefore(const kafka::ClientOptions& client, const TopicPartition& where,
                                 int64_t start) {
  const kafka::Handle<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition)->offset =
      start;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  const absl::Status done = Administer(
      client,
      [&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteRecords(handle, &request, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        return rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event))
            ->elems[0]
            .err;
      });
  rd_kafka_DeleteRecords_destroy(request);
  return done;
}

absl::Status DeleteTopic(const kafka::ClientOptions& client, const std::string& topic) {
  rd_kafka_DeleteTopic_t* request = rd_kafka_DeleteTopic_new(topic.c_str());
  const absl::Status done = Administer(
      client,
      [&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
        rd_kafka_DeleteTopics(handle, &request, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        size_t count = 0;
        return rd_kafka_topic_result_error(rd_kafka_DeleteTopics_result_topics(
            rd_kafka_event_DeleteTopics_result(event), &count)[0]);
      });
  rd_kafka_DeleteTopic_destroy(request);
  return done;
}

absl::Status AllowTopics(const kafka::ClientOptions& client, const std::string& user) {
  char reason[512];
  rd_kafka_AclBinding_t* acl =
      rd_kafka_AclBinding_new(RD_KAFKA_RESOURCE_TOPIC, "*", RD_KAFKA_RESOURCE_PATTERN_LITERAL,
                              absl::StrCat("User:", user).c_str(), "*", RD_KAFKA_ACL_OPERATION_ALL,
                              RD_KAFKA_ACL_PERMISSION_TYPE_ALLOW, reason, sizeof reason);
  const absl::Status done = Administer(
      client,
      [&](rd_kafka_t* handle, rd_kafka_queue_t* queue) {
        rd_kafka_CreateAcls(handle, &acl, 1, nullptr, queue);
      },
      [](rd_kafka_event_t* event) {
        size_t count = 0;
        const rd_kafka_error_t* error = rd_kafka_acl_result_error(
            rd_kafka_CreateAcls_result_acls(rd_kafka_event_CreateAcls_result(event), &count)[0]);
        return error == nullptr ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_error_code(error);
      });
  rd_kafka_AclBinding_destroy(acl);
  return done;
}

KafkaBroker::KafkaBroker(int brokers, BrokerSecurity security)
    : security_(std::move(security)), nodes_(static_cast<size_t>(brokers)) {
  // Somebody else may take a port between its choice and its use.
  for (int start = 0; start < kStartsMax; ++start) {
    std::vector<std::string> ports;
    for (Node& node : nodes_) {
      node.child.reset();
      node.port = FreePort();
      ports.push_back(absl::StrCat(node.port, ":", FreePort()));
      if (brokers == 1) continue;
      const int behind = FreePort();
      node.relay = std::make_unique<Relay>(behind);
      absl::StrAppend(&ports.back(), ":", behind, ":", node.relay->port());
    }
    ports_ = absl::StrJoin(ports, " ");
    for (int number = 1; number <= brokers; ++number) Launch(number);
    status_ = WaitForAll();
    if (status_.ok()) return;
  }
}

KafkaBroker& KafkaBroker::Shared() {
  static KafkaBroker broker;
  return broker;
}

std::string KafkaBroker::FolderOf(int number) const {
  return absl::StrCat(folder_.path(), "/", nodes_[0].port, "-", number);
}

void KafkaBroker::Launch(int number) {
  std::vector<std::string> command = {
      "/usr/bin/env", absl::StrCat("PORCHLIGHT_BROKER_MEMORY=", count() == 1 ? "512m" : "384m"),
      absl::StrCat(SOURCE_DIR, "/deploy/kafka-dev/broker.sh"), FolderOf(number),
      absl::StrCat(number)};
  for (absl::string_view ports : absl::StrSplit(ports_, ' ')) command.emplace_back(ports);
  std::filesystem::create_directories(FolderOf(number));
  WriteTextFile(FolderOf(number) + "/extra.properties", security_.broker);
  At(number).child = std::make_unique<Child>(
      ChildOptions{.command = std::move(command), .error_file = ErrorFile(), .user = 0});
}

absl::Status KafkaBroker::WaitForAll() {
  absl::Status answer;
  const auto ended = [](const Node& node) {
    return node.child == nullptr || node.child->WaitForExit(absl::ZeroDuration()).has_value();
  };
  const bool answers = WaitUntil(
      [&] {
        kafka::ClientOptions client = Client();
        client.answer_wait = absl::Milliseconds(500);
        answer = kafka::CheckTopics(client, {});
        const auto known = Ask();
        return (answer.ok() && known != nullptr && known->broker_cnt == count()) ||
               std::all_of(nodes_.begin(), nodes_.end(), ended);
      },
      kStartLimit);
  if (answers && answer.ok()) return absl::OkStatus();
  for (Node& node : nodes_) node.child.reset();
  return absl::UnavailableError(absl::StrCat("no Kafka broker for the tests (", answer.message(),
                                             "). It said: ", ReadFile(ErrorFile()),
                                             "\nWhat it needs is installed by `make setup`."));
}

kafka::ClientOptions KafkaBroker::Client() const {
  kafka::ClientOptions client;
  for (const Node& node : nodes_)
    absl::StrAppend(&client.brokers, client.brokers.empty() ? "" : ",", "127.0.0.1:", node.port);
  client.security = security_.client;
  client.answer_wait = absl::Seconds(10);
  client.delivery_wait = absl::Seconds(20);
  return client;
}

std::string KafkaBroker::RelayedAddresses() const {
  std::string addresses;
  for (const Node& node : nodes_)
    absl::StrAppend(&addresses, addresses.empty() ? "" : ",", "127.0.0.1:", node.relay->port());
  return addresses;
}

void KafkaBroker::Cut(bool cut) {
  for (const Node& node : nodes_) node.relay->Cut(cut);
}

void KafkaBroker::Kill(int number) { At(number).child->Kill(); }

absl::Status KafkaBroker::Restart(int number) {
  Launch(number);
  return WaitForAll();
}

void KafkaBroker::Send(int number, int signal) { At(number).child->Send(signal); }

// What the brokers say of all topics; null: nobody answers.
kafka::Handle<const rd_kafka_metadata_t> KafkaBroker::Ask() const {
  const rd_kafka_metadata_t* answer = nullptr;
  const auto client = kafka::Client::Open(Client(), {.type = RD_KAFKA_PRODUCER, .properties = {}});
  if (client.ok()) rd_kafka_metadata((*client)->handle(), 1, nullptr, &answer, kAskMilliseconds);
  return kafka::Handle<const rd_kafka_metadata_t>(answer);
}

int KafkaBroker::LeaderOf(const TopicPartition& where) const {
  const auto known = Ask();
  for (int i = 0; known != nullptr && i < known->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& topic = known->topics[i];
    for (int n = 0; topic.topic == where.topic && n < topic.partition_cnt; ++n) {
      if (topic.partitions[n].id == where.partition) return std::max(0, topic.partitions[n].leader);
    }
  }
  return 0;
}

bool KafkaBroker::AllInSync() const {
  const auto known = Ask();
  if (known == nullptr || known->broker_cnt != count()) return false;
  for (int i = 0; i < known->topic_cnt; ++i) {
    for (int n = 0; n < known->topics[i].partition_cnt; ++n) {
      const rd_kafka_metadata_partition& partition = known->topics[i].partitions[n];
      if (partition.leader < 1 || partition.isr_cnt != partition.replica_cnt) return false;
    }
  }
  return true;
}

// Each broker notes whom it last followed, and in which epoch.
int KafkaBroker::Controller() const {
  int controller = 0;
  int64_t newest_epoch = -1;
  for (int number = 1; number <= count(); ++number) {
    const std::string state =
        ReadFile(FolderOf(number) + "/data/__cluster_metadata-0/quorum-state");
    const auto value = [&state](const std::string& key) {
      int64_t found = -1;
      const size_t at = state.find(key);
      if (at != std::string::npos) {
        const size_t begin = at + key.size();
        static_cast<void>(absl::SimpleAtoi(
            state.substr(begin, state.find_first_of(",}", begin) - begin), &found));
      }
      return found;
    };
    const int64_t leader = value("\"leaderId\":");
    const int64_t epoch = value("\"leaderEpoch\":");
    if (leader < 1 || epoch <= newest_epoch) continue;
    newest_epoch = epoch;
    controller = static_cast<int>(leader);
  }
  return controller;
}

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
