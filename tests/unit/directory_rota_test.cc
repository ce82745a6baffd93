// Who is on call: tables of turns, hours and overrides, and every minute over both changes of the
// clocks, where each shift has exactly one turn-holder and hands over exactly when it should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "absl/strings/str_join.h"
#include "common/base/time.h"
#include "common/directory/rota.h"
#include "tests/support/directory.h"

namespace porchlight::directory_rota_test {
namespace {

using ::testing::ElementsAre;

// The clock of Chicago: it skips 02:00 to 03:00 on 8 March 2026, and shows 01:00 to 02:00 twice on
// 1 November.
absl::Time At(absl::string_view text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << text << error;
  return time;
}

struct Row {
  const char* sentence;
  std::function<void(v1::RotaShift&)> shift;
  const char* at;
  const char* people;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.sentence; }

class RotaTable : public ::testing::TestWithParam<Row> {};

TEST_P(RotaTable, SaysWhoIsOnCall) {
  v1::RotaShift shift = TestShift({"ann", "ben"}, "2026-01-05", 7, 8 * 60);
  GetParam().shift(shift);
  const v1::Directory directory = DirectoryOf(TestRota("desk", {{shift}}));
  EXPECT_EQ(absl::StrJoin(PeopleOnCall(directory, "desk", 1, At(GetParam().at)), ","),
            GetParam().people);
}

const auto kAsItIs = [](v1::RotaShift&) {};
const auto kNights = [](v1::RotaShift& shift) {
  shift.set_from_minute(20 * 60);
  shift.set_to_minute(6 * 60);
};
const auto kFridayNights = [](v1::RotaShift& shift) {
  kNights(shift);
  shift.add_weekdays(5);
};

INSTANTIATE_TEST_SUITE_P(
    Turns, RotaTable,
    ::testing::Values(
        Row{"nobody before the first turn", kAsItIs, "2026-01-05T07:59:00-06:00", ""},
        Row{"the first one from the hand-off on", kAsItIs, "2026-01-05T08:00:00-06:00", "ann"},
        Row{"the first one until the next hand-off", kAsItIs, "2026-01-12T07:59:59-06:00", "ann"},
        Row{"then the second", kAsItIs, "2026-01-12T08:00:00-06:00", "ben"},
        Row{"then the first again", kAsItIs, "2026-01-19T08:00:00-06:00", "ann"},
        Row{"by the clock, in summer too", kAsItIs, "2026-07-06T08:00:00-05:00", "ann"},
        Row{"a second before it, in summer too", kAsItIs, "2026-07-06T07:59:59-05:00", "ben"},
        Row{"years later", kAsItIs, "2036-01-07T08:00:00-06:00", "ann"},
        Row{"a hand-off that the clocks skip is when they skip it",
            [](v1::RotaShift& shift) {
              shift.set_turn_days(1);
              shift.set_hand_off_minute(150);
            },
            "2026-03-08T03:00:00-05:00", "ann"},
        Row{"and not a second before",
            [](v1::RotaShift& shift) {
              shift.set_turn_days(1);
              shift.set_hand_off_minute(150);
            },
            "2026-03-08T01:59:59-06:00", "ben"},
        Row{"a hand-off that the clocks show twice is the first",
            [](v1::RotaShift& shift) {
              shift.set_turn_days(1);
              shift.set_hand_off_minute(90);
            },
            "2026-11-01T01:30:00-05:00", "ann"},
        Row{"and isn't taken back at the second",
            [](v1::RotaShift& shift) {
              shift.set_turn_days(1);
              shift.set_hand_off_minute(90);
            },
            "2026-11-01T01:29:00-06:00", "ann"}));

INSTANTIATE_TEST_SUITE_P(
    Hours, RotaTable,
    ::testing::Values(
        Row{"within hours over midnight, in the evening", kNights, "2026-01-06T20:00:00-06:00",
            "ann"},
        Row{"within them after midnight", kNights, "2026-01-07T05:59:59-06:00", "ann"},
        Row{"not at their end", kNights, "2026-01-07T06:00:00-06:00", ""},
        Row{"not before them", kNights, "2026-01-06T19:59:59-06:00", ""},
        Row{"a Friday's night is also Saturday's morning", kFridayNights,
            "2026-01-10T05:00:00-06:00", "ann"},
        Row{"but Friday's own morning is not", kFridayNights, "2026-01-09T05:00:00-06:00", ""},
        Row{"the same time at both ends is a whole day",
            [](v1::RotaShift& shift) {
              shift.set_from_minute(480);
              shift.set_to_minute(480);
            },
            "2026-01-07T07:59:00-06:00", "ann"},
        Row{"only on its days", [](v1::RotaShift& shift) { shift.add_weekdays(3); },
            "2026-01-07T00:00:00-06:00", "ann"},
        Row{"and not on the next", [](v1::RotaShift& shift) { shift.add_weekdays(3); },
            "2026-01-08T00:00:00-06:00", ""},
        Row{"hours that the clocks skip whole have nobody",
            [](v1::RotaShift& shift) {
              shift.set_from_minute(130);
              shift.set_to_minute(160);
            },
            "2026-03-08T03:00:00-05:00", ""}));

// Every minute of the days around a change, by several clocks.
TEST(Rota, EveryMinuteOverBothChangesOfTheClocksHasOneTurnHolder) {
  struct Clock {
    const char* zone;
    const char* from;
  };
  for (const Clock& clock : {Clock{"America/Chicago", "2026-03-06T00:00:00-06:00"},
                             Clock{"America/Chicago", "2026-10-30T00:00:00-05:00"},
                             Clock{"America/Los_Angeles", "2026-03-06T00:00:00-08:00"},
                             Clock{"America/Havana", "2026-03-06T00:00:00-05:00"},
                             Clock{"America/Phoenix", "2026-03-06T00:00:00-07:00"}}) {
    for (const uint32_t hand_off : {0u, 30u, 90u, 120u, 150u, 180u, 480u, 1439u}) {
      v1::Rota rota =
          TestRota("desk", {{TestShift({"ann", "ben", "cy"}, "2026-01-01", 1, hand_off)}});
      rota.set_time_zone(clock.zone);
      const v1::Directory directory = DirectoryOf(rota);
      std::vector<std::string> before;
      int hand_offs = 0;
      absl::TimeZone zone;
      ASSERT_TRUE(absl::LoadTimeZone(clock.zone, &zone));
      const absl::Time from = At(clock.from);
      const absl::Time end = absl::FromCivil(absl::ToCivilDay(from, zone) + 5, zone);
      for (absl::Time at = from; at < end; at += absl::Minutes(1)) {
        const std::vector<std::string> now = PeopleOnCall(directory, "desk", 1, at);
        ASSERT_EQ(now.size(), 1u) << clock.zone << " " << at;
        if (!before.empty() && now != before) ++hand_offs;
        before = now;
      }
      // The one at midnight of the first day isn't seen as a change.
      EXPECT_EQ(hand_offs, hand_off == 0 ? 4 : 5) << clock.zone << " from " << clock.from << ", at "
                                                  << hand_off << " minutes after midnight";
    }
  }
}

// When the clock first shows `minute` of this day, or jumps over it.
absl::Time FirstShown(absl::CivilDay day, uint32_t minute, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo shown =
      zone.At(absl::CivilSecond(absl::CivilMinute(day) + static_cast<int>(minute)));
  return shown.kind == absl::TimeZone::TimeInfo::SKIPPED ? shown.trans : shown.pre;
}

// Who has the turn at every minute is whoever's day it is by the clock on the wall.
TEST(Rota, EveryMinuteOverBothChangesOfTheClocksIsOfWhoseTurnItIs) {
  const std::vector<std::string> people = {"ann", "ben", "cy"};
  const absl::CivilDay starts(2026, 1, 1);
  for (const char* name : {"America/Chicago", "America/Los_Angeles", "Australia/Lord_Howe"}) {
    absl::TimeZone zone;
    ASSERT_TRUE(absl::LoadTimeZone(name, &zone));
    for (const uint32_t hand_off : {0u, 60u, 90u, 120u, 150u, 480u}) {
      v1::Rota rota = TestRota("desk", {{TestShift(people, "2026-01-01", 1, hand_off)}});
      rota.set_time_zone(name);
      const v1::Directory directory = DirectoryOf(rota);
      for (const absl::CivilDay around :
           {absl::CivilDay(2026, 3, 8), absl::CivilDay(2026, 11, 1), absl::CivilDay(2026, 4, 5),
            absl::CivilDay(2026, 10, 4)}) {
        for (absl::CivilDay day = around - 1; day <= around + 1; ++day) {
          const std::string& whose = people[static_cast<size_t>(day - starts) % people.size()];
          const absl::Time until = FirstShown(day + 1, hand_off, zone);
          for (absl::Time at = FirstShown(day, hand_off, zone); at < until; at += absl::Minutes(1))
            ASSERT_THAT(PeopleOnCall(directory, "desk", 1, at), ElementsAre(whose))
                << absl::FormatTime(at, zone) << ", hand-off " << hand_off;
        }
      }
    }
  }
}

// Two shifts that share the day at times which the clocks skip or show twice.
TEST(Rota, TwoShiftsThatShareTheDayNeverOverlapNorLeaveAHole) {
  for (const uint32_t edge : {60u, 90u, 120u, 150u, 180u}) {
    v1::RotaShift night = TestShift({"ann"}, "2026-01-01", 1, 0);
    night.set_from_minute(1200);
    night.set_to_minute(edge);
    v1::RotaShift day = TestShift({"ben"}, "2026-01-01", 1, 0);
    day.set_from_minute(edge);
    day.set_to_minute(1200);
    const v1::Directory directory = DirectoryOf(TestRota("desk", {{night, day}}));
    for (const char* start : {"2026-03-07T00:00:00-06:00", "2026-10-31T00:00:00-05:00"}) {
      int changes = 0;
      std::vector<std::string> before;
      for (absl::Time at = At(start); at < At(start) + absl::Hours(48); at += absl::Minutes(1)) {
        const std::vector<std::string> now = PeopleOnCall(directory, "desk", 1, at);
        ASSERT_EQ(now.size(), 1u) << at;
        if (!before.empty() && now != before) ++changes;
        before = now;
      }
      EXPECT_EQ(changes, 4) << edge << " from " << start;
    }
  }
}

TEST(Rota, SaysWhenItChangesNext) {
  v1::Directory directory =
      DirectoryOf(TestRota("desk", {{TestShift({"ann", "ben"}, "2026-01-05", 7, 480)},
                                    {TestShift({"cy"}, "2026-01-05", 7, 480)}}));
  std::vector<v1::OnCallLevel> levels = OnCall(directory, "desk", At("2026-01-06T00:00:00-06:00"));
  ASSERT_EQ(levels.size(), 2u);
  EXPECT_THAT(levels[0].person_ids(), ElementsAre("ann"));
  EXPECT_EQ(FromProto(levels[0].until()), At("2026-01-12T08:00:00-06:00"));
  EXPECT_THAT(levels[1].person_ids(), ElementsAre("cy"));
  EXPECT_FALSE(levels[1].has_until()) << "cy takes over from cy";

  *directory.add_overrides() =
      TestOverride("o-1", "desk", 1, "dee", At("2026-01-07T00:00:00-06:00"), absl::Hours(6));
  levels = OnCall(directory, "desk", At("2026-01-06T00:00:00-06:00"));
  EXPECT_EQ(FromProto(levels[0].until()), At("2026-01-07T00:00:00-06:00"));
  levels = OnCall(directory, "desk", At("2026-01-07T00:00:00-06:00"));
  EXPECT_THAT(levels[0].person_ids(), ElementsAre("dee"));
  EXPECT_EQ(FromProto(levels[0].until()), At("2026-01-07T06:00:00-06:00"));
}

TEST(Rota, TheNewestOverrideCountsAndOnlyForItsLevel) {
  v1::Directory directory =
      DirectoryOf(TestRota("desk", {{TestShift({"ann"}, "2026-01-05", 7, 0)},
                                    {TestShift({"ben"}, "2026-01-05", 7, 0)}}));
  const absl::Time noon = At("2026-01-07T12:00:00-06:00");
  *directory.add_overrides() = TestOverride("long", "desk", 1, "cy", noon, absl::Hours(10));
  *directory.add_overrides() =
      TestOverride("short", "desk", 1, "dee", noon + absl::Hours(1), absl::Hours(1));
  *directory.add_overrides() = TestOverride("other", "night", 1, "eve", noon, absl::Hours(10));
  const auto first = [&](absl::Duration after) {
    return absl::StrJoin(PeopleOnCall(directory, "desk", 1, noon + after), ",");
  };
  EXPECT_EQ(first(-absl::Seconds(1)), "ann");
  EXPECT_EQ(first(absl::ZeroDuration()), "cy");
  EXPECT_EQ(first(absl::Hours(1)), "dee");
  EXPECT_EQ(first(absl::Hours(2)), "cy");
  EXPECT_EQ(first(absl::Hours(10)), "ann");
  EXPECT_THAT(PeopleOnCall(directory, "desk", 2, noon), ElementsAre("ben"));
}

TEST(Rota, SomebodyInTwoShiftsIsOnCallOnce) {
  const v1::Directory directory = DirectoryOf(TestRota(
      "desk",
      {{TestShift({"ann"}, "2026-01-05", 7, 0), TestShift({"ben", "ann"}, "2026-01-05", 7, 0)}}));
  EXPECT_THAT(PeopleOnCall(directory, "desk", 1, At("2026-01-06T00:00:00-06:00")),
              ElementsAre("ann", "ben"));
  EXPECT_THAT(PeopleOnCall(directory, "desk", 1, At("2026-01-13T00:00:00-06:00")),
              ElementsAre("ann"));
}

TEST(Rota, NobodyIsOnCallOfWhatThereIsNot) {
  const v1::Directory directory =
      DirectoryOf(TestRota("desk", {{TestShift({"ann"}, "2026-01-05", 7, 0)}}));
  const absl::Time at = At("2026-01-06T00:00:00-06:00");
  EXPECT_TRUE(PeopleOnCall(directory, "night", 1, at).empty());
  EXPECT_TRUE(PeopleOnCall(directory, "desk", 0, at).empty());
  EXPECT_TRUE(PeopleOnCall(directory, "desk", 2, at).empty());
  EXPECT_TRUE(OnCall(directory, "night", at).empty());
}

TEST(Rota, FindsTheFirstHole) {
  const absl::Time now = At("2026-01-07T00:00:00-06:00");
  v1::RotaShift shift = TestShift({"ann"}, "2026-01-05", 7, 0);
  EXPECT_FALSE(FirstHole(TestRota("desk", {{shift}}), now).has_value());
  for (const uint32_t day : {1u, 2u, 3u, 4u, 5u, 7u}) shift.add_weekdays(day);
  const auto saturday = FirstHole(TestRota("desk", {{shift}}), now);
  ASSERT_TRUE(saturday.has_value());
  EXPECT_EQ(saturday->at, At("2026-01-10T00:00:00-06:00"));
  // Level by level, the soonest counts.
  v1::RotaShift morning = TestShift({"ben"}, "2026-01-05", 7, 0);
  morning.set_to_minute(720);
  const auto noon = FirstHole(TestRota("desk", {{shift}, {morning}}), now);
  ASSERT_TRUE(noon.has_value());
  EXPECT_EQ(noon->level, 2u);
  EXPECT_EQ(noon->at, now + absl::Hours(12));
}

// The days that differ are those on which the clocks change: what is whole today may not be then.
TEST(Rota, HoursThatMeetEachOtherHaveNoHoleOnTheDaysOfTheClocksToo) {
  v1::RotaShift early = TestShift({"ann"}, "2026-01-05", 7, 0);
  early.set_to_minute(150);
  v1::RotaShift late = TestShift({"ben"}, "2026-01-05", 7, 0);
  late.set_from_minute(150);
  EXPECT_FALSE(
      FirstHole(TestRota("desk", {{early, late}}), At("2026-01-07T00:00:00-06:00")).has_value());
  late.set_from_minute(151);
  EXPECT_EQ(FirstHole(TestRota("desk", {{early, late}}), At("2026-01-07T00:00:00-06:00"))->at,
            At("2026-01-07T02:30:00-06:00"));
}

}  // namespace
}  // namespace porchlight::directory_rota_test
