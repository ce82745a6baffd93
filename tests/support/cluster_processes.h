// A cluster as a test needs it: a real broker, a real Redis, and the real programs of every
// service, some of them twice.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/kafka_broker.h"
#include "tests/support/receiver_process.h"
#include "tests/support/redis_process.h"
#include "tests/support/relay.h"
#include "tests/support/server_process.h"

namespace porchlight::testing {

// Recipients whose messages become files.
inline constexpr char kFolderConfig[] = R"(folder: {directory: outbox}
recipients:
  - {id: police, kind: law_enforcement, channel: folder, address: police, name: Example Police}
)";

struct ClusterSetup {
  int brokers = 1;
  int session_seconds = 2;
  // The rest of the configuration, and files beside it.
  std::string config = kFolderConfig;
  std::map<std::string, std::string> files = {};
};

class ClusterProcesses {
 public:
  // Brokers, Redis, topics, master key and configuration; no service yet.
  explicit ClusterProcesses(const ClusterSetup& setup = {});

  // Not OK: what could not be started, and why.
  const absl::Status& status() const { return status_; }
  KafkaBroker& broker() { return broker_; }
  RedisProcess& redis() { return redis_; }

  // One more process of this service. `name` is the service's, or of a further one such as
  // "intake-2". A relayed one reaches several brokers, and Redis, through relays that can be cut.
  enum class Way { kStraight, kRelayed };
  void Start(const std::string& name, Way way = Way::kStraight);
  void CutRedis(bool cut) { redis_relay_.Cut(cut); }
  bool WaitUntilReady(const std::string& name);
  // SIGKILL.
  void Kill(const std::string& name);
  void Send(const std::string& name, int signal) { processes_.at(name)->child->Send(signal); }
  // SIGTERM; its exit code, or nothing if it doesn't end.
  std::optional<int> Stop(const std::string& name);
  // Where it is called.
  const std::string& address(const std::string& name) const { return processes_.at(name)->address; }
  // As --server wants it: the first process of each service.
  std::string servers() const;
  // What it wrote to standard error, over all its lives.
  std::string errors(const std::string& name) const;

  std::string outbox() const { return folder_.path() + "/outbox"; }
  std::string config_file() const { return folder_.path() + "/porchlight.yaml"; }
  std::string master_key_file() const { return folder_.path() + "/master.key"; }
  // The same agency for `porchlight serve`, with the same master key.
  std::string embedded_config_file() const { return folder_.path() + "/embedded.yaml"; }
  const std::string& folder() const { return folder_.path(); }

 private:
  struct Process {
    std::unique_ptr<Child> child;
    std::string address;
  };

  absl::Status Prepare(const ClusterSetup& setup);
  void WriteConfig(const std::string& file, const ClusterSetup& setup, const std::string& brokers,
                   int redis_port) const;
  std::string relayed_config_file() const { return folder_.path() + "/relayed.yaml"; }

  TemporaryFolder folder_;
  KafkaBroker broker_;
  RedisProcess redis_{{"--appendonly", "yes", "--appendfsync", "everysec"}};
  Relay redis_relay_{redis_.port()};
  std::map<std::string, std::unique_ptr<Process>> processes_;
  absl::Status status_;
};

}  // namespace porchlight::testing
