#include "common/kafka/producer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/logger/logger.h"

namespace porchlight::kafka {
namespace {

constexpr int kListenMilliseconds = 100;
// A record with its key and headers, and the batch around it.
constexpr size_t kMessageBytesMax = kRecordBytesMax + (64u << 10);

Properties ProducerProperties(const ClientOptions& options) {
  return {
      // What the client itself sends again keeps its order, and the broker tells it apart.
      {"enable.idempotence", "true"},
      {"acks", "all"},
      // A broker takes a producer's first batch in a partition whatever its number. With several on
      // their way the second could overtake a first that a new leader refused, and the client would
      // then count the first as sent, though it never arrived. A broker answers the requests of one
      // connection one after the other anyway.
      {"max.in.flight.requests.per.connection", "1"},
      {"linger.ms", "0"},
      {"message.timeout.ms", absl::StrCat(Milliseconds(options.delivery_wait))},
      {"message.max.bytes", absl::StrCat(kMessageBytesMax)},
      {"queue.buffering.max.messages", "100000"},
      {"queue.buffering.max.kbytes", "524288"},
      {"compression.codec", "none"},  // sealed bytes don't get smaller
  };
}

bool IsTopicGone(rd_kafka_resp_err_t error) {
  return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

}  // namespace

// What became of one message. librdkafka holds a pointer to it until it has told.
struct Producer::Delivery {
  Flight* flight = nullptr;
  rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR_NO_ERROR;
  bool maybe_there = false;
  int64_t offset = -1;
};

// A batch on its way.
struct Producer::Flight {
  absl::Status trouble;  // why it wasn't sent, or not all of it
  std::vector<Delivery> deliveries;
  absl::Mutex mutex;
  size_t awaited ABSL_GUARDED_BY(mutex) = 0;

  void Await(size_t more) {
    absl::MutexLock lock(&mutex);
    awaited += more;
  }
  void Arrived() {
    absl::MutexLock lock(&mutex);
    --awaited;
  }
  void WaitForAll() {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(
        +[](size_t* left) { return *left == 0; }, &awaited));
  }
};

bool Sent::StandTogether() const {
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] < 0 || offsets[i] != offsets[0] + static_cast<int64_t>(i)) return false;
  }
  return true;
}

Producer::Session::Session(std::unique_ptr<Client> client)
    : client_(std::move(client)), thread_([this] {
        while (!stopping_) rd_kafka_poll(client_->handle(), kListenMilliseconds);
      }) {}

Producer::Session::~Session() {
  stopping_ = true;
  thread_.join();
}

bool Producer::Session::failed() const {
  char reason[512];
  return rd_kafka_fatal_error(client_->handle(), reason, sizeof reason) !=
         RD_KAFKA_RESP_ERR_NO_ERROR;
}

