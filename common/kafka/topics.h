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

// What is otherwise than it must be, each as a sentence with what to do.
struct TopicFindings {
  // Missing, or with another number of partitions: nothing can be done with it.
  std::vector<std::string> unusable;
  // Another number of copies, or another setting: it works, and some promise isn't kept.
  std::vector<std::string> otherwise;
};
// Unavailable: no broker can be asked.
absl::StatusOr<TopicFindings> InspectTopics(const ClientOptions& options,
                                            const std::vector<TopicSpec>& topics);

// FailedPrecondition with all that InspectTopics finds; Unavailable as that.
absl::Status CheckTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics);

// Makes those that are missing, then does what CheckTopics does. Safe to repeat, also by several
// processes at once.
absl::Status CreateTopics(const ClientOptions& options, const std::vector<TopicSpec>& topics);

}  // namespace porchlight::kafka
