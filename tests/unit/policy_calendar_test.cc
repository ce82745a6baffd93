// Windows on a jurisdiction's calendar: in tables, and from every minute around both changes of the
// clock, in zones with a change of an hour, of half an hour and of none.
#include <gtest/gtest.h>

#include "common/policy/calendar.h"
#include "common/policy/loader.h"
#include "common/policy/window_text.h"

namespace porchlight::policy_calendar_test {
namespace {

v1::PolicyPack PackIn(const std::string& zone) {
  static const auto& packs = *new PackSet(*LoadPacks({}));
  v1::PolicyPack pack = *packs.Find("us");
  pack.set_time_zone(zone);
  return pack;
}

absl::TimeZone Zone(const std::string& name) {
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(name, &zone)) << name;
  return zone;
}

v1::PolicyWindow Window(const std::string& text) {
  v1::PolicyWindow window;
  EXPECT_TRUE(ParseWindow(text, window)) << text;
  return window;
}

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << text << error;
  return time;
}

struct WindowRow {
  const char* window;
  const char* from;
  const char* until;
  friend std::ostream& operator<<(std::ostream& out, const WindowRow& row) {
    return out << row.window << " from " << row.from << " is until " << row.until;
  }
};

class Windows : public ::testing::TestWithParam<WindowRow> {};

TEST_P(Windows, EndWhenTheClockSaysSo) {
  const Calendar calendar(PackIn("America/Chicago"));
  EXPECT_EQ(calendar.After(At(GetParam().from), Window(GetParam().window)), At(GetParam().until));
}

INSTANTIATE_TEST_SUITE_P(
    Chicago, Windows,
    ::testing::Values(
        WindowRow{"24 hours", "2026-11-22T02:10:00-06:00", "2026-11-23T02:10:00-06:00"},
        WindowRow{"90 minutes", "2026-11-22T02:10:00-06:00", "2026-11-22T03:40:00-06:00"},
        WindowRow{"immediately", "2026-11-22T02:10:00-06:00", "2026-11-22T02:40:00-06:00"},
        // 24 hours are 24 hours, also on the days of 23 and of 25; a day is a day.
        WindowRow{"24 hours", "2026-03-07T12:00:00-06:00", "2026-03-08T13:00:00-05:00"},
        WindowRow{"1 day", "2026-03-07T12:00:00-06:00", "2026-03-08T12:00:00-05:00"},
        WindowRow{"24 hours", "2026-10-31T12:00:00-05:00", "2026-11-01T11:00:00-06:00"},
        WindowRow{"1 day", "2026-10-31T12:00:00-05:00", "2026-11-01T12:00:00-06:00"},
        // 02:30 is skipped: the moment of the change. 01:30 comes twice: the first.
        WindowRow{"1 day", "2026-03-07T02:30:00-06:00", "2026-03-08T03:00:00-05:00"},
        WindowRow{"1 day", "2026-10-31T01:30:00-05:00", "2026-11-01T01:30:00-05:00"},
        WindowRow{"next 06:00", "2026-11-22T05:59:59-06:00", "2026-11-22T06:00:00-06:00"},
        WindowRow{"next 06:00", "2026-11-22T06:00:00-06:00", "2026-11-23T06:00:00-06:00"},
        WindowRow{"next 02:30", "2026-03-08T01:00:00-06:00", "2026-03-08T03:00:00-05:00"},
        WindowRow{"next 01:30", "2026-11-01T01:45:00-05:00", "2026-11-02T01:30:00-06:00"},
        // Months keep their day, or take the month's last.
        WindowRow{"1 month", "2026-01-31T10:00:00-06:00", "2026-02-28T10:00:00-06:00"},
        WindowRow{"1 month", "2028-01-31T10:00:00-06:00", "2028-02-29T10:00:00-06:00"},
        WindowRow{"3 months", "2026-11-30T10:00:00-06:00", "2027-02-28T10:00:00-06:00"},
        WindowRow{"2 weeks", "2026-11-22T10:00:00-06:00", "2026-12-06T10:00:00-06:00"},
        // A business day begins after the day of the event and ends at 17:00.
        WindowRow{"1 business day", "2026-11-20T09:00:00-06:00", "2026-11-23T17:00:00-06:00"},
        WindowRow{"1 business day", "2026-11-22T02:10:00-06:00", "2026-11-23T17:00:00-06:00"},
        WindowRow{"1 business day", "2026-11-23T23:59:00-06:00", "2026-11-24T17:00:00-06:00"},
        WindowRow{"1 business day", "2026-11-25T09:00:00-06:00", "2026-11-27T17:00:00-06:00"},
        WindowRow{"3 business days", "2026-11-25T09:00:00-06:00", "2026-12-01T17:00:00-06:00"},
        // Over both changes of the clock.
        WindowRow{"1 business day", "2026-03-06T12:00:00-06:00", "2026-03-09T17:00:00-05:00"},
        WindowRow{"1 business day", "2026-10-30T12:00:00-05:00", "2026-11-02T17:00:00-06:00"}));

