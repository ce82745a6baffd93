// The rules of intake, row by row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "porchlight/v1/join.pb.h"
#include "services/intake/rules.h"

namespace porchlight::intake_rules_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
  Decision Add(const std::string& episode_id, v1::FactKind kind, const v1::YouthFacts& facts = {}) {
    v1::AddToEpisodeRequest request;
    request.set_episode_id(episode_id);
    request.set_kind(kind);
    *request.mutable_youth() = facts;
    return Decide(request, false);
  }
  Decision Close(const std::string& episode_id, v1::CloseReason reason) {
    v1::CloseEpisodeRequest request;
    request.set_episode_id(episode_id);
    request.set_reason(reason);
    return Decide(request, false);
  }
  Decision Set(const v1::Youth& youth) {
    v1::SetYouthsRequest request;
    *request.add_youths() = youth;
    return Decide(request, false);
  }
  Decision Join(const v1::JoinSideRequest& request) { return Decide(request, false); }

  const v1::IntakeState& state() const { return state_; }
  bool active() const { return rules_.Active(state_); }

  absl::Time now = kNow;
  v1::Directory directory;

 private:
  Decision Decide(const google::protobuf::Message& payload, bool exercise) {
    Input input;
    input.kind = v1::INPUT_KIND_COMMAND;
    input.input_id = "command-" + std::to_string(++commands_);
    input.payload = &payload;
    input.header.set_youth_id("youth-1");
    input.header.set_exercise(exercise);
    *input.header.mutable_received_at() = ToProto(now);
    input.now = now;
    Decision decision = rules_.Decide(state_, input, directory);
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
  EXPECT_EQ(ReplyOf(decision).still_unknown_size(), 20);
}

TEST(IntakeRules, TheNextEpisodeKnowsTheYouthButNotTheCircumstances) {
  Desk desk;
  v1::ReportMissingRequest report = Wearing("red coat");
  report.mutable_youth()->set_eyes("brown");
  report.set_last_seen_place("the bus stop");
  desk.Report(report);
  desk.Return("youth-1_e1");
  EXPECT_FALSE(desk.active());
  desk.Report({});
  EXPECT_TRUE(desk.active());
  EXPECT_EQ(desk.state().episodes(1).youth().eyes(), "brown");
  EXPECT_EQ(desk.state().episodes(1).youth().clothing(), "") << "they wore that the last time";
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

class ReturnTimeTest : public ::testing::TestWithParam<ReturnTimeRow> {};

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
    ::testing::Values(
        ReturnTimeRow{"back after an hour", -absl::Hours(2), -absl::Hours(1), 0},
        ReturnTimeRow{"a phone's clock a little ahead", -absl::Hours(2), absl::Minutes(3), 0},
        ReturnTimeRow{"back before last seen", -absl::Hours(1), -absl::Hours(2), 1},
        ReturnTimeRow{"back tomorrow", -absl::Hours(1), absl::Hours(24), 1},
        ReturnTimeRow{"both in the future, and reversed", absl::Hours(5), absl::Hours(2), 2}));

v1::Youth RosterYouth() {
  v1::Youth youth;
  youth.set_youth_id("youth-1");
  youth.mutable_facts()->set_first_name("Robin");
  youth.mutable_facts()->set_eyes("brown");
  youth.set_placement("Maple House");
  youth.set_jurisdiction("us-tx");
  youth.set_caseworker_id("worker-1");
  youth.add_circumstances_known(v1::CIRCUMSTANCE_MEDICAL_NEED);
  return youth;
}

const v1::Episode& EpisodeIn(const Decision& decision, size_t n = 0) {
  const auto* updated = As<v1::EpisodeUpdated>(decision.events.at(n).payload.get());
  if (updated != nullptr) return updated->episode();
  const auto* opened = As<v1::EpisodeOpened>(decision.events.at(n).payload.get());
  if (opened != nullptr) return opened->episode();
  return As<v1::EpisodeClosed>(decision.events.at(n).payload.get())->episode();
}

TEST(IntakeRules, AReportIsFilledFromTheRosterWhereItSaysNothing) {
  Desk desk;
  desk.Set(RosterYouth());
  EXPECT_FALSE(desk.active()) << "being in the roster isn't being missing";
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_eyes("blue lenses");
  const Decision decision = desk.Report(report);
  const v1::Episode& episode = EpisodeIn(decision);
  EXPECT_EQ(episode.youth().first_name(), "Robin");
  EXPECT_EQ(episode.youth().eyes(), "blue lenses");
  EXPECT_EQ(episode.placement(), "Maple House");
  EXPECT_EQ(episode.jurisdiction(), "us-tx");
  EXPECT_EQ(episode.caseworker_id(), "worker-1");
  ASSERT_EQ(episode.circumstances_known_size(), 1);
  EXPECT_EQ(FromProto(episode.circumstances_known(0).known_since()), kNow);
}

