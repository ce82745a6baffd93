// The topics that a cluster must have. They are made explicitly, with every setting that the
// promises of log.h and keys.h rest on, and never by being written to. Topics that are there are
// checked, never changed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/kafka/client.h"

namespace porchlight::kafka {

struct TopicSpec {
  std::string name;
  int32_t partitions = 0;
  int replication = 0;
  Properties settings;  // "retention.ms" and the like
};

// Makes those that are missing, then does what CheckTopics does. Safe to repeat, also by several
// processes at once.
absl::Status CreateTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics);

// FailedPrecondition names every topic that is missing or has another number of partitions.
// Unavailable: no broker can be asked.
absl::Status CheckTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics);

}  // namespace porchlight::kafka
