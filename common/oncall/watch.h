// What is due of one duty at a moment, and when something of it will be next: warned before,
// alerted at and after, and looked after where its owner does nothing. Pure, and the only place
// that knows the times; the sweep asks the same functions what should have been set.
#pragma once

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/policy/duties.h"
#include "porchlight/v1/case.pb.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

// Neither met nor ended.
bool IsOpen(const Duty& duty);
// Null: policy doesn't ask for it (any more).
const Duty* FindDuty(const std::vector<Duty>& duties, absl::string_view duty_key);

// The service that begins it by itself; empty: people do it, and file its proof.
absl::string_view OwnerOf(const Duty& duty, const v1::CaseState& known);

struct DutyWatch {
  std::vector<v1::AlertKind> alerts;  // to raise now
  v1::WatchedDuty after;              // what to keep from then on
  absl::Time next = absl::InfiniteFuture();
};

// `duties`: all of the episode.
DutyWatch WatchDuty(const Duty& duty, const std::vector<Duty>& duties,
                    const v1::WatchedDuty& before, const v1::CaseState& known, absl::Time now);

// When something of the episode is due: `now` if something is already. InfiniteFuture: never.
absl::Time NextOf(const v1::WatchedEpisode& episode, const std::vector<Duty>& duties,
                  absl::Time now);

}  // namespace porchlight
