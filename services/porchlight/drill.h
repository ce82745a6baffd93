// A whole case, played in memory by a fast clock as exercise records: what everybody would be told,
// and when. It talks to no server and leaves nothing behind; no message of it can leave this
// process.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/edge/service.h"
#include "porchlight/v1/output.pb.h"

namespace porchlight {

struct DrillOptions {
  // Such as "us-tx": whose rules are played.
  std::string jurisdiction;
  // Packs beside those built in, as in the configuration.
  std::vector<std::string> policy_packs;
  // The local date on which the youth is missing, at 02:10: "2026-03-03".
  std::string date;
  // Only who is told and when, without the words.
  bool brief = false;
};

// InvalidArgument: an option can't be understood. Internal: some step of the case was refused.
absl::StatusOr<v1::DrillPlayed> PlayDrill(const std::vector<ServiceModule>& modules,
                                          const DrillOptions& options);

// For a person: the timeline with every message, and the duties as they stand in the end.
std::string ToText(const v1::DrillPlayed& played);

}  // namespace porchlight
