// Whether every duty was met, or somebody was woken for it in time; and whether those who must be
// told were. Reads the log alone, by the policy's own functions.
#pragma once

#include "absl/time/time.h"
#include "tests/sim/environment.h"

namespace porchlight::sim {

// Of what was due since `healed_at` somebody was alerted at its time; of what was due before, soon
// after. Until `now`.
void CheckDuties(Environment& environment, absl::Time healed_at, absl::Time now);

// Notices and supplements that policy wants by now were made.
void CheckTold(Environment& environment, absl::Time now);

// Open alerts page on until somebody has them, and are about something that is still to be done.
void CheckAlerts(Environment& environment, absl::Time now);

// While this service did nothing since `dead_since`, oncall saw that and woke somebody.
void CheckNoticedDead(Environment& environment, const std::string& service, absl::Time dead_since);

}  // namespace porchlight::sim
