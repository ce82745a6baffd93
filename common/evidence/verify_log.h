// Checks a whole log: `porchlight evidence verify --data DIR`. It must never change anything, and
// it may run while the log grows.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/evidence/report.h"
#include "common/keys/keys.h"
#include "common/log/log.h"
#include "porchlight/v1/state.pb.h"

namespace porchlight {

// How far a service's store has folded one partition.
struct StoreCheckpoint {
  std::string service;
  int32_t partition = 0;
  v1::Checkpoint checkpoint;
};

struct VerifyLogOptions {
  std::vector<std::string> services;
  int32_t partitions = 0;
  // Of those with another number of partitions.
  std::map<std::string, int32_t> partitions_of = {};
  // The log must reach as far as these and be the same up to there.
  std::vector<StoreCheckpoint> checkpoints;
  // Where given, every payload is opened too.
  Keys* keys = nullptr;
};

struct LogReport {
  std::vector<ChainHead> heads;  // of partitions with any transition
  uint64_t transitions = 0;
  uint64_t lost_races = 0;  // records of writers who were too late: normal with several machines
  uint64_t commands_decided = 0;
  uint64_t commands_repeated = 0;  // the same record again: decided once
  uint64_t commands_waiting = 0;   // not decided yet
  uint64_t payloads_opened = 0;
  uint64_t payloads_sealed = 0;  // their youth's key was destroyed
};

// DataLoss: the text names the first wrong record by topic, partition and offset, and says what is
// wrong with it. Not found: a cut of the newest records that neither another service's transition,
// nor a checkpoint has seen; compare the heads with those kept elsewhere.
absl::StatusOr<LogReport> VerifyLog(Log& log, const VerifyLogOptions& options);

}  // namespace porchlight
