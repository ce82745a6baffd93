// What the sweep takes to be watched, and what not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/sweep.h"
#include "tests/support/oncall_desk.h"

namespace porchlight::oncall_sweep_test {
namespace {

using ::testing::HasSubstr;

// A youth with one duty, due after two hours, and one page that climbs.
class SweepTest : public ::testing::Test {
 protected:
  SweepTest()
      : desk_(DeskDirectory({DeskRule("wake", v1::POLICY_TRIGGER_MISSING, v1::DUTY_ACTION_PAGE, 15,
                                      v1::EVIDENCE_KIND_ACKNOWLEDGEMENT),
                             DeskRule("search", v1::POLICY_TRIGGER_MISSING, v1::DUTY_ACTION_SEARCH,
                                      120, v1::EVIDENCE_KIND_SEARCH_LOG)})) {
    desk_.Opened();
  }

  YouthVerdict Verdict(absl::Duration later = absl::ZeroDuration()) {
    std::vector<v1::Timer> timers;
    for (const auto& [timer_id, timer] : desk_.timers) timers.push_back(timer);
    return Judge(desk_.state, timers, desk_.directory, desk_.now + later);
  }
  v1::Timer& TimerOf(const std::string& timer_id) { return desk_.timers.at(timer_id); }

  OncallDesk desk_;
};

TEST_F(SweepTest, AllThatIsOpenHasItsTimer) {
  EXPECT_EQ(Verdict().wrong, "");
  desk_.Advance(absl::Hours(5));
  EXPECT_EQ(Verdict().wrong, "");
}

TEST_F(SweepTest, WhatIsPastItsTimeAndNotMetIsCounted) {
  EXPECT_EQ(Overdue(desk_.state, desk_.directory, desk_.now), 0);
  EXPECT_EQ(Overdue(desk_.state, desk_.directory, desk_.now + absl::Minutes(30)), 1);
  EXPECT_EQ(Overdue(desk_.state, desk_.directory, desk_.now + absl::Hours(3)), 2);
}

TEST_F(SweepTest, ADutyWithoutATimerIsNotWatched) {
  desk_.timers.erase(LookTimer(kDeskEpisode));
  EXPECT_THAT(Verdict().wrong, HasSubstr("duty"));
  EXPECT_TRUE(Verdict().look_again);
}

TEST_F(SweepTest, ATimerThatIsSetTooLateIsNone) {
  v1::Timer& timer = TimerOf(LookTimer(kDeskEpisode));
  *timer.mutable_due_at() = ToProto(FromProto(timer.due_at()) + absl::Seconds(10));
  EXPECT_EQ(Verdict().wrong, "");
  *timer.mutable_due_at() = ToProto(FromProto(timer.due_at()) + absl::Seconds(1));
  EXPECT_THAT(Verdict().wrong, HasSubstr("duty"));
}

TEST_F(SweepTest, AnAlertThatWouldNotClimbIsNotWatched) {
  desk_.timers.erase(PageTimer("youth-1_a1"));
  EXPECT_THAT(Verdict().wrong, HasSubstr("alert"));
  desk_.Acknowledge("youth-1_a1", "first");
  EXPECT_EQ(Verdict().wrong, "");
}

TEST_F(SweepTest, ATimerThatDoesNotFireIsNoticedAfterAQuarterOfAMinute) {
  EXPECT_EQ(Verdict(absl::Minutes(10) + absl::Seconds(15)).wrong, "");
  EXPECT_THAT(Verdict(absl::Minutes(10) + absl::Seconds(16)).wrong, HasSubstr("overdue"));
}

TEST_F(SweepTest, PagesThatAllFailedReachNobody) {
  desk_.Settle(desk_.deliveries[0].delivery_id, v1::DELIVERY_STATE_DEAD);
  const YouthVerdict verdict = Verdict();
  EXPECT_THAT(verdict.wrong, HasSubstr("nobody"));
  EXPECT_FALSE(verdict.look_again);
}

}  // namespace
}  // namespace porchlight::oncall_sweep_test
