// Who is woken, when, for what, and when nobody is any more: sentences of policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/screening.pb.h"
#include "tests/support/directory.h"
#include "tests/support/oncall_desk.h"

namespace porchlight::oncall_rules_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kAck = v1::EVIDENCE_KIND_ACKNOWLEDGEMENT;

v1::PolicyRule WakeRule() {
  return DeskRule("wake", v1::POLICY_TRIGGER_MISSING, v1::DUTY_ACTION_PAGE, 15, kAck);
}

// Done by people, due after two hours, warned of an hour before.
v1::PolicyRule SearchRule() {
  v1::PolicyRule rule = DeskRule("search", v1::POLICY_TRIGGER_MISSING, v1::DUTY_ACTION_SEARCH, 120,
                                 v1::EVIDENCE_KIND_SEARCH_LOG);
  v1::PolicyWindow& warn = *rule.add_warn_before();
  warn.set_unit(v1::WINDOW_UNIT_MINUTES);
  warn.set_count(60);
  return rule;
}

v1::PolicyRule TellRule(v1::DutyAction action = v1::DUTY_ACTION_NOTIFY) {
  v1::PolicyRule rule = DeskRule("police", v1::POLICY_TRIGGER_MISSING, action, 24 * 60, kAck);
  rule.add_recipients()->set_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  return rule;
}
constexpr char kTell[] = "police.law_enforcement.1.1";

v1::PolicyRule ScreenRule() {
  return DeskRule("screen", v1::POLICY_TRIGGER_RETURNED, v1::DUTY_ACTION_SCREENING, 72 * 60,
                  v1::EVIDENCE_KIND_SCREENING_RESULT);
}

TEST(OncallPage, WakesAtOnceAndClimbsUntilSomebodyHasIt) {
  OncallDesk desk(DeskDirectory({WakeRule()}));
  desk.Opened();
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: You are woken"));
  desk.Advance(absl::Minutes(10));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-second: You are woken"));
  desk.Advance(absl::Minutes(10));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: You are woken"));
  EXPECT_EQ(desk.state.alerts(0).round(), 2u);

  desk.Acknowledge("youth-1_a1", "second");
  EXPECT_EQ(desk.state.alerts(0).state(), v1::ALERT_STATE_ACKNOWLEDGED);
  desk.Advance(absl::Hours(48));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  EXPECT_THAT(desk.timers, IsEmpty());
  // The answer is the proof of the duty.
  ASSERT_EQ(desk.state.episodes(0).case_().proofs_size(), 1);
  EXPECT_EQ(desk.state.episodes(0).case_().proofs(0).reference(), "youth-1_a1");
}

TEST(OncallPage, IsNotPutOffOnlyBecauseVeryManyAreDueAtOnce) {
  OncallDesk slept(DeskDirectory({SearchRule()}));
  slept.Opened();
  slept.SleepThrough(absl::Minutes(125));
  EXPECT_THAT(slept.TakePages(), IsEmpty());  // what was said meanwhile is heard first
  slept.Advance(absl::Seconds(2));
  EXPECT_THAT(slept.TakePages(), ElementsAre("way-of-first: Overdue"));

  OncallDesk busy(DeskDirectory({SearchRule()}));
  busy.Opened();
  busy.WaitBehindOthers(absl::Minutes(125));
  EXPECT_THAT(busy.TakePages(), ElementsAre("way-of-first: Overdue"));
}

TEST(OncallPage, TheReturnSilencesItAndTakesPagesBack) {
  OncallDesk desk(DeskDirectory({WakeRule()}));
  desk.Opened();
  desk.Returned();
  EXPECT_EQ(desk.state.alerts(0).state(), v1::ALERT_STATE_SILENCED);
  EXPECT_THAT(desk.state.alerts(0).reason(), HasSubstr("returned"));
  ASSERT_EQ(desk.deliveries.size(), 1u);
  EXPECT_THAT(desk.withdrawn, ElementsAre(desk.deliveries[0].delivery_id));
  EXPECT_THAT(desk.timers, IsEmpty());
}

