// A whole case, played in memory by a fast clock as exercise records: what everybody would be told,
// and when. It talks to no server and leaves nothing behind; no message of it can leave this
// process.
#pragma once

#include <iostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/edge/service.h"

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

// Prints the timeline with every message, and the duties as they stand in the end.
// InvalidArgument: an option can't be understood. Internal: some step of the case was refused.
absl::Status PlayDrill(const std::vector<ServiceModule>& modules, const DrillOptions& options,
                       std::ostream& out);

}  // namespace porchlight
