// Reads deploy/topics.yaml: which topics a cluster must have, and how each is set up. It never
// talks to a broker (common/kafka/topics.h does).
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/kafka/topics.h"

namespace porchlight {

// InvalidArgument says all that is wrong, by `file`, line and key.
absl::StatusOr<std::vector<kafka::TopicSpec>> ReadTopics(absl::string_view yaml,
                                                         absl::string_view file);

// deploy/topics.yaml, as it was when the program was built.
absl::string_view BuiltInTopics();

// The same topics where there are fewer brokers than copies: on one machine, for development.
void LimitReplication(int brokers, std::vector<kafka::TopicSpec>& topics);

}  // namespace porchlight
