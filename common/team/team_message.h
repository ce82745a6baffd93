// The message to one seat of a team: text for a person and JSON for a machine, both with only what
// the seat's kind may know, and the record of what that was. Pure. Subjects say nothing of a youth.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "porchlight/v1/mdt.pb.h"

namespace porchlight {

struct TeamMessageOptions {
  v1::TeamMessageKind kind = v1::TEAM_MESSAGE_KIND_UNSPECIFIED;
  std::string agency_name;
  absl::TimeZone time_zone;
  absl::Time made_at;
};

// Fills what was told, what was kept back, and on what ground into `disclosure`, whose delivery is
// set.
v1::Message MakeTeamMessage(const TeamMessageOptions& options, const v1::TeamNotice& notice,
                            const v1::TeamSeatStatus& seat, const v1::Episode& episode,
                            v1::Disclosure& disclosure);

}  // namespace porchlight
