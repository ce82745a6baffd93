// The world of several machines: services of one process on Kafka and Redis. Every process opens
// the same topics; which partitions it decides, the brokers say (common/kafka/group.h). It stays up
// while brokers or Redis are away, says so in its health, and goes on by itself when they are back.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config.h"
#include "common/edge/service.h"
#include "common/kafka/client.h"
#include "common/keys/keys.h"

namespace porchlight {

struct ClusterOptions {
  std::string listen;  // "0.0.0.0:7301"; port 0 takes any that is free
  Config config;       // with its section cluster
};

class Cluster {
 public:
  // Unavailable: a broker can't be reached or lacks a topic; try again. Any other error says what a
  // person must do first.
  static absl::StatusOr<std::unique_ptr<Cluster>> Start(const ClusterOptions& options,
                                                        std::vector<ServiceModule> modules);
  // As Host.
  ~Cluster();

  const std::string& address() const;
  // As Host::Watch.
  bool Watch();

 private:
  struct Parts;
  explicit Cluster(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// Until SIGTERM or SIGINT. Returns the exit code.
int RunCluster(const ClusterOptions& options, const std::vector<ServiceModule>& modules);

// How the configuration says that brokers are reached.
absl::StatusOr<kafka::ClientOptions> KafkaClientOptions(const KafkaConfig& config);

// FailedPrecondition, InvalidArgument: there is none, and what to do.
absl::StatusOr<Key> ClusterMasterKey(const Config& config);

}  // namespace porchlight
