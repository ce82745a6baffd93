// What a proof or a refusal that a person types in is about, and which kind of evidence it is.
// Pure. Errors list what there is; none repeats what was typed.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/policy/duties.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

// What was named: by a duty's key, a rule's id, a notice's id, or a recipient's kind or id.
struct ProofTarget {
  // That have begun; of several that are alike the open ones, where one is open. None: of a notice
  // that no duty asked for.
  std::vector<Duty> duties;
  // Unspecified: the agency's own duty, or a rule with several.
  v1::RecipientKind recipient = v1::RECIPIENT_KIND_UNSPECIFIED;
  std::string recipient_id;  // where one was named
  std::string notice_id;     // where one was named
  // A recipient's kind or id was named, and no duty: `duties` are all that it has.
  bool whole_recipient = false;
};

// NotFound: nothing of that name.
absl::StatusOr<ProofTarget> TargetOf(const std::string& about, const v1::NotificationState& state,
                                     const std::vector<Duty>& duties,
                                     const v1::Directory& directory, absl::Time now);

// The kind that the request names or that fits it, with the duties that it meets left in `target`.
// FailedPrecondition: it meets none of them; the text says which kinds would, or which command.
absl::StatusOr<v1::EvidenceKind> KindOfProof(const v1::FileProofRequest& request,
                                             ProofTarget& target);

// What looks odd in a proof that is kept all the same: done before the report, done late, or with
// another number than before.
std::vector<std::string> WarningsOf(const v1::FileProofRequest& request, const ProofTarget& target,
                                    v1::EvidenceKind kind, absl::Time done_at,
                                    const v1::NotificationState& state);

}  // namespace porchlight