TEST(IntakeRules, TheSameRosterAgainIsNothingNew) {
  Desk desk;
  desk.Set(RosterYouth());
  const Decision again = desk.Set(RosterYouth());
  EXPECT_THAT(again.events, IsEmpty());
  EXPECT_EQ(static_cast<const v1::SetYouthsReply&>(*again.reply).unchanged(), 1u);
}

TEST(IntakeRules, ARosterThatComesLaterFillsTheOpenEpisode) {
  Desk desk;
  desk.Report(Wearing("red coat"));
  const Decision set = desk.Set(RosterYouth());
  ASSERT_EQ(set.events.size(), 2u);
  const auto* updated = As<v1::EpisodeUpdated>(set.events[1].payload.get());
  EXPECT_THAT(updated->changed(),
              ::testing::IsSupersetOf({"first_name", "eyes", "placement", "jurisdiction"}));
  EXPECT_EQ(desk.state().episodes(0).youth().clothing(), "red coat");
}

TEST(IntakeRules, AJurisdictionWithoutAPackIsAcceptedAndWarnedOf) {
  Desk desk;
  desk.directory.add_packs()->set_pack_id("us-tx");
  v1::ReportMissingRequest report;
  report.set_jurisdiction("us-tx");
  EXPECT_THAT(ReplyOf(desk.Report(report)).warnings(), IsEmpty());
  report.set_jurisdiction("us-zz");
  const Decision decision = desk.Report(report);
  ASSERT_TRUE(decision.refusal.ok());
  EXPECT_THAT(ReplyOf(decision).warnings(), ElementsAre(HasSubstr("no policy pack is in force")));
}

TEST(IntakeRules, AnAdditionSaysWhatItIsAndWhatItChanged) {
  Desk desk;
  desk.Report(Wearing("red coat"));
  v1::YouthFacts facts;
  facts.set_hair("dyed blue");
  const Decision added = desk.Add("youth-1_e1", v1::FACT_KIND_SIGHTING, facts);
  const auto* updated = As<v1::EpisodeUpdated>(added.events.at(0).payload.get());
  EXPECT_EQ(updated->fact_kind(), v1::FACT_KIND_SIGHTING);
  EXPECT_THAT(updated->changed(), ElementsAre("facts", "hair"));
  EXPECT_EQ(updated->episode().facts_size(), 1);
}

TEST(IntakeRules, AnAdditionIsTakenAfterTheReturnAndNotAfterTheEnd) {
  Desk desk;
  desk.Report({});
  desk.Return("youth-1_e1");
  EXPECT_TRUE(desk.Add("youth-1_e1", v1::FACT_KIND_PHOTO).refusal.ok());
  EXPECT_EQ(desk.state().episodes(0).state(), v1::EPISODE_STATE_RETURNED);
  desk.Close("youth-1_e1", v1::CLOSE_REASON_RETURNED);
  const Decision late = desk.Add("youth-1_e1", v1::FACT_KIND_OTHER);
  EXPECT_EQ(late.refusal.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(late.refusal.message()), HasSubstr("If the youth is missing again"));
}

struct CloseRow {
  std::string name;
  bool returned;
  v1::CloseReason reason;
  std::string refusal;  // empty: closed
  friend void PrintTo(const CloseRow& row, std::ostream* out) { *out << row.name; }
};

class CloseTest : public ::testing::TestWithParam<CloseRow> {};

