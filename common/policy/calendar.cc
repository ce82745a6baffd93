#include "common/policy/calendar.h"

#include <algorithm>

namespace porchlight {
namespace {

constexpr uint32_t kMinutesPerDay = 24 * 60;

bool IsWeekend(absl::CivilDay day) {
  const absl::Weekday weekday = absl::GetWeekday(day);
  return weekday == absl::Weekday::saturday || weekday == absl::Weekday::sunday;
}

absl::Weekday WeekdayOf(uint32_t one_is_monday) {
  constexpr absl::Weekday kWeekdays[] = {absl::Weekday::monday,    absl::Weekday::tuesday,
                                         absl::Weekday::wednesday, absl::Weekday::thursday,
                                         absl::Weekday::friday,    absl::Weekday::saturday,
                                         absl::Weekday::sunday};
  return kWeekdays[(one_is_monday + 6) % 7];
}

// The day in that year, as the calendar has it and not as it is observed.
absl::CivilDay DayIn(const v1::PolicyHoliday& holiday, absl::civil_year_t year) {
  const absl::CivilMonth month(year, static_cast<int>(holiday.month()));
  if (holiday.day() != 0) return absl::CivilDay(month) + holiday.day() - 1 + holiday.plus_days();
  const absl::Weekday weekday = WeekdayOf(holiday.weekday());
  if (holiday.nth() < 0) {
    return absl::PrevWeekday(absl::CivilDay(month + 1), weekday) + holiday.plus_days();
  }
  const absl::CivilDay first = absl::NextWeekday(absl::CivilDay(month) - 1, weekday);
  return first + 7 * (holiday.nth() - 1) + holiday.plus_days();
}

absl::CivilDay Observed(absl::CivilDay day) {
  if (absl::GetWeekday(day) == absl::Weekday::saturday) return day - 1;
  if (absl::GetWeekday(day) == absl::Weekday::sunday) return day + 1;
  return day;
}

absl::CivilSecond AddMonths(absl::CivilSecond local, int months) {
  const absl::CivilMonth month = absl::CivilMonth(local) + months;
  const int days = static_cast<int>(absl::CivilDay(month + 1) - absl::CivilDay(month));
  return absl::CivilSecond(month.year(), month.month(), std::min(local.day(), days), local.hour(),
                           local.minute(), local.second());
}

absl::CivilSecond AddDays(absl::CivilSecond local, int days) {
  const absl::CivilDay day = absl::CivilDay(local) + days;
  return absl::CivilSecond(day.year(), day.month(), day.day(), local.hour(), local.minute(),
                           local.second());
}

absl::CivilSecond AtMinute(absl::CivilDay day, int minute) {
  return absl::CivilSecond(day.year(), day.month(), day.day(), minute / 60, minute % 60, 0);
}

}  // namespace

Calendar::Calendar(const v1::PolicyPack& pack)
    : holidays_(pack.holidays().begin(), pack.holidays().end()),
      business_day_ends_minute_(static_cast<int>(pack.business_day_ends_minute() % kMinutesPerDay)),
      immediately_minutes_(static_cast<int>(pack.immediately_minutes())) {
  if (!absl::LoadTimeZone(pack.time_zone(), &zone_)) zone_ = absl::UTCTimeZone();
}

absl::Time Calendar::At(absl::CivilSecond local) const {
  const absl::TimeZone::TimeInfo info = zone_.At(local);
  // A time that the clock skips: the moment of the change, the first that is not before it.
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

bool Calendar::IsHoliday(absl::CivilDay day) const {
  return std::any_of(holidays_.begin(), holidays_.end(), [&](const v1::PolicyHoliday& holiday) {
    // Around the new year one may be observed in another year: a day before, or, with plus_days (at
    // most 7), eight days after.
    for (absl::civil_year_t year = (day - 8).year(); year <= (day + 1).year(); ++year) {
      if (holiday.year() != 0 && holiday.year() != year) continue;
      const absl::CivilDay is = DayIn(holiday, year);
      if (day == is) return true;
      if (holiday.observed_on_nearest_weekday() && day == Observed(is)) return true;
    }
    return false;
  });
}

bool Calendar::IsBusinessDay(absl::CivilDay day) const {
  return !IsWeekend(day) && !IsHoliday(day);
}

absl::Time Calendar::After(absl::Time from, const v1::PolicyWindow& window) const {
  return After(from, window, 1);
}

absl::Time Calendar::After(absl::Time from, const v1::PolicyWindow& window, int times) const {
  const int count = static_cast<int>(window.count()) * times;
  const absl::TimeZone::CivilInfo local = zone_.At(from);
  switch (window.unit()) {
    case v1::WINDOW_UNIT_MINUTES:
      return from + absl::Minutes(count);
    case v1::WINDOW_UNIT_HOURS:
      return from + absl::Hours(count);
    case v1::WINDOW_UNIT_DAYS:
      return At(AddDays(local.cs, count)) + local.subsecond;
    case v1::WINDOW_UNIT_MONTHS:
      return At(AddMonths(local.cs, count)) + local.subsecond;
    case v1::WINDOW_UNIT_BUSINESS_DAYS: {
      absl::CivilDay day(local.cs);
      for (int left = count; left > 0;) {
        if (IsBusinessDay(++day)) --left;
      }
      return At(AtMinute(day, business_day_ends_minute_));
    }
    case v1::WINDOW_UNIT_NEXT_LOCAL_TIME: {
      absl::CivilDay day(local.cs);
      const int minute = static_cast<int>(window.local_minute());
      if (At(AtMinute(day, minute)) <= from) ++day;
      return At(AtMinute(day + (times - 1), minute));
    }
    default:  // immediately; and a unit of a later version, which is not to earn any wait
      return from + absl::Minutes(immediately_minutes_ * times);
  }
}

absl::Time Calendar::Before(absl::Time until, const v1::PolicyWindow& window) const {
  const int count = static_cast<int>(window.count());
  const absl::TimeZone::CivilInfo local = zone_.At(until);
  switch (window.unit()) {
    case v1::WINDOW_UNIT_MINUTES:
      return until - absl::Minutes(count);
    case v1::WINDOW_UNIT_HOURS:
      return until - absl::Hours(count);
    case v1::WINDOW_UNIT_DAYS:
      return At(AddDays(local.cs, -count)) + local.subsecond;
    case v1::WINDOW_UNIT_MONTHS:
      return At(AddMonths(local.cs, -count)) + local.subsecond;
    case v1::WINDOW_UNIT_BUSINESS_DAYS: {
      absl::CivilDay day(local.cs);
      for (int left = count; left > 0;) {
        if (IsBusinessDay(--day)) --left;
      }
      return At(AddDays(local.cs, static_cast<int>(day - absl::CivilDay(local.cs)))) +
             local.subsecond;
    }
    default:
      return until;
  }
}

int Calendar::AgeAt(absl::CivilDay birth_date, absl::Time at) const {
  const absl::CivilDay today(zone_.At(at).cs);
  const bool before_birthday =
      today.month() < birth_date.month() ||
      (today.month() == birth_date.month() && today.day() < birth_date.day());
  return static_cast<int>(today.year() - birth_date.year()) - (before_birthday ? 1 : 0);
}

}  // namespace porchlight
