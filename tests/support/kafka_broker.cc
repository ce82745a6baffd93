#include "tests/support/kafka_broker.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "tests/support/far_ends.h"
#include "tests/support/receiver_process.h"

namespace porchlight::testing {
namespace {

constexpr int kStartsMax = 3;
constexpr absl::Duration kStartLimit = absl::Minutes(2);

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

KafkaBroker::KafkaBroker(std::string properties, kafka::Properties security)
    : properties_(std::move(properties)), security_(std::move(security)) {
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
  const std::string own_folder = absl::StrCat(folder_.path(), "/", ports_);
  std::filesystem::create_directories(own_folder);
  WriteTextFile(own_folder + "/extra.properties", properties_);
  child_ = std::make_unique<Child>(ChildOptions{
      .command = {absl::StrCat(SOURCE_DIR, "/deploy/kafka-dev/broker.sh"), own_folder, "1", ports_},
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
  client.security = security_;
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