void Producer::Session::Start(const Batch& batch, Flight& flight) {
  // Asked beforehand: otherwise the first message to a topic is a second late.
  const absl::StatusOr<rd_kafka_topic_t*> topic = client_->Topic(batch.where);
  if (!topic.ok()) {
    flight.trouble = topic.status();
    return;
  }
  absl::MutexLock lock(&order_);
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    flight.Await(1);
    const rd_kafka_resp_err_t error =
        StartOne(*topic, batch.where.partition, batch.messages[i], flight.deliveries[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    flight.Arrived();
    flight.deliveries[i].error = error;
    return;
  }
}

rd_kafka_resp_err_t Producer::Session::StartOne(rd_kafka_topic_t* topic, int32_t partition,
                                                const Message& message, Delivery& delivery) {
  rd_kafka_headers_t* headers = rd_kafka_headers_new(message.headers.size());
  for (const auto& [name, value] : message.headers) {
    rd_kafka_header_add(headers, name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  const absl::string_view value = message.value.value_or(absl::string_view());
  // A null pointer is a tombstone; an empty record must not be one.
  void* const bytes =
      message.value.has_value() ? const_cast<char*>(value.empty() ? "" : value.data()) : nullptr;
  const rd_kafka_resp_err_t error = rd_kafka_producev(
      client_->handle(), RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_MSGFLAGS(0), RD_KAFKA_V_VALUE(bytes, value.size()),
      RD_KAFKA_V_KEY(message.key.empty() ? nullptr : message.key.data(), message.key.size()),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) rd_kafka_headers_destroy(headers);
  return error;
}

void Producer::OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  Delivery& delivery = *static_cast<Delivery*>(message->_private);
  delivery.error = message->err;
  delivery.offset = message->err == RD_KAFKA_RESP_ERR_NO_ERROR ? message->offset : -1;
  delivery.maybe_there = rd_kafka_message_status(message) != RD_KAFKA_MSG_STATUS_NOT_PERSISTED;
  delivery.flight->Arrived();
}

absl::StatusOr<std::unique_ptr<Producer>> Producer::Open(ClientOptions options) {
  absl::StatusOr<std::shared_ptr<Session>> session = MakeSession(options);
  if (!session.ok()) return session.status();
  std::unique_ptr<Producer> producer(new Producer(std::move(options)));
  absl::MutexLock lock(&producer->mutex_);
  producer->session_ = *std::move(session);
  return producer;
}

absl::StatusOr<std::shared_ptr<Producer::Session>> Producer::MakeSession(
    const ClientOptions& options) {
  absl::StatusOr<std::unique_ptr<Client>> client =
      Client::Open(options, {.type = RD_KAFKA_PRODUCER,
                             .properties = ProducerProperties(options),
                             .on_delivery = OnDelivery});
  if (!client.ok()) return client.status();
  return std::make_shared<Session>(*std::move(client));
}

absl::StatusOr<std::shared_ptr<Producer::Session>> Producer::CurrentSession() {
  absl::MutexLock lock(&mutex_);
  if (!session_->failed()) return session_;
  LogLine(LogLevel::kWarning,
          "the Kafka producer lost count of what it sent, and starts anew; nothing is lost by it");
  absl::StatusOr<std::shared_ptr<Session>> fresh = MakeSession(options_);
  if (fresh.ok()) session_ = *fresh;
  return fresh;
}

std::vector<Sent> Producer::Send(const std::vector<Batch>& batches) {
  const absl::StatusOr<std::shared_ptr<Session>> session = CurrentSession();
  if (!session.ok()) {
    return std::vector<Sent>(batches.size(),
                             Sent{.offsets = {}, .trouble = session.status(), .none_there = true});
  }
  std::vector<Flight> flights(batches.size());
  for (size_t i = 0; i < batches.size(); ++i) {
    flights[i].deliveries.resize(batches[i].messages.size());
    for (Delivery& delivery : flights[i].deliveries) delivery.flight = &flights[i];
    // Each would wait for an answer, one after the other.
    if (i > 0 && !flights[i - 1].trouble.ok() && (*session)->client().away()) {
      flights[i].trouble = flights[i - 1].trouble;
      continue;
    }
    (*session)->Start(batches[i], flights[i]);
  }
  std::vector<Sent> sent;
  for (size_t i = 0; i < batches.size(); ++i) {
    flights[i].WaitForAll();
    sent.push_back(Conclude(batches[i], flights[i], (*session)->client()));
  }
  return sent;
}

Sent Producer::Conclude(const Batch& batch, Flight& flight, Client& client) {
  Sent sent{.offsets = {}, .trouble = std::move(flight.trouble), .none_there = true};
  for (size_t i = 0; i < flight.deliveries.size(); ++i) {
    const Delivery& delivery = flight.deliveries[i];
    sent.offsets.push_back(delivery.offset);
    if (delivery.maybe_there) sent.none_there = false;
    if (!sent.trouble.ok()) continue;
    const std::string what = absl::StrCat("a record for ", Name(batch.where), " can't be appended");
    if (delivery.error == RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE) {
      sent.trouble = absl::InvalidArgumentError(
          absl::StrCat(what, ": it has ", batch.messages[i].value.value_or("").size(),
                       " bytes, more than the brokers take. Set max.message.bytes of the topic as "
                       "deploy/topics.yaml says."));
    } else if (delivery.error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (IsTopicGone(delivery.error)) client.ForgetTopic(batch.where.topic);
      sent.trouble = client.Trouble(what, delivery.error);
    } else if (delivery.offset < 0) {
      sent.trouble = absl::UnavailableError(
          absl::StrCat("a record for ", Name(batch.where),
                       " was sent again after an answer was lost: whether and where it is there "
                       "isn't known before it is read"));
    }
  }
  return sent;
}

absl::StatusOr<int64_t> Producer::AskEnd(const TopicPartition& where) {
  const absl::StatusOr<std::shared_ptr<Session>> session = CurrentSession();
  if (!session.ok()) return session.status();
  return (*session)->client().AskEnd(where);
}

}  // namespace porchlight::kafka
