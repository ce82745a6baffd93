// Windows of time on one jurisdiction's calendar: days of 23 and 25 hours, business days, holidays.
// Pure. Never later than the law could mean: of two instants that a clock shows twice, the first.
#pragma once

#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

class Calendar {
 public:
  // A time zone that this machine doesn't know counts as UTC.
  explicit Calendar(const v1::PolicyPack& pack);

  // The end of a window that begins at `from`.
  absl::Time After(absl::Time from, const v1::PolicyWindow& window) const;
  // The end of the `times`-th such window, one after the other: no day of a month is lost on the
  // way (31 January, 28 February, 31 March).
  absl::Time After(absl::Time from, const v1::PolicyWindow& window, int times) const;
  // The start of a window that ends at `until`. Of business days: that many before, same time.
  absl::Time Before(absl::Time until, const v1::PolicyWindow& window) const;

  bool IsBusinessDay(absl::CivilDay day) const;
  bool IsHoliday(absl::CivilDay day) const;
  // In whole years on that local day.
  int AgeAt(absl::CivilDay birth_date, absl::Time at) const;
  const absl::TimeZone& zone() const { return zone_; }

 private:
  absl::Time At(absl::CivilSecond local) const;

  absl::TimeZone zone_;
  std::vector<v1::PolicyHoliday> holidays_;
  int business_day_ends_minute_;
  int immediately_minutes_;
};

}  // namespace porchlight
