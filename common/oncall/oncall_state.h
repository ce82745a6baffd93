// The state of one youth in oncall: how events change it, and how it is asked. Pure. Must take
// every event that any version ever wrote; keeps little, since duties are computed again from the
// case at each look.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

void ApplyOncall(const v1::RecordHeader& header, const google::protobuf::Message& event,
                 v1::OncallState& state);

// Null: there is none.
const v1::WatchedEpisode* FindEpisode(const v1::OncallState& state, absl::string_view episode_id);
const v1::Alert* FindAlert(const v1::OncallState& state, absl::string_view alert_id);
// Of a duty that nothing is kept of: one with nothing but its key.
v1::WatchedDuty WatchedOf(const v1::WatchedEpisode& episode, absl::string_view duty_key);

// The youth is still missing, or something of it will be due.
bool IsWatched(const v1::WatchedEpisode& episode);
bool HasReport(const v1::OncallState& state, absl::string_view report_id);

// Names of timers: when an episode is looked at, when an owner's deadlines are judged, and when
// more people are paged. One of the second kind acts even when it fires late.
std::string LookTimer(absl::string_view episode_id);
std::string LookAgainTimer(absl::string_view episode_id);
std::string JudgeTimer(absl::string_view episode_id);
std::string PageTimer(absl::string_view alert_id);
std::string PageAgainTimer(absl::string_view alert_id);

}  // namespace porchlight
