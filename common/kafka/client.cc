#include "common/kafka/client.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/logger/logger.h"

namespace porchlight::kafka {
namespace {

constexpr absl::Duration kProbeWait = absl::Seconds(1);
constexpr int kAskAgainMilliseconds = 50;
// A leader that is dead is asked in vain; after this, whoever leads by then is asked.
constexpr absl::Duration kOneLeaderWait = absl::Seconds(1);

// Of every handle. Each is said even where it is the default: we rely on it.
const Properties& CommonProperties() {
  static const auto& properties = *new Properties{
      {"client.id", "porchlight"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
      // A broker that stands still is given up after this; another one leads by then.
      {"socket.timeout.ms", "5000"},
      {"socket.connection.setup.timeout.ms", "3000"},
      {"reconnect.backoff.ms", "50"},
      {"reconnect.backoff.max.ms", "1000"},
      // A new leader is known soon, also where the old one says nothing.
      {"topic.metadata.refresh.interval.ms", "1000"},
      {"topic.metadata.propagation.max.ms", "1000"},
      {"log.connection.close", "false"},
  };
  return properties;
}

void OnLog(const rd_kafka_t*, int level, const char*, const char* text) {
  // What matters reaches callers as errors; these lines repeat it every second.
  LogLine(level <= 2 ? LogLevel::kWarning : LogLevel::kDebug, "the Kafka client says",
          {{"text", std::string(text)}});
}

absl::Status Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char reason[512];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) ==
      RD_KAFKA_CONF_OK) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("the Kafka property ", name, " can't be set: ", reason));
}

absl::Status SetAll(rd_kafka_conf_t* conf, const ClientOptions& options,
                    const Properties& properties) {
  for (const auto& [name, value] : options.security) {
    if (absl::StartsWith(name, "security.") || absl::StartsWith(name, "sasl.") ||
        absl::StartsWith(name, "ssl.")) {
      if (absl::Status set = Set(conf, name, value); !set.ok()) return set;
      continue;
    }
    return absl::InvalidArgumentError(
        absl::StrCat("the Kafka property ", name,
                     " is not for you to set: only security.*, sasl.* and ssl.* are"));
  }
  if (absl::Status set = Set(conf, "bootstrap.servers", options.brokers); !set.ok()) return set;
  for (const Properties* some : {&CommonProperties(), &properties}) {
    for (const auto& [name, value] : *some) {
      if (absl::Status set = Set(conf, name, value); !set.ok()) return set;
    }
  }
  return absl::OkStatus();
}

bool IsMissing(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

// A partition has no leader for a moment: it is new, or a broker went away.
bool IsElecting(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
         error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
         error == RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE ||
         error == RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE;
}

bool IsForbidden(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
         error == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
}

bool IsNotLetIn(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
         error == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED;
}

// What a server of another protocol says is taken for the length of an answer, which then is
// absurd.
bool IsOtherProtocol(absl::string_view reason) {
  return absl::StrContains(reason, "Invalid message size") ||
         absl::StrContains(reason, "Invalid response size") ||
         absl::StrContains(reason, "message size");
}

}  // namespace

std::string Name(const TopicPartition& where) {
  return absl::StrCat(where.topic, "/", where.partition);
}

int Milliseconds(absl::Duration span) {
  return static_cast<int>(std::clamp<int64_t>(absl::ToInt64Milliseconds(span), 0, 1 << 30));
}

absl::StatusOr<std::unique_ptr<Client>> Client::Open(ClientOptions options, const Config& config) {
  Handle<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  if (absl::Status set = SetAll(conf.get(), options, config.properties); !set.ok()) return set;
  std::unique_ptr<Client> client(new Client(std::move(options), config.context));
  rd_kafka_conf_set_opaque(conf.get(), client.get());
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  rd_kafka_conf_set_error_cb(conf.get(), OnError);
  if (config.on_delivery != nullptr) rd_kafka_conf_set_dr_msg_cb(conf.get(), config.on_delivery);
  if (config.on_rebalance != nullptr)
    rd_kafka_conf_set_rebalance_cb(conf.get(), config.on_rebalance);
  char reason[512];
  client->handle_.reset(rd_kafka_new(config.type, conf.get(), reason, sizeof reason));
  if (client->handle_ == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat("the Kafka client can't be made: ", reason));
  }
  // It is the handle's now.
  static_cast<void>(conf.release());
  return client;
}

void Client::OnError(rd_kafka_t*, int error, const char* reason, void* self) {
  auto& client = *static_cast<Client*>(self);
  absl::MutexLock lock(&client.mutex_);
  if (error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) {
    client.away_ = true;
  } else {
    client.last_error_ = reason;
    client.not_let_in_ = IsNotLetIn(static_cast<rd_kafka_resp_err_t>(error));
  }
}

absl::StatusOr<int> Client::AskPartitions(const std::string& topic, rd_kafka_topic_t* handle) {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(handle_.get(), 0, handle, &answer, Milliseconds(options_.answer_wait));
  const Handle<const rd_kafka_metadata_t> metadata(answer);
  const std::string what = absl::StrCat("topic ", topic, " can't be used");
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) return Trouble(what, error);
  Answered();
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    const rd_kafka_metadata_topic& found = metadata->topics[i];
    if (found.topic != topic) continue;
    if (found.err != RD_KAFKA_RESP_ERR_NO_ERROR) return Trouble(what, found.err);
    if (found.partition_cnt > 0) return found.partition_cnt;
  }
  return Trouble(what, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
}