TEST(OncallPage, AnAnswerAfterItWasOverIsKeptAndSaysWhy) {
  OncallDesk desk(DeskDirectory({WakeRule()}));
  desk.Opened();
  desk.Returned();
  const Decision decision = desk.Acknowledge("youth-1_a1", "first");
  const auto* reply = As<v1::AcknowledgeAlertReply>(decision.reply.get());
  ASSERT_NE(reply, nullptr);
  EXPECT_THAT(reply->warnings(), Contains(HasSubstr("ended by: returned")));
  EXPECT_EQ(reply->alert().state(), v1::ALERT_STATE_SILENCED);
  EXPECT_EQ(reply->alert().answers_size(), 1);
}

TEST(OncallPage, AnswersOfUnknownPeopleCountAndUnknownAlertsDoNot) {
  OncallDesk desk(DeskDirectory({WakeRule()}));
  desk.Opened();
  EXPECT_EQ(desk.Acknowledge("youth-1_a7", "first").refusal.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(desk.Acknowledge("youth-1_a1", "first", v1::REACHED_BY_SYSTEM).refusal.code(),
            absl::StatusCode::kInvalidArgument);
  const Decision decision = desk.Acknowledge("youth-1_a1", "stranger");
  EXPECT_THAT(As<v1::AcknowledgeAlertReply>(decision.reply.get())->warnings(),
              ElementsAre(HasSubstr("nobody of this id")));
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallPage, WaitsForAsManyDifferentPeopleAsTheLevelWants) {
  v1::Directory directory = DeskDirectory({WakeRule()});
  v1::RotaLevel& level = *directory.mutable_rotas(0)->mutable_levels(0);
  *level.add_shifts() = TestShift({"third"}, "2026-01-05", 7, 480);
  level.set_acknowledgements_needed(2);
  *directory.add_recipients() = TestWayOf("third");
  OncallDesk desk(directory);
  desk.Opened();
  EXPECT_THAT(desk.TakePages(),
              ElementsAre("way-of-first: You are woken", "way-of-third: You are woken"));
  desk.Acknowledge("youth-1_a1", "first");
  desk.Acknowledge("youth-1_a1", "first");
  EXPECT_THAT(desk.Open(), ElementsAre("page wake.1.1"));
  // Whoever answered isn't woken again.
  desk.Advance(absl::Minutes(20));
  EXPECT_THAT(desk.TakePages(),
              ElementsAre("way-of-second: You are woken", "way-of-third: You are woken"));
  desk.Acknowledge("youth-1_a1", "third");
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallPage, WakesWhoIsOnCallThenNotWhoWasBefore) {
  v1::Directory directory = DeskDirectory({WakeRule()});
  OncallDesk desk(directory);
  *desk.directory.add_overrides() =
      TestOverride("o", "supervisor", 2, "third", desk.now + absl::Minutes(5), absl::Hours(1));
  *desk.directory.add_recipients() = TestWayOf("third");
  desk.Opened();
  desk.Advance(absl::Minutes(10));
  EXPECT_THAT(desk.TakePages(),
              ElementsAre("way-of-first: You are woken", "way-of-third: You are woken"));
}

TEST(OncallPage, WithNobodyToReachItIsTriedEveryMinute) {
  v1::Directory directory = DeskDirectory({WakeRule()});
  directory.clear_recipients();
  OncallDesk desk(directory);
  desk.Opened();
  desk.Advance(absl::Minutes(3));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  EXPECT_THAT(desk.Open(), ElementsAre("page wake.1.1"));
  *desk.directory.add_recipients() = TestWayOf("second");
  desk.Advance(absl::Minutes(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-second: You are woken"));
}

TEST(OncallPage, WithoutARotaEverySupervisorIsWoken) {
  v1::Directory directory = DeskDirectory({WakeRule()});
  directory.clear_rotas();
  OncallDesk desk(directory);
  desk.Opened();
  EXPECT_THAT(desk.TakePages(),
              ElementsAre("way-of-first: You are woken", "way-of-second: You are woken"));
  EXPECT_EQ(desk.state.alerts(0).level(), 0u);
}

TEST(OncallPage, ADrillWakesOnlyWaysForDrills) {
  v1::Directory directory = DeskDirectory({WakeRule()});
  v1::Recipient drill = TestWayOf("first");
  drill.set_recipient_id("drill-way");
  drill.set_exercise_only(true);
  *directory.add_recipients() = drill;
  OncallDesk desk(directory);
  desk.exercise = true;
  desk.Opened();
  desk.Advance(absl::Minutes(10));
  EXPECT_THAT(desk.TakePages(),
              ElementsAre("drill-way: You are woken", "drill-way: You are woken"));
}

TEST(OncallTimes, WarnsOnceThenTellsWhenDueAnHourAfterAndDaily) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  desk.Advance(absl::Minutes(59));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  desk.Advance(absl::Minutes(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Soon due"));
  desk.Advance(absl::Minutes(59));
  EXPECT_THAT(desk.TakePages(), IsEmpty()) << "a warning doesn't climb";
  desk.Advance(absl::Minutes(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));
  EXPECT_THAT(desk.Open(), ElementsAre("missed search.1.1")) << "it stands in the warning's place";
  desk.Acknowledge("youth-1_a2", "first");
  desk.Advance(absl::Hours(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));
  desk.Acknowledge("youth-1_a3", "first");
  desk.Advance(absl::Hours(23));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  desk.Advance(absl::Hours(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));
}

TEST(OncallTimes, WhatNobodyHasIsNotToldTwiceOver) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  desk.Advance(absl::Hours(30));
  EXPECT_THAT(desk.Open(), ElementsAre("missed search.1.1"));
  EXPECT_LE(desk.state.alerts(1).pages_size(), 20);
}

TEST(OncallTimes, ProofSilencesAtOnce) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  desk.Advance(absl::Hours(2));
  desk.Proved("search.1.1", v1::EVIDENCE_KIND_SEARCH_LOG);
  EXPECT_THAT(desk.Open(), IsEmpty());
  desk.TakePages();
  desk.Advance(absl::Hours(100));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
}

TEST(OncallTimes, AfterALongSleepItHearsFirstAndTellsOnce) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  desk.SleepThrough(absl::Hours(5));
  EXPECT_THAT(desk.TakePages(), IsEmpty()) << "the proof may have come meanwhile";
  desk.Advance(absl::Seconds(2));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));

  OncallDesk proved(DeskDirectory({SearchRule()}));
  proved.Opened();
  proved.SleepThrough(absl::Hours(5));
  proved.Proved("search.1.1", v1::EVIDENCE_KIND_SEARCH_LOG);
  proved.Advance(absl::Hours(5));
  EXPECT_THAT(proved.TakePages(), IsEmpty());
}

