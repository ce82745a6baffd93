#include "common/store/apply_rules.h"

#include "absl/strings/str_cat.h"

namespace porchlight {

absl::Status CheckBatch(int32_t partition, const StoreBatch& batch) {
  if (batch.to.sequence() > batch.from_sequence &&
      batch.changes.size() <= batch.to.sequence() - batch.from_sequence) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("a batch of ", batch.changes.size(), " changes for partition ", partition,
                   " can't lead from sequence ", batch.from_sequence, " to ", batch.to.sequence()));
}

absl::Status CheckStandsAt(int32_t partition, const StoreBatch& batch, uint64_t sequence) {
  if (sequence == batch.from_sequence) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat("partition ", partition,
                                                    " of the store stands at ", sequence,
                                                    ", not at ", batch.from_sequence));
}

}  // namespace porchlight