struct HolidayRow {
  absl::CivilDay day;
  bool is;
  const char* why;
  friend std::ostream& operator<<(std::ostream& out, const HolidayRow& row) {
    return out << absl::FormatCivilTime(row.day) << ": " << row.why;
  }
};

class Holidays : public ::testing::TestWithParam<HolidayRow> {};

TEST_P(Holidays, AreWhereTheLawPutsThem) {
  EXPECT_EQ(Calendar(PackIn("America/Chicago")).IsHoliday(GetParam().day), GetParam().is);
}

INSTANTIATE_TEST_SUITE_P(
    Federal, Holidays,
    ::testing::Values(
        HolidayRow{absl::CivilDay(2026, 1, 19), true, "third Monday of January"},
        HolidayRow{absl::CivilDay(2026, 1, 12), false, "second Monday of January"},
        HolidayRow{absl::CivilDay(2026, 5, 25), true, "last Monday of May"},
        HolidayRow{absl::CivilDay(2027, 5, 31), true, "last Monday of a May with five"},
        HolidayRow{absl::CivilDay(2026, 11, 26), true, "fourth Thursday of November"},
        HolidayRow{absl::CivilDay(2026, 11, 27), false, "the day after, not a federal one"},
        HolidayRow{absl::CivilDay(2026, 7, 4), true, "a Saturday"},
        HolidayRow{absl::CivilDay(2026, 7, 3), true, "observed on the Friday before"},
        HolidayRow{absl::CivilDay(2027, 7, 5), true, "observed on the Monday after a Sunday"},
        HolidayRow{absl::CivilDay(2027, 12, 31), true, "New Year's Day of 2028, observed before"},
        HolidayRow{absl::CivilDay(2026, 12, 31), false, "New Year's Day of 2027 is a Friday"},
        HolidayRow{absl::CivilDay(2026, 6, 19), true, "a Friday"},
        HolidayRow{absl::CivilDay(2026, 11, 22), false, "a Sunday without a name"}));

TEST(Calendars, KnowExplicitDatesAndDaysAfter) {
  v1::PolicyPack pack = PackIn("America/Chicago");
  v1::PolicyHoliday& once = *pack.add_holidays();
  once.set_year(2026);
  once.set_month(8);
  once.set_day(14);
  v1::PolicyHoliday& after = *pack.add_holidays();
  after.set_month(11);
  after.set_weekday(4);
  after.set_nth(4);
  after.set_plus_days(1);
  const Calendar calendar(pack);
  EXPECT_TRUE(calendar.IsHoliday(absl::CivilDay(2026, 8, 14)));
  EXPECT_FALSE(calendar.IsHoliday(absl::CivilDay(2027, 8, 13)));
  EXPECT_FALSE(calendar.IsHoliday(absl::CivilDay(2025, 8, 14)));
  EXPECT_TRUE(calendar.IsHoliday(absl::CivilDay(2026, 11, 27)));
  EXPECT_FALSE(calendar.IsBusinessDay(absl::CivilDay(2026, 11, 27)));
  EXPECT_TRUE(calendar.IsBusinessDay(absl::CivilDay(2026, 11, 25)));
}

struct ChangeRow {
  const char* zone;
  absl::CivilDay change;
  friend std::ostream& operator<<(std::ostream& out, const ChangeRow& row) {
    return out << row.zone << " around " << absl::FormatCivilTime(row.change);
  }
};

class ClockChanges : public ::testing::TestWithParam<ChangeRow> {};

TEST_P(ClockChanges, MoveNoWindowFromAnyMinuteAround) {
  const absl::TimeZone zone = Zone(GetParam().zone);
  const Calendar calendar(PackIn(GetParam().zone));
  const v1::PolicyWindow day = Window("1 day");
  const v1::PolicyWindow hours = Window("24 hours");
  const v1::PolicyWindow business = Window("2 business days");
  const v1::PolicyWindow morning = Window("next 06:00");
  const absl::Time until = absl::FromCivil(GetParam().change + 2, zone);
  absl::Time before = absl::InfinitePast();
  for (absl::Time at = absl::FromCivil(GetParam().change - 2, zone); at < until;
       at += absl::Minutes(1)) {
    ASSERT_EQ(calendar.After(at, hours) - at, absl::Hours(24)) << absl::FormatTime(at, zone);
    const absl::Time next_day = calendar.After(at, day);
    ASSERT_GE(next_day - at, absl::Hours(23)) << absl::FormatTime(at, zone);
    ASSERT_LE(next_day - at, absl::Hours(25)) << absl::FormatTime(at, zone);
    ASSERT_EQ(absl::CivilDay(zone.At(next_day).cs), absl::CivilDay(zone.At(at).cs) + 1)
        << absl::FormatTime(at, zone);
    const absl::Time second = calendar.After(at, business);
    ASSERT_EQ(zone.At(second).cs.hour(), 17) << absl::FormatTime(at, zone);
    ASSERT_TRUE(calendar.IsBusinessDay(absl::CivilDay(zone.At(second).cs)))
        << absl::FormatTime(at, zone);
    ASSERT_GT(second, at + absl::Hours(23)) << absl::FormatTime(at, zone);
    // What begins later is never due sooner.
    ASSERT_GE(second, before) << absl::FormatTime(at, zone);
    before = second;
    const absl::Time six = calendar.After(at, morning);
    ASSERT_EQ(zone.At(six).cs.hour(), 6) << absl::FormatTime(at, zone);
    ASSERT_GT(six, at) << absl::FormatTime(at, zone);
    ASSERT_LE(six - at, absl::Hours(25)) << absl::FormatTime(at, zone);
  }
}

