// What every store adapter answers alike. Never touches what is stored.
#pragma once

#include "absl/status/status.h"
#include "common/store/store.h"

namespace porchlight {

// InvalidArgument if the batch's own numbers don't fit together: a mistake of the caller.
absl::Status CheckBatch(int32_t partition, const StoreBatch& batch);

// FailedPrecondition, unless the partition stands where the batch begins.
absl::Status CheckStandsAt(int32_t partition, const StoreBatch& batch, uint64_t sequence);

}  // namespace porchlight
