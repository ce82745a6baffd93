// Moves an embedded data folder into a cluster: its log, its keys and its photos. Every record gets
// the offset that it had, so that chains, positions and back-links hold as they are
// (deploy/adr/0017). It changes nothing in the folder but to mark it as moved in the end, writes to
// no cluster that holds anything else, and goes on where it stopped if it was ended in the middle.
// Stores aren't moved: they are folds.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config.h"
#include "common/evidence/verify_log.h"
#include "common/kafka/topics.h"

namespace porchlight {

struct MigrationOptions {
  struct Service {
    std::string name;
    int32_t partitions = 0;
  };
  std::string data;                      // the folder
  Config config;                         // with its section cluster
  std::vector<kafka::TopicSpec> topics;  // that the cluster must have
  std::vector<Service> services;
  std::function<void(const std::string& line)> tell;  // of how far it is
};

struct MigrationReport {
  // All of it was there before, and perhaps more since: nothing was written.
  bool was_there = false;
  int64_t records = 0;  // of the folder's log
  int64_t copied = 0;   // of them by this run
  size_t keys = 0;
  size_t keys_destroyed = 0;  // of them
  size_t photos = 0;
  LogReport verified;  // of the cluster's log, read back
};

// FailedPrecondition, InvalidArgument: why it can't be moved, and what to do. DataLoss: the folder
// is damaged. Unavailable: do the same again.
absl::StatusOr<MigrationReport> Migrate(const MigrationOptions& options);

}  // namespace porchlight
