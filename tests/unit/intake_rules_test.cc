// The rules of intake, row by row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "services/intake/rules.h"

namespace porchlight {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);

// One youth's intake, as the processor would drive it.
class Desk {
 public:
  Decision Report(const v1::ReportMissingRequest& report, bool exercise = false) {
    return Decide(report, exercise);
  }
  Decision Return(const std::string& episode_id,
                  std::optional<absl::Time> returned_at = std::nullopt) {
    v1::RecordReturnRequest request;
    request.set_episode_id(episode_id);
    if (returned_at.has_value()) *request.mutable_returned_at() = ToProto(*returned_at);
    return Decide(request, false);
  }
  const v1::IntakeState& state() const { return state_; }
  bool active() const { return rules_.Active(state_); }

 private:
  Decision Decide(const google::protobuf::Message& payload, bool exercise) {
    Input input;
    input.kind = v1::INPUT_KIND_COMMAND;
    input.input_id = "command-" + std::to_string(++commands_);
    input.payload = &payload;
    input.header.set_youth_id("youth-1");
    input.header.set_exercise(exercise);
    *input.header.mutable_received_at() = ToProto(kNow);
    input.now = kNow;
    Decision decision = rules_.Decide(state_, input, {});
    for (const NewEvent& event : decision.events)
      rules_.Evolve(state_, {input.header, *event.payload});
    return decision;
  }

  IntakeRules rules_;
  v1::IntakeState state_;
  int commands_ = 0;
};

const v1::ReportMissingReply& ReplyOf(const Decision& decision) {
  return static_cast<const v1::ReportMissingReply&>(*decision.reply);
}

v1::ReportMissingRequest Wearing(const std::string& clothing) {
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_clothing(clothing);
  return report;
}

struct MergeRow {
  std::string name;
  std::string known;
  std::string told;
  std::string after;
  bool changed;
  friend void PrintTo(const MergeRow& row, std::ostream* out) { *out << row.name; }
};

class MergeTest : public testing::TestWithParam<MergeRow> {};

TEST_P(MergeTest, Holds) {
  const MergeRow& row = GetParam();
  v1::Episode episode;
  episode.mutable_youth()->set_clothing(row.known);
  const std::vector<std::string> changed = MergeReport(Wearing(row.told), episode);
  EXPECT_EQ(episode.youth().clothing(), row.after);
  EXPECT_EQ(changed,
            row.changed ? std::vector<std::string>{"clothing"} : std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    Facts, MergeTest,
    testing::Values(
        MergeRow{"a first fact is taken", "", "red coat", "red coat", true},
        MergeRow{"a newer fact replaces an older one", "red coat", "blue coat", "blue coat", true},
        MergeRow{"silence replaces nothing", "red coat", "", "red coat", false},
        MergeRow{"the same again is nothing new", "red coat", "red coat", "red coat", false}));

TEST(IntakeRules, TheSecondReportIsLinkedAndKeepsTheFirstClock) {
  Desk desk;
  desk.Report(Wearing("red coat"));
  const Decision second = desk.Report(Wearing("blue coat"));
  EXPECT_EQ(ReplyOf(second).result(), v1::REPORT_RESULT_LINKED_TO_OPEN_EPISODE);
  ASSERT_EQ(desk.state().episodes_size(), 1);
  EXPECT_THAT(desk.state().episodes(0).report_ids(), ElementsAre("command-1", "command-2"));
  EXPECT_EQ(FromProto(desk.state().episodes(0).received_at()), kNow);
}

TEST(IntakeRules, WhatIsStillUnknownIsNamedAndNeverAReasonToRefuse) {
  Desk desk;
  const Decision decision = desk.Report({});
  EXPECT_TRUE(decision.refusal.ok());
  EXPECT_EQ(ReplyOf(decision).still_unknown_size(), 12);
}

TEST(IntakeRules, TheNextEpisodeKnowsTheYouthButNotTheCircumstances) {
  Desk desk;
  v1::ReportMissingRequest report = Wearing("red coat");
  report.set_last_seen_place("the bus stop");
  desk.Report(report);
  desk.Return("youth-1_e1");
  EXPECT_FALSE(desk.active());
  desk.Report({});
  EXPECT_TRUE(desk.active());
  EXPECT_EQ(desk.state().episodes(1).youth().clothing(), "red coat");
  EXPECT_EQ(desk.state().episodes(1).last_seen_place(), "");
}

TEST(IntakeRules, ADrillAndTheRealThingNeverShareAnEpisode) {
  Desk desk;
  desk.Report({}, true);
  EXPECT_EQ(ReplyOf(desk.Report({}, false)).episode_id(), "youth-1_e2");
  const Decision returned = desk.Return("youth-1_e1");
  EXPECT_EQ(returned.exercise, true);
  EXPECT_TRUE(desk.active()) << "the real one is still open";
}

TEST(IntakeRules, AReturnThatCannotBeIsRefusedWithWhatToDo) {
  Desk desk;
  EXPECT_THAT(std::string(desk.Return("youth-1_e1").refusal.message()),
              HasSubstr("report that first"));
  desk.Report({});
  desk.Return("youth-1_e1");
  EXPECT_EQ(desk.Return("youth-1_e1").refusal.code(), absl::StatusCode::kFailedPrecondition);
}

struct ReturnTimeRow {
  std::string name;
  absl::Duration last_seen;
  absl::Duration returned;
  int warnings;
  friend void PrintTo(const ReturnTimeRow& row, std::ostream* out) { *out << row.name; }
};

class ReturnTimeTest : public testing::TestWithParam<ReturnTimeRow> {};

TEST_P(ReturnTimeTest, IsAcceptedAndWarnedOf) {
  Desk desk;
  v1::ReportMissingRequest report;
  *report.mutable_last_seen_at() = ToProto(kNow + GetParam().last_seen);
  desk.Report(report);
  const Decision returned = desk.Return("youth-1_e1", kNow + GetParam().returned);
  ASSERT_TRUE(returned.refusal.ok());
  EXPECT_EQ(static_cast<const v1::RecordReturnReply&>(*returned.reply).warnings_size(),
            GetParam().warnings);
  EXPECT_EQ(desk.state().episodes(0).state(), v1::EPISODE_STATE_RETURNED);
}

INSTANTIATE_TEST_SUITE_P(
    Times, ReturnTimeTest,
    testing::Values(
        ReturnTimeRow{"back after an hour", -absl::Hours(2), -absl::Hours(1), 0},
        ReturnTimeRow{"a phone's clock a little ahead", -absl::Hours(2), absl::Minutes(3), 0},
        ReturnTimeRow{"back before last seen", -absl::Hours(1), -absl::Hours(2), 1},
        ReturnTimeRow{"back tomorrow", -absl::Hours(1), absl::Hours(24), 1},
        ReturnTimeRow{"both in the future, and reversed", absl::Hours(5), absl::Hours(2), 2}));

}  // namespace
}  // namespace porchlight
