// What a team is made of: who can be told in a seat, and when enough of the team has answered.
// Pure.
#pragma once

#include <vector>

#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/mdt.pb.h"

namespace porchlight {

// Who can be told in this seat, as the notice's roster has it now: who was added since is told too.
// Live recipients never hear of a drill, nor those for drills of anything else.
std::vector<v1::Recipient> RecipientsOf(const v1::Directory& directory,
                                        const v1::TeamNotice& notice,
                                        const v1::TeamSeatStatus& seat);

// Sets how many of the seats must answer: as many as the roster says; where it doesn't, all that
// are required, or of none required all.
void SetAnswersNeeded(const v1::TeamRoster& roster, v1::TeamNotice& notice);

// Whether the seat's answer is one of those needed.
bool Counts(const v1::TeamNotice& notice, const v1::TeamSeatStatus& seat);
bool EnoughAnswered(const v1::TeamNotice& notice);

}  // namespace porchlight
