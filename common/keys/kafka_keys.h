// Keys on one compacted topic of one partition, each wrapped by the agency's key, which is kept
// elsewhere: the brokers alone open nothing. Every process holds them all, wrapped, in memory.
//
// What stands in the topic, by the Kafka key of a record:
//   key/<random>/<name>   a wrapped key that somebody made for this name. The first one in the
//                         topic's order is the name's key; others lost a race and are never used.
//   destroyed/<name>      whatever else is there, the name has no key and gets none.
//   moving                an embedded log is being moved into this cluster and isn't all there yet.
// Compaction keeps the newest record of each Kafka key, in place. No two of the first sort have the
// same one, so it never removes any of them, and the first stays the first. Only Destroy writes a
// tombstone for them, once destroyed/<name>, which is kept for good, stands before it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "common/kafka/consumer.h"
#include "common/kafka/producer.h"
#include "common/keys/keys.h"
#include "common/keys/master_key.h"

namespace porchlight {

inline constexpr absl::string_view kKeysTopic = "porchlight.keys";

struct KafkaKeysOptions {
  kafka::ClientOptions client;
  std::string topic = std::string(kKeysTopic);
  // Opened by who moves a log, also while the move has not ended.
  bool for_move = false;
};

// A key that another process destroyed is given out until this one has heard of it: a moment, or as
// long as no broker can be reached.
class KafkaKeys final : public Keys {
 public:
  // Reads the whole topic, and ends what a crash may have left of a Destroy. Errors:
  //   FailedPrecondition  the topic's keys were made with another master key
  //   Unavailable         the brokers can't be reached, or don't have the topic; or a log is being
  //                       moved into the cluster, so that nothing may be decided there yet
  // `master_key_file` is named in the error text.
  static absl::StatusOr<std::unique_ptr<KafkaKeys>> Open(
      const KafkaKeysOptions& options, const Key& master,
      absl::string_view master_key_file = "the master key file");
  ~KafkaKeys() override;

  absl::StatusOr<Key> GetOrCreate(const std::string& name) override;
  // Of a name that it doesn't know, it asks the brokers for news first.
  absl::StatusOr<Key> Get(const std::string& name) override;
  // After OK no caller of this object gets the key, and the brokers remove it by compaction: within
  // the topic's max.compaction.lag.ms. Unavailable: perhaps it is destroyed, but still to be
  // removed; destroy it again.
  absl::Status Destroy(const std::string& name) override;

  // From the first to the second of these no other process opens the keys.
  absl::Status BeginMove();
  absl::Status EndMove();
  bool moving();
  // These become the keys of their names, and those destroyed are destroyed. Safe to repeat.
  // FailedPrecondition: there is a key of another name, or another key of one of these names.
  absl::Status Import(const std::vector<NamedKey>& keys);

 private:
  struct Entry {
    bool destroyed = false;
    std::string wrapped;                  // of the first; empty once it is destroyed
    std::vector<std::string> kafka_keys;  // of all that are in the topic
  };

  KafkaKeys(const KafkaKeysOptions& options, const Key& master,
            std::unique_ptr<kafka::Producer> producer, std::unique_ptr<kafka::Consumer> consumer);
  absl::Status Start(const KafkaKeysOptions& options, absl::string_view master_key_file);
  absl::Status CheckMaster(absl::string_view master_key_file);

  // Takes in what is there below this offset, waiting for it.
  absl::Status ReadTo(int64_t end) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Takes in what has arrived, without waiting.
  absl::Status CatchUp() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status ReadToTheEnd();
  absl::Status TakeIn(kafka::Received received) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Key> Find(const std::string& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Key> FindNow(const std::string& name);

  // The offset after the last of them.
  absl::StatusOr<bool> IsImported(const NamedKey& named) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status SendAndRead(std::vector<kafka::Message> messages);
  absl::StatusOr<int64_t> Send(std::vector<kafka::Message> messages);
  absl::Status Remove(const std::string& name);

  const TopicPartition where_;
  const Key master_;
  const std::unique_ptr<kafka::Producer> producer_;
  const std::unique_ptr<kafka::Consumer> consumer_;

  absl::Mutex mutex_;
  kafka::Consumer::Queue queue_ ABSL_GUARDED_BY(mutex_);
  bool started_ ABSL_GUARDED_BY(mutex_) = false;
  int64_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // all before this offset is taken in
  bool moving_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
