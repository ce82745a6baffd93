// What every log adapter answers alike, so that a caller sees the same texts whatever the engine.
// Never touches what is stored.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "common/log/log.h"

namespace porchlight {

// InvalidArgument unless the request is one that any log can take.
absl::Status CheckAppend(const AppendRequest& request);

AppendResult Refused(absl::Status reason);
AppendResult LostRace(const TopicPartition& where, int64_t expected_end, int64_t end);

// OutOfRange, for a read from beyond the end.
absl::Status BeyondEnd(const TopicPartition& where, int64_t from, int64_t end);

// DataLoss, for a read from below `start`, where the oldest record stands that retention has left.
absl::Status RemovedBefore(const TopicPartition& where, int64_t from, int64_t start);
// `start` of that; nothing for every other error.
std::optional<int64_t> StartOfWhatIsLeft(const absl::Status& status);

}  // namespace porchlight
