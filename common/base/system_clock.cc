#include <ctime>

#include "common/base/clock.h"

namespace porchlight {

absl::Time SystemClock::Now() const {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return absl::TimeFromTimespec(now);
}

absl::Duration SystemClock::Steady() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return absl::DurationFromTimespec(now);
}

}  // namespace porchlight
