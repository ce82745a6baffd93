// Whom policy wants told of an episode now, and when to look again. Pure. A duty is told of once:
// what comes of it is for the channel, and for whoever watches it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/policy/duties.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

// Between two supplements to the same recipient: what comes meanwhile is told together.
inline constexpr absl::Duration kSupplementEvery = absl::Minutes(10);

// One notice to each recipient of a kind.
struct PlannedNotice {
  v1::NoticeKind kind = v1::NOTICE_KIND_UNSPECIFIED;
  v1::RecipientKind recipient = v1::RECIPIENT_KIND_UNSPECIFIED;
  std::vector<Duty> duties;  // that of the notice's own kind first
};

struct NoticePlan {
  std::vector<PlannedNotice> notices;  // in the order of the pack
  std::optional<absl::Time> look_again_at;
};

// The duties of the case. A report that was made counts as made even before a proof of it was typed
// in, where another rule asks whether it was: so NCMEC hears of a police number that came after its
// report.
std::vector<Duty> DutiesToTell(const v1::NotificationState& state, const v1::PolicyPack& pack,
                               absl::Time now);

NoticePlan PlanOf(const v1::NotificationState& state, const std::vector<Duty>& duties,
                  absl::Time now);

// Ids of the recipients who were told that the youth is missing and who must hear of `kind`, a
// return or an error, though no duty asks for it. Not those whom policy keeps from hearing.
std::vector<std::string> AlsoToTell(const v1::NotificationState& state,
                                    const std::vector<Duty>& duties, v1::NoticeKind kind);

// The soonest; nothing if none has one.
std::optional<absl::Time> SoonestDue(const std::vector<Duty>& duties);

}  // namespace porchlight
