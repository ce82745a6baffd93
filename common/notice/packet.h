// What a notice tells, before need to know is applied to it: the case as it is known, the fields of
// a police entry in NCIC's order, and what is new. Pure. Never says that police entered anything
// unless police told the number, and drops no field because nobody knows it.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/notice/plan.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

// Police and NCMEC: who gets the fields, the photo, and what looked odd in the report.
bool LooksForTheYouth(v1::RecipientKind kind);

// As far as it depends on the agency and the moment.
struct PacketOptions {
  std::string agency_name;
  absl::TimeZone time_zone;
  absl::Time made_at;
};

// For the recipients of a planned notice; all but its ids.
v1::NoticePacket PacketOf(const v1::NotificationState& state, const PlannedNotice& planned,
                          const v1::PolicyPack& pack, const PacketOptions& options);

// In NCIC's order, each with its value or with why it isn't reasonably available.
std::vector<v1::PacketField> EntryFields(const v1::Episode& episode, const absl::TimeZone& zone);

// The newest number of this kind that a person typed in; empty: none.
std::string NumberOf(const v1::NotificationState& state, v1::EvidenceKind kind);

}  // namespace porchlight
