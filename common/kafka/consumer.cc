#include "common/kafka/consumer.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace porchlight::kafka {

absl::StatusOr<std::unique_ptr<Consumer>> Consumer::Open(ClientOptions options,
                                                         const ConsumerOptions& how) {
  absl::StatusOr<std::unique_ptr<Client>> client = Client::Open(
      std::move(options),
      {.type = RD_KAFKA_CONSUMER,
       .properties = {
           {"enable.auto.commit", "false"},
           {"enable.auto.offset.store", "false"},
           {"auto.offset.reset", "error"},
           {"allow.auto.create.topics", "false"},
           {"enable.partition.eof", how.tell_ends ? "true" : "false"},
           {"check.crcs", "true"},
           // Nobody writes transactions; one that is left open by accident must hide nothing.
           {"isolation.level", "read_uncommitted"},
           {"fetch.min.bytes", "1"},
           {"fetch.wait.max.ms", absl::StrCat(Milliseconds(how.fetch_wait))},
           {"fetch.error.backoff.ms", "100"},
           {"queued.min.messages", "10000"},
           {"queued.max.messages.kbytes", absl::StrCat(how.ahead_kilobytes_max)},
       }});
  if (!client.ok()) return client.status();
  return std::unique_ptr<Consumer>(new Consumer(*std::move(client)));
}

absl::Status Consumer::Start(const TopicPartition& where, int64_t from, const Queue& queue) {
  const absl::StatusOr<rd_kafka_topic_t*> topic = client_->Topic(where);
  if (!topic.ok()) return topic.status();
  if (rd_kafka_consume_start_queue(*topic, where.partition, from, queue.get()) == 0) {
    return absl::OkStatus();
  }
  return client_->Trouble(absl::StrCat(Name(where), " can't be read"), rd_kafka_last_error());
}

void Consumer::Stop(const TopicPartition& where) {
  rd_kafka_consume_stop(client_->KnownTopic(where.topic), where.partition);
}

std::optional<Received> Consumer::Receive(const Queue& queue, absl::Duration longest) {
  const Handle<rd_kafka_message_t> message(
      rd_kafka_consume_queue(queue.get(), Milliseconds(longest)));
  if (message == nullptr || message->rkt == nullptr) return std::nullopt;
  Received received;
  received.where = {rd_kafka_topic_name(message->rkt), message->partition};
  received.offset = message->offset;
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
    received.is_end = true;
  } else if (message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
             message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
    received.trouble = absl::DataLossError(absl::StrCat(
        Name(received.where),
        " has no record where reading was to go on: it was cut short, or its oldest records were "
        "removed. Restore the topic, and set its retention as deploy/topics.yaml says."));
  } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    client_->ForgetTopic(received.where.topic);
    received.trouble =
        client_->Trouble(absl::StrCat(Name(received.where), " can't be read"), message->err);
  } else {
    if (message->key != nullptr) {
      received.key.assign(static_cast<const char*>(message->key), message->key_len);
    }
    received.has_value = message->payload != nullptr;
    if (received.has_value) {
      received.value.assign(static_cast<const char*>(message->payload), message->len);
    }
  }
  if (received.trouble.ok()) client_->Answered();
  return received;
}

}  // namespace porchlight::kafka