INSTANTIATE_TEST_SUITE_P(
    BothOfAYear, ClockChanges,
    ::testing::Values(ChangeRow{"America/Chicago", absl::CivilDay(2026, 3, 8)},
                      ChangeRow{"America/Chicago", absl::CivilDay(2026, 11, 1)},
                      ChangeRow{"America/Los_Angeles", absl::CivilDay(2026, 3, 8)},
                      ChangeRow{"America/Los_Angeles", absl::CivilDay(2026, 11, 1)},
                      ChangeRow{"America/Phoenix", absl::CivilDay(2026, 3, 8)},
                      ChangeRow{"Australia/Lord_Howe", absl::CivilDay(2026, 4, 5)},
                      ChangeRow{"Australia/Lord_Howe", absl::CivilDay(2026, 10, 4)}));

TEST(Calendars, CountTheSameDayOverMonthsThatAreShorter) {
  const Calendar calendar(PackIn("America/Chicago"));
  const absl::Time from = At("2026-01-31T10:00:00-06:00");
  EXPECT_EQ(calendar.After(from, Window("1 month"), 2), At("2026-03-31T10:00:00-05:00"));
  EXPECT_EQ(calendar.After(from, Window("1 month"), 12), At("2027-01-31T10:00:00-06:00"));
}

TEST(Calendars, GoBackAsFar) {
  const Calendar calendar(PackIn("America/Chicago"));
  const absl::Time due = At("2026-11-30T17:00:00-06:00");
  EXPECT_EQ(calendar.Before(due, Window("4 hours")), At("2026-11-30T13:00:00-06:00"));
  EXPECT_EQ(calendar.Before(due, Window("3 days")), At("2026-11-27T17:00:00-06:00"));
  EXPECT_EQ(calendar.Before(due, Window("2 business days")), At("2026-11-25T17:00:00-06:00"));
}

TEST(Calendars, KnowAges) {
  const Calendar calendar(PackIn("America/Chicago"));
  const absl::CivilDay born(2013, 11, 22);
  EXPECT_EQ(calendar.AgeAt(born, At("2026-11-21T23:59:59-06:00")), 12);
  EXPECT_EQ(calendar.AgeAt(born, At("2026-11-22T00:00:00-06:00")), 13);
  EXPECT_EQ(calendar.AgeAt(absl::CivilDay(2012, 2, 29), At("2026-02-28T12:00:00-06:00")), 13);
  EXPECT_EQ(calendar.AgeAt(absl::CivilDay(2012, 2, 29), At("2026-03-01T12:00:00-06:00")), 14);
}

TEST(WindowWords, AreReadAndWrittenAlike) {
  for (const char* text : {"immediately", "30 minutes", "1 hour", "24 hours", "1 day", "14 days",
                           "1 business day", "2 business days", "3 months", "next 06:00"}) {
    EXPECT_EQ(ToText(Window(text)), text);
  }
  for (const char* text : {"24 hours from received", "4 hours from suspected else received",
                           "1 business day from done police", "next 06:00 from received"}) {
    v1::PolicyLimit limit;
    ASSERT_TRUE(ParseLimit(text, limit)) << text;
    EXPECT_EQ(ToText(limit), text);
  }
  for (const char* text : {"", "24", "hours", "0 hours", "-1 hours", "24hours", "24 hour s",
                           "1e9 hours", "99999999 hours", "next 24:00", "next 6:00", "soon"}) {
    v1::PolicyWindow window;
    EXPECT_FALSE(ParseWindow(text, window)) << text;
  }
  for (const char* text : {"24 hours", "24 hours from", "24 hours from nowhere", "from received",
                           "24 hours from received else", "24 hours from done ",
                           "24 hours from done a b", "24 hours  from received"}) {
    v1::PolicyLimit limit;
    EXPECT_FALSE(ParseLimit(text, limit)) << text;
  }
}

}  // namespace
}  // namespace porchlight::policy_calendar_test