TEST_P(CloseTest, Holds) {
  const CloseRow& row = GetParam();
  Desk desk;
  desk.Report({});
  if (row.returned) desk.Return("youth-1_e1");
  const Decision closed = desk.Close("youth-1_e1", row.reason);
  EXPECT_THAT(std::string(closed.refusal.message()), HasSubstr(row.refusal));
  EXPECT_EQ(closed.refusal.ok(), row.refusal.empty());
  if (!row.refusal.empty()) return;
  EXPECT_EQ(EpisodeIn(closed).state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(EpisodeIn(closed).close_reason(), row.reason);
  EXPECT_EQ(FromProto(EpisodeIn(closed).closed_at()), kNow);
  EXPECT_FALSE(desk.active());
  EXPECT_THAT(std::string(desk.Close("youth-1_e1", row.reason).refusal.message()),
              HasSubstr("was closed before"));
}

INSTANTIATE_TEST_SUITE_P(
    Reasons, CloseTest,
    ::testing::Values(CloseRow{"after a return", true, v1::CLOSE_REASON_RETURNED, ""},
                      CloseRow{"as returned, without a return", false, v1::CLOSE_REASON_RETURNED,
                               "Record the return first"},
                      CloseRow{"came of age while missing", false, v1::CLOSE_REASON_AGED_OUT, ""},
                      CloseRow{"a court ended care", false, v1::CLOSE_REASON_COURT_ENDED_CARE, ""},
                      CloseRow{"was never missing", false, v1::CLOSE_REASON_REPORTED_IN_ERROR, ""},
                      CloseRow{"was never missing, told after a return", true,
                               v1::CLOSE_REASON_REPORTED_IN_ERROR, ""}));

v1::JoinSideRequest JoinTo(const std::string& other, bool stays) {
  v1::JoinSideRequest request;
  request.set_other_youth_id(other);
  request.set_stays(stays);
  return request;
}

TEST(IntakeRules, JoiningFillsTheOpenEpisodeAndSaysWhatIsOpen) {
  Desk desk;
  desk.Report(Wearing("red coat"));
  v1::JoinSideRequest request = JoinTo("y-100", false);
  *request.mutable_other_roster() = RosterYouth();
  const Decision joined = desk.Join(request);
  const auto& reply = static_cast<const v1::JoinSideReply&>(*joined.reply);
  EXPECT_EQ(reply.open().episode_id(), "youth-1_e1");
  ASSERT_EQ(joined.events.size(), 2u);
  EXPECT_EQ(As<v1::YouthJoined>(joined.events[0].payload.get())->other_youth_id(), "y-100");
  EXPECT_EQ(EpisodeIn(joined, 1).youth().first_name(), "Robin");
  EXPECT_THAT(EpisodeIn(joined, 1).joined_youth_ids(), ElementsAre("y-100"));
  EXPECT_THAT(desk.Join(request).events, IsEmpty()) << "joining again is nothing new";
}

TEST(IntakeRules, OfTwoOpenEpisodesTheLaterOneIsMarkedAndBothStay) {
  for (const absl::Duration after : {absl::Hours(1), -absl::Hours(1)}) {
    Desk desk;
    desk.Report({});
    v1::JoinSideRequest request = JoinTo("y-100", true);
    v1::OpenEpisode& other = *request.mutable_other_open();
    other.set_episode_id("y-100_e1");
    *other.mutable_received_at() = ToProto(kNow + after);
    const Decision joined = desk.Join(request);
    const bool later = after < absl::ZeroDuration();
    const auto* event = As<v1::YouthJoined>(joined.events.at(0).payload.get());
    EXPECT_EQ(event->open_episode_id(), "y-100_e1");
    EXPECT_EQ(event->doubled_episode_id(), later ? "youth-1_e1" : "y-100_e1");
    EXPECT_EQ(EpisodeIn(joined, 1).same_as_episode_id(), later ? "y-100_e1" : "");
    EXPECT_EQ(desk.state().episodes(0).state(), v1::EPISODE_STATE_MISSING);
  }
}

TEST(IntakeRules, ADrillIsLeftAsItWasBegun) {
  Desk desk;
  desk.Report({}, true);
  v1::JoinSideRequest request = JoinTo("y-100", true);
  v1::OpenEpisode& other = *request.mutable_other_open();
  other.set_episode_id("y-100_e1");
  *other.mutable_received_at() = ToProto(kNow - absl::Hours(1));
  const Decision joined = desk.Join(request);
  ASSERT_EQ(joined.events.size(), 1u) << "what follows from a live record is never a drill's";
  EXPECT_EQ(As<v1::YouthJoined>(joined.events[0].payload.get())->doubled_episode_id(), "");
  EXPECT_EQ(desk.Set(RosterYouth()).events.size(), 1u);
}

TEST(IntakeRules, JoiningThatCannotBeIsRefusedWithWhatToDo) {
  Desk nobody;
  EXPECT_EQ(nobody.Join(JoinTo("y-100", false)).refusal.code(), absl::StatusCode::kNotFound);
  Desk desk;
  desk.Report({});
  ASSERT_TRUE(desk.Join(JoinTo("y-100", false)).refusal.ok());
  EXPECT_THAT(std::string(desk.Join(JoinTo("y-100", true)).refusal.message()),
              HasSubstr("the other way round"));
  EXPECT_THAT(std::string(desk.Join(JoinTo("y-200", false)).refusal.message()),
              HasSubstr("join to the id that stays"));
}

TEST(IntakeRules, TheNextEpisodeOfAJoinedYouthNamesTheOtherIds) {
  Desk desk;
  desk.Set(RosterYouth());
  desk.Join(JoinTo("y-reported", true));
  EXPECT_THAT(EpisodeIn(desk.Report({})).joined_youth_ids(), ElementsAre("y-reported"));
}

}  // namespace
}  // namespace porchlight::intake_rules_test
