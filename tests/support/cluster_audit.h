// What a cluster's log says in the end, read by a process of its own: whether its chains are whole,
// whether every store is what a fold of the log from its start makes, and which deliveries were
// decided by transitions that count.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/support/cluster_processes.h"

namespace porchlight::testing {

struct ClusterAudit {
  uint64_t transitions = 0;
  uint64_t lost_races = 0;
  uint64_t commands_waiting = 0;
  std::set<std::string> delivery_ids;
  // Where a store isn't what the log says; none if all are equal.
  std::vector<std::string> differences;
};

// Waits a while for stores that aren't up to date yet. An error says which record is wrong.
absl::StatusOr<ClusterAudit> Audit(const ClusterProcesses& cluster);

}  // namespace porchlight::testing
