// Who is on call: turns, hand-offs and overrides, by the clock of the rota's time zone. Pure.
//
//   * A hand-off, or the beginning or end of a shift's hours, at a time of day that the clocks skip
//     is when they skip it; at one that they show twice, it is the first. So at every minute
//     exactly one person has a shift's turn, on days of 23 and 25 hours too.
//   * The weekday of hours that go over midnight is the one on which they begin.
//   * A time zone that this machine doesn't know counts as UTC (CheckChange refuses it before).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// In the order of the level's shifts, each once. `level` counts from 1. Empty: nobody, or there is
// no such rota or level.
std::vector<std::string> PeopleOnCall(const v1::Directory& directory, absl::string_view role,
                                      uint32_t level, absl::Time at);

// All levels, each with when it changes next: absent if it doesn't within a year.
std::vector<v1::OnCallLevel> OnCall(const v1::Directory& directory, absl::string_view role,
                                    absl::Time at);

// A moment at which a level has nobody.
struct RotaHole {
  uint32_t level = 0;
  absl::Time at;
};

// The first of the eight days from `now` on, and of the days around each change of the clocks in
// the year from then on. Overrides may fill no hole: they can be taken away. Nothing: there is
// none.
std::optional<RotaHole> FirstHole(const v1::Rota& rota, absl::Time now);

}  // namespace porchlight
