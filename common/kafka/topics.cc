#include "common/kafka/topics.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/numbers.h"
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

struct Found {
  int partitions = 0;
  int copies = 0;  // of the partition that has the fewest
};

// All topics that are there.
absl::StatusOr<std::map<std::string, Found>> ListTopics(Client& client) {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_metadata(client.handle(), 1, nullptr, &answer,
                                                      Milliseconds(client.options().answer_wait));
  const Handle<const rd_kafka_metadata_t> metadata(answer);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return client.Trouble("topics can't be listed", error);
  std::map<std::string, Found> found;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& topic = metadata->topics[i];
    Found& one = found[topic.topic];
    one.partitions = topic.partition_cnt;
    for (int n = 0; n < topic.partition_cnt; ++n) {
      const int copies = topic.partitions[n].replica_cnt;
      one.copies = n == 0 ? copies : std::min(one.copies, copies);
    }
  }
  return found;
}

// Slower than any other: a broker makes files for each partition of a new topic.
int AdministrationWait(const Client& client) {
  return Milliseconds(std::max(client.options().answer_wait, absl::Seconds(30)));
}

// What the brokers answered to a question of administration. Null: the status is in `trouble`.
Handle<rd_kafka_event_t> Answer(Client& client, rd_kafka_queue_t* queue, absl::string_view what,
                                absl::Status& trouble) {
  // Whatever the options given to it allow, and a moment for the way.
  Handle<rd_kafka_event_t> event(rd_kafka_queue_poll(queue, 2 * AdministrationWait(client)));
  const rd_kafka_resp_err_t error =
      event == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT : rd_kafka_event_error(event.get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return event;
  trouble = client.Trouble(what, error);
  return nullptr;
}

Handle<rd_kafka_AdminOptions_t> AdminOptions(Client& client, rd_kafka_admin_op_t operation) {
  const int wait = AdministrationWait(client);
  char reason[512];
  Handle<rd_kafka_AdminOptions_t> options(rd_kafka_AdminOptions_new(client.handle(), operation));
  if (operation == RD_KAFKA_ADMIN_OP_CREATETOPICS)
    rd_kafka_AdminOptions_set_operation_timeout(options.get(), wait, reason, sizeof reason);
  rd_kafka_AdminOptions_set_request_timeout(options.get(), wait, reason, sizeof reason);
  return options;
}

using Settings = std::map<std::string, std::string>;

// The settings in force of each of these topics, which are there.
absl::StatusOr<std::map<std::string, Settings>> ListSettings(
    Client& client, const std::vector<const TopicSpec*>& topics) {
  std::vector<Handle<rd_kafka_ConfigResource_t>> resources;
  std::vector<rd_kafka_ConfigResource_t*> pointers;
  for (const TopicSpec* topic : topics) {
    resources.emplace_back(
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic->name.c_str()));
    pointers.push_back(resources.back().get());
  }
  const auto options = AdminOptions(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  const Handle<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.handle()));
  rd_kafka_DescribeConfigs(client.handle(), pointers.data(), pointers.size(), options.get(),
                           queue.get());
  absl::Status trouble;
  const auto event = Answer(client, queue.get(), "the topics' settings can't be read", trouble);
  if (event == nullptr) return trouble;
  size_t count = 0;
  const rd_kafka_ConfigResource_t** results = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  std::map<std::string, Settings> all;
  for (size_t i = 0; i < count; ++i) {
    const std::string name = rd_kafka_ConfigResource_name(results[i]);
    const rd_kafka_resp_err_t error = rd_kafka_ConfigResource_error(results[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
      return client.Trouble(absl::StrCat("the settings of topic ", name, " can't be read"), error);
    size_t entries = 0;
    const rd_kafka_ConfigEntry_t** entry = rd_kafka_ConfigResource_configs(results[i], &entries);
    for (size_t n = 0; n < entries; ++n) {
      const char* value = rd_kafka_ConfigEntry_value(entry[n]);
      all[name][rd_kafka_ConfigEntry_name(entry[n])] = value == nullptr ? "" : value;
    }
  }
  return all;
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
  const auto options = AdminOptions(client, RD_KAFKA_ADMIN_OP_CREATETOPICS);
  const Handle<rd_kafka_queue_t> queue(rd_kafka_queue_new(client.handle()));
  rd_kafka_CreateTopics(client.handle(), pointers.data(), pointers.size(), options.get(),
                        queue.get());
  absl::Status trouble;
  const auto event = Answer(client, queue.get(), "topics can't be created", trouble);
  if (event == nullptr) return trouble;
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

// Those that can't be used at all.
std::vector<std::string> FindUnusable(const std::map<std::string, Found>& found,
                                      const std::vector<TopicSpec>& topics) {
  std::vector<std::string> unusable;
  for (const TopicSpec& topic : topics) {
    const auto there = found.find(topic.name);
    if (there == found.end()) {
      // Brokers don't name what a user may not see.
      unusable.push_back(absl::StrCat("topic ", topic.name,
                                      " is missing: create it with `porchlight topics create`, or "
                                      "give this Kafka user the right to describe it"));
    } else if (there->second.partitions != topic.partitions) {
      unusable.push_back(absl::StrCat(
          "topic ", topic.name, " has ", there->second.partitions, " partitions, but must have ",
          topic.partitions,
          ": its records can't be divided otherwise. Put back the number that it was made with; "
          "one without records can be deleted and created anew"));
    }
  }
  return unusable;
}

// "0.0001" is told as "1.0E-4".
bool IsSameValue(const std::string& a, const std::string& b) {
  double a_number = 0;
  double b_number = 0;
  return a == b ||
         (absl::SimpleAtod(a, &a_number) && absl::SimpleAtod(b, &b_number) && a_number == b_number);
}

// Several topics mostly have the same wrong: each thing is said once, with their names.
absl::StatusOr<std::vector<std::string>> FindOtherwise(Client& client,
                                                       const std::map<std::string, Found>& found,
                                                       const std::vector<TopicSpec>& topics) {
  std::vector<const TopicSpec*> there;
  for (const TopicSpec& topic : topics) {
    if (found.contains(topic.name)) there.push_back(&topic);
  }
  if (there.empty()) return std::vector<std::string>();
  const absl::StatusOr<std::map<std::string, Settings>> settings = ListSettings(client, there);
  if (!settings.ok()) return settings.status();
  std::map<std::string, std::vector<std::string>> names_by_fault;
  for (const TopicSpec* topic : there) {
    const int copies = found.at(topic->name).copies;
    if (copies != topic->replication) {
      names_by_fault[absl::StrCat("there are ", copies, " copies of each record, but must be ",
                                  topic->replication,
                                  ": change it with kafka-reassign-partitions.sh")]
          .push_back(topic->name);
    }
    const auto in_force = settings->find(topic->name);
    if (in_force == settings->end()) continue;
    for (const auto& [name, value] : topic->settings) {
      const auto is = in_force->second.find(name);
      if (is != in_force->second.end() && IsSameValue(is->second, value)) continue;
      names_by_fault[absl::StrCat(name, " is ",
                                  is == in_force->second.end() ? "not set" : is->second,
                                  ", but must be ", value, ": kafka-configs.sh --bootstrap-server ",
                                  client.options().brokers,
                                  " --alter --entity-type topics --entity-name TOPIC --add-config ",
                                  name, "=", value)]
          .push_back(topic->name);
    }
  }
  std::vector<std::string> otherwise;
  for (const auto& [fault, names] : names_by_fault)
    otherwise.push_back(absl::StrCat("of ", absl::StrJoin(names, ", "), ": ", fault));
  return otherwise;
}

absl::StatusOr<TopicFindings> Inspect(Client& client, const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::map<std::string, Found>> found = ListTopics(client);
  if (!found.ok()) return found.status();
  absl::StatusOr<std::vector<std::string>> otherwise = FindOtherwise(client, *found, topics);
  // Who may not read the settings can work all the same.
  if (!otherwise.ok())
    otherwise = std::vector<std::string>{std::string(otherwise.status().message())};
  return TopicFindings{.unusable = FindUnusable(*found, topics),
                       .otherwise = *std::move(otherwise)};
}

absl::Status Check(Client& client, const std::vector<TopicSpec>& topics) {
  absl::StatusOr<TopicFindings> findings = Inspect(client, topics);
  if (!findings.ok()) return findings.status();
  std::vector<std::string> all = std::move(findings->unusable);
  for (std::string& fault : findings->otherwise) all.push_back(std::move(fault));
  if (all.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(absl::StrJoin(all, "\n"), "\n(brokers ", client.options().brokers, ")"));
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
  const absl::StatusOr<std::map<std::string, Found>> found = ListTopics(**client);
  if (!found.ok()) return found.status();
  std::vector<TopicSpec> missing;
  for (const TopicSpec& topic : topics) {
    if (!found->contains(topic.name)) missing.push_back(topic);
  }
  if (missing.empty()) return Check(**client, topics);
  if (absl::Status created = Create(**client, missing); !created.ok()) return created;
  return CheckUntilKnown(**client, topics);
}

absl::StatusOr<TopicFindings> InspectTopics(const ClientOptions& options,
                                            const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::unique_ptr<Client>> client = Connect(options);
  if (!client.ok()) return client.status();
  return Inspect(**client, topics);
}

absl::Status CheckTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics) {
  const absl::StatusOr<std::unique_ptr<Client>> client = Connect(options);
  if (!client.ok()) return client.status();
  return Check(**client, topics);
}

}  // namespace porchlight::kafka
