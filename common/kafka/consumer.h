// Fetches partitions from the offsets that it is told. It belongs to no group, commits nothing, and
// never goes on somewhere else than where it stood: what is missing is an error.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/kafka/client.h"

namespace porchlight::kafka {

// What came of a partition: a record, its end, or why nothing more comes.
struct Received {
  TopicPartition where;
  int64_t offset = 0;  // of the record, or the end
  bool is_end = false;
  std::string key;
  std::string value;
  bool has_value = false;  // false: compaction shall remove what has this key
  // Not OK: it must be stopped. DataLoss: what stood at the offset is no longer there.
  absl::Status trouble;
};

struct ConsumerOptions {
  // How long a broker that has nothing new keeps a question. A partition that is started in the
  // meantime waits for it.
  absl::Duration fetch_wait = absl::Milliseconds(100);
  // Fetched ahead for one partition.
  int ahead_kilobytes_max = 16 << 10;
  // Ends of partitions are received too, each time that there is nothing more.
  bool tell_ends = false;
};

// Thread-safe; each queue is for one thread at a time.
class Consumer {
 public:
  using Queue = Handle<rd_kafka_queue_t>;

  static absl::StatusOr<std::unique_ptr<Consumer>> Open(ClientOptions options,
                                                        const ConsumerOptions& how);

  // Must go before the consumer.
  Queue MakeQueue() { return Queue(rd_kafka_queue_new(client_->handle())); }
  // What comes of the partition goes to this queue. It must not be started.
  absl::Status Start(const TopicPartition& where, int64_t from, const Queue& queue);
  // Nothing of it comes from now on, not even what was fetched already.
  void Stop(const TopicPartition& where);
  // Nothing if nothing comes in this time.
  std::optional<Received> Receive(const Queue& queue, absl::Duration longest);

  Client& client() { return *client_; }

 private:
  explicit Consumer(std::unique_ptr<Client> client) : client_(std::move(client)) {}

  const std::unique_ptr<Client> client_;
};

}  // namespace porchlight::kafka
