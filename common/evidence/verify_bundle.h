// Checks an evidence file offline, with nothing else at hand. It must never trust the file: all
// that it says is recomputed, and what can't be recomputed (whose key signed, whether the newest
// transitions were left out before signing) is said in the report or in its comments.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/evidence/report.h"
#include "common/evidence/timeline.h"

namespace porchlight {

// InvalidArgument: this is not an evidence file. DataLoss: the text names the first record or
// policy pack that is wrong, missing or added, records by chain, sequence, type and id, and says
// what that means. That a policy pack is missing is no fault: the report says which.
//
// Found: every change since the signature; and by whoever signs again, every change, removal,
// insertion, swap or hiding that doesn't rewrite all chains alike. A cut of the newest transitions
// is found where another chain names them, and otherwise by comparing the heads.
absl::StatusOr<EvidenceReport> VerifyEvidence(absl::string_view file,
                                              Telling telling = Telling::kInternalOnly);

}  // namespace porchlight
