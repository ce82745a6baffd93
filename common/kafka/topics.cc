#include "common/kafka/topics.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace porchlight::kafka {
namespace {

absl::StatusOr<std::unique_ptr<Client>> Connect(const ClientOptions& options) {
  return Client::Open(options, {.type = RD_KAFKA_PRODUCER, .properties = {}});
}

absl::StatusOr<Handle<rd_kafka_NewTopic_t>> MakeRequest(const TopicSpec& topic) {
  char reason[512];
  Handle<rd_kafka_NewTopic_t> request(rd_kafka_NewTopic_new(
      topic.name.c_str(), topic.partitions, topic.replication, reason, sizeof reason));
  if (request == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("topic \"", topic.name, "\" can't be created: ", reason));
  }
  for (const auto& [name, value] : topic.settings) {
    rd_kafka_NewTopic_set_config(request.get(), name.c_str(), value.c_str());
  }
  return request;
}

// All topics that are there, with their numbers of partitions.
absl::StatusOr<std::map<std::string, int>> ListTopics(Client& client) {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client.handle(), 1, nullptr, &answer,
                                                      Milliseconds(client.options().answer_wait));
  const Handle<const rd_kafka_metadata_t> metadata(answer);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client.Trouble("topics can't be listed", error);
  std::map<std::string, int> found;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    found[metadata->topics[i].topic] = metadata->topics[i].partition_cnt;
  }
  return found;
}

absl::Status Create(Client& client, const std::vector<TopicSpec>& topics) {
  std::vector<Handle<rd_kafka_NewTopic_t>> requests;
  std::vector<rd_kafka_NewTopic_t*> pointers;
  for (const TopicSpec& topic : topics) {
    absl::StatusOr<Handle<rd_kafka_NewTopic_t>> request = MakeRequest(topic);
    if (!request.ok()) return request.status();
    pointers.push_back(request->get());
    requests.push_back(*std::move(request));
  }
  const int wait = Milliseconds(client.options().answer_wait);
  char reason[512];
  const Handle<rd_kafka_AdminOptions_t> options(
      rd_kafka_AdminOptions_new(client.handle(), RD_KAFKA_ADMIN_OP_CREATETOPICS));
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), wait, reason, sizeof reason);
  rd_kafka_AdminOptions_set_request_timeout(options.get(), wait, reason, sizeof reason);
  const Handle<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.handle()));
  rd_kafka_CreateTopics(client.handle(), pointers.data(), pointers.size(), options.get(),
                        queue.get());
  const Handle<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 2 * wait));
  if (event == nullptr || rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return client.Trouble("topics can't be created", event == nullptr
                                                         ? RD_KAFKA_RESP_ERR__TIMED_OUT
                                                         : rd_kafka_event_error(event.get()));
  }
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      continue;
    }
    const char* text = rd_kafka_topic_result_error_string(results[i]);
    return absl::FailedPreconditionError(
        absl::StrCat("topic ", rd_kafka_topic_result_name(results[i]),
                     " can't be created: ", text == nullptr ? rd_kafka_err2str(error) : text));
  }
  return absl::OkStatus();
}

// What is wrong with each topic; empty if nothing is.
absl::StatusOr<std::vector<std::string>> FindWrong(Client& client,
                                                   const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::map<std::string, int>> found = ListTopics(client);
  if (!found.ok()) return found.status();
  std::vector<std::string> wrong;
  for (const TopicSpec& topic : topics) {
    const auto there = found->find(topic.name);
    if (there == found->end()) {
      wrong.push_back(absl::StrCat("topic ", topic.name, " is missing: create it"));
    } else if (there->second != topic.partitions) {
      wrong.push_back(absl::StrCat(
          "topic ", topic.name, " has ", there->second, " partitions, but must have ",
          topic.partitions,
          ": its records can't be divided otherwise. Put back the number that it was made with, or "
          "move to new topics (`porchlight migrate`)"));
    }
  }
  return wrong;
}

absl::Status Check(Client& client, const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::vector<std::string>> wrong = FindWrong(client, topics);
  if (!wrong.ok()) return wrong.status();
  if (wrong->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(absl::StrJoin(*wrong, "\n"), "\n(brokers ", client.options().brokers, ")"));
}

// Each broker hears a moment after the controller that there is a new topic, and any of them may be
// the one that is asked.
absl::Status CheckUntilKnown(Client& client, const std::vector<TopicSpec>& topics) {
  constexpr int kLookEveryMilliseconds = 20;
  const int looks = Milliseconds(client.options().answer_wait) / kLookEveryMilliseconds;
  absl::Status checked = Check(client, topics);
  for (int look = 0; look < looks && absl::IsFailedPrecondition(checked); ++look) {
    rd_kafka_poll(client.handle(), kLookEveryMilliseconds);
    checked = Check(client, topics);
  }
  return checked;
}

}  // namespace

absl::Status CreateTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::unique_ptr<Client>> client = Connect(options);
  if (!client.ok()) return client.status();
  const absl::StatusOr<std::map<std::string, int>> found = ListTopics(**client);
  if (!found.ok()) return found.status();
  std::vector<TopicSpec> missing;
  for (const TopicSpec& topic : topics) {
    if (!found->contains(topic.name)) missing.push_back(topic);
  }
  if (missing.empty()) return Check(**client, topics);
  if (absl::Status created = Create(**client, missing); !created.ok()) return created;
  return CheckUntilKnown(**client, topics);
}

absl::Status CheckTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::unique_ptr<Client>> client = Connect(options);
  if (!client.ok()) return client.status();
  return Check(**client, topics);
}

}  // namespace porchlight::kafka
