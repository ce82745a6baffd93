// This process's share of a service's partitions: what the consumer group of its commands topic
// says. Only who decides what comes from it: records are read by offsets that the folds know, and
// nothing is ever committed to the group.
//
// The brokers give a dead process's share to others after `session`, and to a new one when it
// joins. Until a process has heard that it lost a partition it goes on deciding: the chain rule
// lets one win (ownership.h).
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/signal.h"
#include "common/kafka/client.h"
#include "common/processor/ownership.h"

namespace porchlight::kafka {

struct GroupOptions {
  ClientOptions client;
  std::string service;
  // How long a process may be silent before its share is given to others. The brokers'
  // group.min.session.timeout.ms must allow it.
  absl::Duration session = absl::Seconds(3);
};

// Of which services any process runs now, on these brokers. Those that have just died are among
// them for the time of their session.
absl::StatusOr<std::vector<std::string>> RunningServices(const ClientOptions& options);

class Group final : public Ownership {
 public:
  // That brokers are away is no error: the share is then not known yet.
  static absl::StatusOr<std::unique_ptr<Group>> Join(const GroupOptions& options);
  // Leaves, so that others take over at once. What decides must have stopped.
  ~Group() override;

  std::optional<std::set<int32_t>> Owned() override;
  void Listen(Signal* signal) override;

 private:
  Group() = default;
  static void OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t what,
                          rd_kafka_topic_partition_list_t* partitions, void* client);
  void Set(std::optional<std::set<int32_t>> owned);
  void Loop();

  absl::Mutex mutex_;
  Signal* changed_ ABSL_GUARDED_BY(mutex_) = nullptr;
  std::optional<std::set<int32_t>> owned_ ABSL_GUARDED_BY(mutex_);
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<Client> client_;
  std::thread thread_;
};

}  // namespace porchlight::kafka
