// librdkafka, as the log and the keys on a cluster use it: handles that close themselves, and
// errors that say what a person must do. It knows nothing of what records hold, and nothing in it
// ends the process, whatever the brokers do.
#pragma once

#include <librdkafka/rdkafka.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/log/log.h"

namespace porchlight::kafka {

using Properties = std::vector<std::pair<std::string, std::string>>;

struct ClientOptions {
  std::string brokers;  // "kafka-1:9092,kafka-2:9092"
  // librdkafka's properties of how to reach them: security.*, sasl.*, ssl.*. Others are ours.
  Properties security;
  // For the brokers' answer to one question.
  absl::Duration answer_wait = absl::Seconds(5);
  // Until what was sent is either accepted or given up. Longer than the election of a leader takes.
  absl::Duration delivery_wait = absl::Seconds(15);
};

struct HandleDeleter {
  void operator()(rd_kafka_t* handle) const { rd_kafka_destroy(handle); }
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
  void operator()(rd_kafka_queue_t* queue) const { rd_kafka_queue_destroy(queue); }
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
  void operator()(rd_kafka_message_t* message) const { rd_kafka_message_destroy(message); }
  void operator()(rd_kafka_event_t* event) const { rd_kafka_event_destroy(event); }
  void operator()(rd_kafka_AdminOptions_t* options) const {
    rd_kafka_AdminOptions_destroy(options);
  }
  void operator()(rd_kafka_NewTopic_t* topic) const { rd_kafka_NewTopic_destroy(topic); }
  void operator()(rd_kafka_ConfigResource_t* resource) const {
    rd_kafka_ConfigResource_destroy(resource);
  }
  void operator()(rd_kafka_topic_partition_list_t* list) const {
    rd_kafka_topic_partition_list_destroy(list);
  }
  void operator()(const struct rd_kafka_group_list* groups) const {
    rd_kafka_group_list_destroy(groups);
  }
  void operator()(const rd_kafka_metadata_t* metadata) const {
    rd_kafka_metadata_destroy(metadata);
  }
};
template <typename T>
using Handle = std::unique_ptr<T, HandleDeleter>;

// "topic/3", as error texts name a partition.
std::string Name(const TopicPartition& where);

int Milliseconds(absl::Duration span);

// One connection to the brokers, of a producer or of a consumer. Thread-safe.
class Client {
 public:
  using DeliveryCallback = void (*)(rd_kafka_t*, const rd_kafka_message_t*, void*);
  using RebalanceCallback = void (*)(rd_kafka_t*, rd_kafka_resp_err_t,
                                     rd_kafka_topic_partition_list_t*, void*);
  struct Config {
    rd_kafka_type_t type;
    Properties properties;
    DeliveryCallback on_delivery = nullptr;
    RebalanceCallback on_rebalance = nullptr;
    // Given to on_rebalance through Client::context.
    void* context = nullptr;
  };

  // InvalidArgument: the options can't be meant. Whether the brokers answer shows later.
  static absl::StatusOr<std::unique_ptr<Client>> Open(ClientOptions options, const Config& config);

  rd_kafka_t* handle() { return handle_.get(); }
  void* context() const { return context_; }
  const ClientOptions& options() const { return options_; }

  // The topic, once the brokers have said that it has this partition; they are asked once.
  absl::StatusOr<rd_kafka_topic_t*> Topic(const TopicPartition& where);
  // One that Topic has given before.
  rd_kafka_topic_t* KnownTopic(const std::string& topic);
  // They are asked again the next time: the topic is not what it was.
  void ForgetTopic(const std::string& topic);

  struct Span {
    int64_t start = 0;  // of the oldest record that retention has left
    int64_t end = 0;    // that the next record gets
  };
  // Every record accepted before this call stands below the end.
  absl::StatusOr<Span> AskSpan(const TopicPartition& where);
  absl::StatusOr<int64_t> AskEnd(const TopicPartition& where);

  // No broker can be reached. Known without asking, and not before something was tried.
  bool away();
  // Asks, once, whether a broker can be reached again.
  void Probe();
  // A broker was heard.
  void Answered();

  // Why `what` failed, as a person must know it. Unavailable, whatever the reason: all of these
  // pass once somebody has put right what is wrong outside.
  absl::Status Trouble(absl::string_view what, rd_kafka_resp_err_t error);
  // The same for what no question was asked for.
  absl::Status Away(absl::string_view what) { return Trouble(what, RD_KAFKA_RESP_ERR__TRANSPORT); }

 private:
  // `which` is RD_KAFKA_OFFSET_BEGINNING or _END.
  absl::StatusOr<int64_t> AskOffset(const TopicPartition& where, int64_t which);
  struct Known {
    Handle<rd_kafka_topic_t> topic;
    int partitions = 0;  // 0: not known
  };

  Client(ClientOptions options, void* context) : options_(std::move(options)), context_(context) {}
  static void OnError(rd_kafka_t* handle, int error, const char* reason, void* self);

  absl::StatusOr<int> AskPartitions(const std::string& topic, rd_kafka_topic_t* handle);

  const ClientOptions options_;
  void* const context_;
  // After all that the callbacks use, so that it goes first.
  absl::Mutex mutex_;
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  std::string last_error_ ABSL_GUARDED_BY(mutex_);
  bool not_let_in_ ABSL_GUARDED_BY(mutex_) = false;  // by the broker that said this
  Handle<rd_kafka_t> handle_;
  // Before the handle in turn: it waits for these to go.
  std::map<std::string, Known> topics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight::kafka