TEST(OncallTimes, AnEscalationThatIsLateHearsFirstToo) {
  OncallDesk desk(DeskDirectory({WakeRule()}));
  desk.Opened();
  desk.TakePages();
  desk.SleepThrough(absl::Hours(1));
  desk.Returned();
  desk.Advance(absl::Hours(1));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
}

TEST(OncallOwner, ThatDoesNothingForTwoMinutesWakesSomebody) {
  OncallDesk desk(DeskDirectory({TellRule()}));
  desk.Opened();
  desk.Advance(absl::Seconds(119));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  desk.Advance(absl::Seconds(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Not begun"));
  EXPECT_THAT(desk.state.alerts(0).text(), HasSubstr("notification"));
  desk.Begun(kTell);
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallOwner, ThatHasBegunWakesNobody) {
  OncallDesk desk(DeskDirectory({TellRule()}));
  desk.Begun(kTell);  // heard before intake's own event
  desk.Opened();
  desk.Advance(absl::Hours(23));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  desk.Advance(absl::Hours(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));
}

TEST(OncallOwner, OfASupplementHasAQuarterOfAnHour) {
  OncallDesk desk(DeskDirectory({TellRule(v1::DUTY_ACTION_SUPPLEMENT)}));
  desk.Opened();
  desk.Advance(absl::Minutes(14));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  desk.Advance(absl::Minutes(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Not begun"));
}

TEST(OncallOwner, OfWhatPeopleDoIsNobody) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  desk.Advance(absl::Minutes(30));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
}

TEST(OncallOwner, ThatMeansToBeLaterThanPolicyIsWrong) {
  OncallDesk desk(DeskDirectory({ScreenRule()}));
  desk.Opened();
  desk.Returned();
  v1::ScreeningScheduled scheduled;
  v1::ScreeningTask& task = *scheduled.add_tasks();
  task.set_task_id("screen.1.1");
  task.set_state(v1::DUTY_STATE_OPEN);
  *task.mutable_due_at() = ToProto(desk.now + absl::Hours(72) + absl::Seconds(1));
  desk.Hear(scheduled);
  desk.Advance(absl::Minutes(5));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
  *task.mutable_due_at() = ToProto(desk.now + absl::Hours(73));
  desk.Hear(scheduled);
  desk.Advance(absl::Minutes(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: A wrong deadline"));
}

TEST(OncallOwner, WhoseNewsCameFirstIsNotWrong) {
  OncallDesk desk(DeskDirectory({ScreenRule()}));
  desk.Opened();
  v1::ScreeningScheduled scheduled;
  v1::ScreeningTask& task = *scheduled.add_tasks();
  task.set_task_id("screen.1.1");
  task.set_state(v1::DUTY_STATE_OPEN);
  *task.mutable_due_at() = ToProto(desk.now + absl::Hours(72));
  desk.Hear(scheduled);
  desk.Returned();
  desk.Advance(absl::Minutes(5));
  EXPECT_THAT(desk.TakePages(), IsEmpty());
}

TEST(OncallReport, ThatNobodyDecidedWakesSomebodyUntilItIs) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.HearReport("report-1");
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: A report nobody took up"));
  EXPECT_THAT(desk.Open(), ElementsAre("undecided report-1"));
  EXPECT_TRUE(desk.rules.Active(desk.state));
  desk.Opened();
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallReport, ThatWasDecidedWakesNobody) {
  OncallDesk desk(DeskDirectory({SearchRule()}));
  desk.Opened();
  EXPECT_TRUE(desk.HearReport("report-1").events.empty());
}

TEST(OncallNotice, ThatWasGivenUpWakesSomebodyUntilAnotherArrives) {
  OncallDesk desk(DeskDirectory({TellRule()}));
  desk.Opened();
  desk.Begun(kTell);
  v1::NoticeFailed failed;
  failed.mutable_notice()->set_notice_id("notice-1");
  failed.mutable_notice()->add_duty_keys(kTell);
  desk.Hear(failed);
  desk.Hear(failed);
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Nobody was told"));
  v1::NoticeDelivered delivered;
  delivered.mutable_notice()->set_notice_id("notice-2");
  delivered.mutable_notice()->add_duty_keys(kTell);
  desk.Hear(delivered);
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallNotice, ThatNobodyCanBeSentWakesSomebodyUntilThereIsSomebody) {
  OncallDesk desk(DeskDirectory({TellRule()}));
  desk.Opened();
  v1::NoticesMade made;
  made.add_untold_duty_keys(kTell);
  desk.Hear(made);
  desk.Hear(made);
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Nobody was told"));
  desk.Begun(kTell);
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallNotice, ThatAPersonMustMakeAsksThemUntilTheProofComes) {
  OncallDesk desk(DeskDirectory({TellRule()}));
  desk.Opened();
  v1::NoticesMade made;
  v1::Notice& notice = *made.add_notices();
  notice.set_notice_id("notice-1");
  notice.set_channel(v1::CHANNEL_KIND_PERSON);
  notice.add_duty_keys(kTell);
  desk.Hear(made);
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Please call"));
  desk.Proved(kTell, kAck);
  EXPECT_THAT(desk.Open(), IsEmpty());
}

TEST(OncallNotice, ToATeamWithoutARosterWakesSomebody) {
  v1::PolicyRule team = DeskRule("team", v1::POLICY_TRIGGER_MISSING, v1::DUTY_ACTION_TEAM, 120,
                                 v1::EVIDENCE_KIND_MEETING_HELD);
  OncallDesk desk(DeskDirectory({team}));
  desk.Opened();
  v1::TeamWithoutRoster without;
  without.set_duty_key("team.1.1");
  desk.Hear(without);
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Nobody was told"));
}

TEST(OncallState, KeepsLittleOfAnOpenEpisode) {
  OncallDesk desk(DeskDirectory({WakeRule(), SearchRule(), TellRule(), ScreenRule()}));
  desk.Opened();
  desk.Begun(kTell);
  v1::WatchedEpisode episode = desk.state.episodes(0);
  episode.clear_case_();
  EXPECT_LT(episode.ByteSizeLong(), 512u);
}

TEST(OncallState, IsQuietOnceAllIsDoneAndHearsOfAVictimMuchLater) {
  v1::PolicyRule identified =
      DeskRule("tell", v1::POLICY_TRIGGER_IDENTIFIED, v1::DUTY_ACTION_CONTACT, 60, kAck);
  OncallDesk desk(DeskDirectory({WakeRule(), ScreenRule(), identified}));
  desk.Opened();
  desk.Returned();
  EXPECT_TRUE(desk.rules.Active(desk.state));
  desk.Proved("screen.1.1", v1::EVIDENCE_KIND_SCREENING_RESULT);
  EXPECT_FALSE(desk.rules.Active(desk.state));
  EXPECT_THAT(desk.state.episodes(0).duties(), IsEmpty());
  desk.TakePages();
  desk.Advance(absl::Hours(24 * 60));
  v1::VictimIdentified decided;
  *decided.mutable_identification()->mutable_received_at() = ToProto(desk.now);
  *decided.mutable_identification()->mutable_decided_at() = ToProto(desk.now);
  desk.Hear(decided);
  desk.Advance(absl::Hours(1));
  EXPECT_THAT(desk.TakePages(), ElementsAre("way-of-first: Overdue"));
}

TEST(OncallState, TheSameInputsAlwaysGiveTheSameState) {
  OncallDesk desk(DeskDirectory({WakeRule(), SearchRule(), TellRule()}));
  desk.Opened();
  desk.Advance(absl::Hours(3));
  for (const NewDelivery& delivery : desk.deliveries)
    desk.Settle(delivery.delivery_id, v1::DELIVERY_STATE_DELIVERED);
  OncallDesk again(DeskDirectory({WakeRule(), SearchRule(), TellRule()}));
  again.Opened();
  again.Advance(absl::Hours(3));
  for (const NewDelivery& delivery : again.deliveries)
    again.Settle(delivery.delivery_id, v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(desk.state.SerializeAsString(), again.state.SerializeAsString());
}

TEST(OncallLookAgain, SetsTheTimersThatWereLost) {
  OncallDesk desk(DeskDirectory({WakeRule(), SearchRule()}));
  desk.Opened();
  desk.TakePages();
  desk.timers.clear();
  EXPECT_NE(desk.LookAgain().reply, nullptr);
  desk.Advance(absl::Hours(2));
  const std::vector<std::string> pages = desk.TakePages();
  EXPECT_THAT(pages, Contains("way-of-second: You are woken"));
  EXPECT_THAT(pages, Contains("way-of-first: Overdue"));
}

}  // namespace
}  // namespace porchlight::oncall_rules_test
