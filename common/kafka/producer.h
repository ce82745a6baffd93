// Sends batches to partitions and says of each where it stands, or that this isn't known. Never
// sends anything again that may be there already: only who reads the partition can tell.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "common/kafka/client.h"

namespace porchlight::kafka {

struct Message {
  std::string key;  // empty: none
  // Must stay as it is until Send returns. Nothing: compaction shall remove what has this key.
  std::optional<absl::string_view> value;
  Properties headers;
};

struct Batch {
  TopicPartition where;
  std::vector<Message> messages;
};

struct Sent {
  // Of each message; -1 where it isn't known.
  std::vector<int64_t> offsets;
  // What went wrong first; OK if every offset is known.
  absl::Status trouble;
  // Certain: no message of the batch is there, and none will be.
  bool none_there = false;

  // All offsets are known and next to each other.
  bool StandTogether() const;
};

// Thread-safe.
class Producer {
 public:
  static absl::StatusOr<std::unique_ptr<Producer>> Open(ClientOptions options);

  // One answer for each batch, in order. A batch's messages are sent in their order, with nothing
  // of this producer's in between. Blocks until all is known or given up (delivery_wait).
  std::vector<Sent> Send(const std::vector<Batch>& batches);

  // Client::AskEnd.
  absl::StatusOr<int64_t> AskEnd(const TopicPartition& where);

 private:
  struct Delivery;
  struct Flight;

  // A handle, and the thread that hears what became of its messages.
  class Session {
   public:
    explicit Session(std::unique_ptr<Client> client);
    ~Session();
    Client& client() { return *client_; }
    // It can't send any more, whatever the brokers do.
    bool failed() const;
    void Start(const Batch& batch, Flight& flight);

   private:
    rd_kafka_resp_err_t StartOne(rd_kafka_topic_t* topic, int32_t partition, const Message& message,
                                 Delivery& delivery);

    const std::unique_ptr<Client> client_;
    absl::Mutex order_;  // so that a batch's messages are queued one after the other
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
  };

  explicit Producer(ClientOptions options) : options_(std::move(options)) {}
  static absl::StatusOr<std::shared_ptr<Session>> MakeSession(const ClientOptions& options);
  static void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void*);
  static Sent Conclude(const Batch& batch, Flight& flight, Client& client);
  absl::StatusOr<std::shared_ptr<Session>> CurrentSession();

  const ClientOptions options_;
  absl::Mutex mutex_;
  // One that has failed lives on until its last call of Send is over.
  std::shared_ptr<Session> session_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight::kafka