absl::StatusOr<rd_kafka_topic_t*> Client::Topic(const TopicPartition& where) {
  rd_kafka_topic_t* handle = nullptr;
  int partitions = 0;
  {
    absl::MutexLock lock(&mutex_);
    Known& known = topics_[where.topic];
    if (known.topic == nullptr) {
      known.topic.reset(rd_kafka_topic_new(handle_.get(), where.topic.c_str(), nullptr));
      if (known.topic == nullptr) {
        return absl::InvalidArgumentError(
            absl::StrCat("\"", where.topic, "\" can't be the name of a topic"));
      }
    }
    handle = known.topic.get();
    partitions = known.partitions;
  }
  if (partitions == 0) {
    const absl::StatusOr<int> asked = AskPartitions(where.topic, handle);
    if (!asked.ok()) return asked.status();
    partitions = *asked;
    absl::MutexLock lock(&mutex_);
    topics_[where.topic].partitions = partitions;
  }
  if (where.partition >= 0 && where.partition < partitions) return handle;
  return absl::UnavailableError(absl::StrCat(
      "topic ", where.topic, " has ", partitions, " partitions, so there is no ", Name(where),
      ": it was created otherwise than deploy/topics.yaml says. Create it "
      "anew as it says; a topic with records must keep its number of partitions."));
}

rd_kafka_topic_t* Client::KnownTopic(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  return topics_.at(topic).topic.get();
}

void Client::ForgetTopic(const std::string& topic) {
  absl::MutexLock lock(&mutex_);
  const auto known = topics_.find(topic);
  if (known != topics_.end()) known->second.partitions = 0;
}

absl::StatusOr<int64_t> Client::AskEnd(const TopicPartition& where) {
  return AskOffset(where, RD_KAFKA_OFFSET_END);
}

absl::StatusOr<Client::Span> Client::AskSpan(const TopicPartition& where) {
  const absl::StatusOr<int64_t> start = AskOffset(where, RD_KAFKA_OFFSET_BEGINNING);
  if (!start.ok()) return start.status();
  const absl::StatusOr<int64_t> end = AskOffset(where, RD_KAFKA_OFFSET_END);
  if (!end.ok()) return end.status();
  return Span{*start, *end};
}

// rd_kafka_query_watermark_offsets would wait for a dead leader for ever, whatever time it is
// given.
absl::StatusOr<int64_t> Client::AskOffset(const TopicPartition& where, int64_t which) {
  const absl::Duration wait = std::min(options_.answer_wait, kOneLeaderWait);
  const Handle<rd_kafka_topic_partition_list_t> list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_t& asked =
      *rd_kafka_topic_partition_list_add(list.get(), where.topic.c_str(), where.partition);
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (absl::Duration waited; waited < options_.answer_wait;) {
    if (const auto topic = Topic(where); !topic.ok()) return topic.status();
    asked.offset = which;
    error = rd_kafka_offsets_for_times(handle_.get(), list.get(), Milliseconds(wait));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) error = asked.err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      Answered();
      return asked.offset;
    }
    ForgetTopic(where.topic);
    const bool silent = error == RD_KAFKA_RESP_ERR__TIMED_OUT;
    if ((!silent && !IsElecting(error)) || away()) break;
    waited += silent ? wait : absl::Milliseconds(kAskAgainMilliseconds);
    if (!silent) rd_kafka_poll(handle_.get(), kAskAgainMilliseconds);
  }
  return Trouble(absl::StrCat("where ", Name(where), " begins and ends can't be read"), error);
}

bool Client::away() {
  rd_kafka_poll(handle_.get(), 0);
  absl::MutexLock lock(&mutex_);
  return away_;
}

void Client::Probe() {
  const rd_kafka_metadata_t* answer = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(handle_.get(), 0, nullptr, &answer, Milliseconds(kProbeWait));
  const Handle<const rd_kafka_metadata_t> metadata(answer);
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) Answered();
}

void Client::Answered() {
  absl::MutexLock lock(&mutex_);
  away_ = false;
}

absl::Status Client::Trouble(absl::string_view what, rd_kafka_resp_err_t error) {
  // What is wrong with the connections is told by a callback.
  rd_kafka_poll(handle_.get(), 0);
  absl::MutexLock lock(&mutex_);
  if (IsMissing(error)) {
    return absl::UnavailableError(
        absl::StrCat(what, ": the brokers at ", options_.brokers,
                     " don't have it. Create the topics of deploy/topics.yaml."));
  }
  if (IsForbidden(error)) {
    return absl::UnavailableError(absl::StrCat(
        what, ": the brokers at ", options_.brokers, " refuse it (", rd_kafka_err2str(error),
        "). Give this service's Kafka user the right to read, write and describe it."));
  }
  if (IsNotLetIn(error) || (away_ && not_let_in_)) {
    return absl::UnavailableError(
        absl::StrCat(what, ": the brokers at ", options_.brokers,
                     " refuse the user or the password. Check sasl.username, sasl.mechanism and "
                     "sasl_password_file, and the users that they know."));
  }
  if (away_ && IsOtherProtocol(last_error_)) {
    return absl::UnavailableError(
        absl::StrCat(what, ": what answers at ", options_.brokers,
                     " doesn't speak Kafka's protocol, or not as configured (plain or TLS). "
                     "Set the brokers' own address and port."));
  }
  if (away_) {
    return absl::UnavailableError(absl::StrCat(
        what, ": no Kafka broker can be reached at ", options_.brokers,
        last_error_.empty() ? "" : absl::StrCat(" (", last_error_, ")"),
        ". Check the address, and that the brokers run; it is tried again by itself."));
  }
  return absl::UnavailableError(
      absl::StrCat(what, ": ", rd_kafka_err2str(error), " (brokers ", options_.brokers,
                   "). It is tried again by itself; if it lasts, look at what the brokers log."));
}

}  // namespace porchlight::kafka
