// Duties as people are shown them: when each is due, by what law, whether it was met and by what
// evidence. Pure; from the same case and pack as the alerts.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

enum class DutiesShown {
  kOpen,        // still to be done
  kApplicable,  // also those met and ended
  kAll,
};

// Of one episode; none before intake told of it.
std::vector<v1::DutyStatus> DutyStatusesOf(const v1::WatchedEpisode& episode,
                                           const v1::Directory& directory, DutiesShown shown,
                                           absl::Time now);

// The soonest first; those without a time last.
void SortByDue(std::vector<v1::DutyStatus>& duties);

}  // namespace porchlight
