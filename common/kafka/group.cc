#include "common/kafka/group.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/logger/logger.h"

namespace porchlight::kafka {
namespace {

constexpr absl::Duration kPollWait = absl::Milliseconds(100);
constexpr absl::string_view kGroupPrefix = "porchlight.";

}  // namespace

absl::StatusOr<std::vector<std::string>> RunningServices(const ClientOptions& options) {
  const absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Open(options, {.type = RD_KAFKA_PRODUCER, .properties = {}});
  if (!client.ok()) return client.status();
  const struct rd_kafka_group_list* answer = nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_list_groups((*client)->handle(), nullptr, &answer,
                                                         Milliseconds(options.answer_wait));
  const Handle<const struct rd_kafka_group_list> groups(answer);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return (*client)->Trouble("the groups of running services can't be listed", error);
  }
  std::vector<std::string> running;
  for (int i = 0; i < groups->group_cnt; ++i) {
    absl::string_view name = groups->groups[i].group;
    if (absl::ConsumePrefix(&name, kGroupPrefix) && groups->groups[i].member_cnt > 0)
      running.emplace_back(name);
  }
  return running;
}

absl::StatusOr<std::unique_ptr<Group>> Group::Join(const GroupOptions& options) {
  std::unique_ptr<Group> group(new Group());
  const int session_ms = Milliseconds(options.session);
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Open(
      options.client, {.type = RD_KAFKA_CONSUMER,
                       .properties =
                           {
                               {"group.id", absl::StrCat(kGroupPrefix, options.service)},
                               // All instances must agree on it.
                               {"partition.assignment.strategy", "range"},
                               {"session.timeout.ms", absl::StrCat(session_ms)},
                               {"heartbeat.interval.ms", absl::StrCat(session_ms / 6)},
                               {"enable.auto.commit", "false"},
                               {"enable.auto.offset.store", "false"},
                               {"allow.auto.create.topics", "false"},
                           },
                       .on_rebalance = OnRebalance,
                       .context = group.get()});
  if (!client.ok()) return client.status();
  group->client_ = *std::move(client);
  rd_kafka_t* const handle = group->client_->handle();
  rd_kafka_poll_set_consumer(handle);
  const Handle<rd_kafka_topic_partition_list_t> topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), CommandsTopic(options.service).c_str(),
                                    RD_KAFKA_PARTITION_UA);
  const rd_kafka_resp_err_t subscribed = rd_kafka_subscribe(handle, topics.get());
  if (subscribed != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return group->client_->Trouble(
        absl::StrCat("the partitions of ", options.service, " can't be shared"), subscribed);
  }
  group->thread_ = std::thread(&Group::Loop, group.get());
  return group;
}

Group::~Group() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
  if (client_ != nullptr) rd_kafka_consumer_close(client_->handle());
}

std::optional<std::set<int32_t>> Group::Owned() {
  absl::MutexLock lock(&mutex_);
  return owned_;
}

void Group::Listen(Signal* signal) {
  absl::MutexLock lock(&mutex_);
  changed_ = signal;
}

void Group::Set(std::optional<std::set<int32_t>> owned) {
  absl::MutexLock lock(&mutex_);
  owned_ = std::move(owned);
  if (changed_ != nullptr) changed_->Notify();
}

// The group must be told that the change was heard. Nothing is ever fetched by it, so the list of
// what is to be fetched stays empty.
//
// Whenever somebody joins or leaves, all must first give up all that they have, and most of it they
// get again. Until it is known who gets what, each goes on with what it had: otherwise nobody would
// decide anything for that long, and all would have to be folded anew.
void Group::OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                        rd_kafka_topic_partition_list_t* partitions, void* client) {
  if (what != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    rd_kafka_assign(handle, nullptr);
    return;
  }
  std::set<int32_t> owned;
  for (int i = 0; i < partitions->cnt; ++i) owned.insert(partitions->elems[i].partition);
  const Handle<rd_kafka_topic_partition_list_t> none(rd_kafka_topic_partition_list_new(0));
  rd_kafka_assign(handle, none.get());
  LogLine(LogLevel::kInfo, "this process's share of the partitions is known",
          {{"partitions", absl::StrCat(owned.size())}});
  static_cast<Group*>(static_cast<Client*>(client)->context())->Set(std::move(owned));
}

void Group::Loop() {
  while (!stopping_) {
    const Handle<rd_kafka_message_t> message(
        rd_kafka_consumer_poll(client_->handle(), Milliseconds(kPollWait)));
    if (message == nullptr || message->err == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    LogLine(LogLevel::kWarning, "the share of partitions may be late to change",
            {{"reason", std::string(rd_kafka_message_errstr(message.get()))}});
  }
}

}  // namespace porchlight::kafka
