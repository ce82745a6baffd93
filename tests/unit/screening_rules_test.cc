// The rules of screening, as sentences of policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/policy/loader.h"
#include "common/screening/tasks.h"
#include "services/screening/rules.h"

namespace porchlight::screening_rules_test {
namespace {

using ::testing::HasSubstr;

const absl::Time kReported = absl::FromUnixSeconds(1'780'000'000);
const absl::Time kBack = kReported + absl::Hours(30);

v1::Episode Robin() {
  v1::Episode episode;
  episode.set_episode_id("youth-1_e1");
  episode.set_youth_id("youth-1");
  episode.set_state(v1::EPISODE_STATE_MISSING);
  episode.mutable_youth()->set_first_name("identity-marker");
  episode.mutable_youth()->set_date_of_birth("2011-03-04");
  *episode.mutable_received_at() = ToProto(kReported);
  return episode;
}

v1::Episode RobinBack(std::optional<absl::Time> returned_at = std::nullopt) {
  v1::Episode episode = Robin();
  episode.set_state(v1::EPISODE_STATE_RETURNED);
  if (returned_at.has_value()) *episode.mutable_returned_at() = ToProto(*returned_at);
  return episode;
}

// One episode's screening, as the processor would drive it.
class Desk {
 public:
  // With the packs that this build brings, or with those given.
  explicit Desk(const std::vector<PolicySource>& sources = {}) { UsePacks(sources); }

  void UsePacks(const std::vector<PolicySource>& sources) {
    directory_.clear_packs();
    const PackSet set = ParsePacks(sources).value();
    for (const auto& [id, pack] : set.packs()) *directory_.add_packs() = pack;
  }

  Decision Opened(const v1::Episode& episode = Robin()) {
    v1::EpisodeOpened opened;
    *opened.mutable_episode() = episode;
    return Decide(opened, v1::INPUT_KIND_EVENT, kReported);
  }
  Decision Returned(const v1::Episode& episode, absl::Time at = kBack) {
    v1::YouthReturned returned;
    *returned.mutable_episode() = episode;
    return Decide(returned, v1::INPUT_KIND_EVENT, at);
  }
  Decision Ask(const google::protobuf::Message& request, absl::Time at = kBack + absl::Hours(1)) {
    return Decide(request, v1::INPUT_KIND_COMMAND, at);
  }

  const v1::ScreeningState& state() const { return state_; }
  bool active() const { return rules_.Active(state_); }
  v1::ScreeningTask Task(const std::string& rule_id) const {
    for (const v1::ScreeningTask& task : state_.tasks()) {
      if (task.rule_id() == rule_id) return task;
    }
    return {};
  }
  v1::DutyState StateOf(const std::string& rule_id) const { return Task(rule_id).state(); }
  // After the return was known.
  absl::Duration DueAfterReturn(const std::string& rule_id) const {
    return FromProto(Task(rule_id).due_at()) - kBack;
  }

 private:
  Decision Decide(const google::protobuf::Message& payload, v1::InputKind kind, absl::Time at) {
    Input input;
    input.kind = kind;
    input.input_id = "input-" + std::to_string(++inputs_);
    input.payload = &payload;
    input.header.set_youth_id("youth-1");
    input.header.set_episode_id("youth-1_e1");
    *input.header.mutable_received_at() = ToProto(at);
    input.now = at + absl::Milliseconds(20);
    Decision decision = rules_.Decide(state_, input, directory_);
    for (const NewEvent& event : decision.events)
      rules_.Evolve(state_, {input.header, *event.payload});
    return decision;
  }

  ScreeningRules rules_;
  v1::Directory directory_;
  v1::ScreeningState state_;
  int inputs_ = 0;
};

// A youth who is back.
Desk BackDesk() {
  Desk desk;
  desk.Opened();
  desk.Returned(RobinBack());
  return desk;
}

v1::DeferScreeningRequest Deferral(absl::Time until) {
  v1::DeferScreeningRequest request;
  request.set_episode_id("youth-1_e1");
  request.set_reason("asleep");
  request.set_approver_id("worker-7");
  *request.mutable_until() = ToProto(until);
  return request;
}

v1::CompleteScreeningRequest Result(v1::ScreeningBand band) {
  v1::CompleteScreeningRequest request;
  v1::ScreeningResult& result = *request.mutable_result();
  result.set_tool_id("example-tool");
  result.set_tool_version("2.0");
  result.set_screener_id("worker-7");
  result.set_screener_training("example course");
  result.set_band(band);
  return request;
}

v1::IdentifyVictimRequest Decides(v1::IdentificationDecision decision) {
  v1::IdentifyVictimRequest request;
  request.set_decision(decision);
  request.set_decided_by_id("worker-9");
  return request;
}

v1::RecordMedicalOfferRequest Offer(const std::string& task, v1::MedicalAnswer answer) {
  v1::RecordMedicalOfferRequest request;
  request.mutable_offer()->set_task_id(task);
  request.mutable_offer()->set_answer(answer);
  request.mutable_offer()->set_offered_by_id("worker-7");
  return request;
}

TEST(ScreeningRules, AReturnAsksForWhatThePackSaysByThen) {
  const Desk desk = BackDesk();
  EXPECT_EQ(desk.DueAfterReturn("return-screening"), absl::Hours(72));
  EXPECT_EQ(desk.DueAfterReturn("return-interview"), absl::Hours(72));
  EXPECT_EQ(desk.DueAfterReturn("return-photo"), absl::Hours(24));
  EXPECT_EQ(desk.StateOf("medical-hiv"), v1::DUTY_STATE_NOT_APPLICABLE);
  EXPECT_FALSE(desk.Task("return-screening").policy_hash().empty());
  EXPECT_EQ(desk.Task("return-screening").citation(), "42 USC 671(a)(35)(A)(iii)");
  EXPECT_TRUE(desk.active());
}

TEST(ScreeningRules, NothingIsAskedForBeforeTheReturn) {
  Desk desk;
  desk.Opened();
  EXPECT_TRUE(desk.state().tasks().empty());
  EXPECT_FALSE(desk.active());
  for (const absl::Status& refusal : {desk.Ask(Result(v1::SCREENING_BAND_LOW)).refusal,
                                      desk.Ask(Deferral(kBack + absl::Hours(9))).refusal}) {
    EXPECT_EQ(refusal.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(refusal.message()), HasSubstr("record the return first"));
  }
}

TEST(ScreeningRules, WhoTheYouthIsIsNotKeptHere) {
  const Desk desk = BackDesk();
  EXPECT_THAT(desk.state().DebugString(), ::testing::Not(HasSubstr("marker")));
}

TEST(ScreeningRules, EveryReturnHasAScreeningAlsoWhereThePackAsksForNone) {
  Desk desk({PolicySource{.file = "none.yaml",
                          .yaml = "pack: us-zz\nextends: us\nname: Nowhere\n"
                                  "without_rules: [return-screening]\n"}});
  v1::Episode back = RobinBack();
  back.set_jurisdiction("us-zz");
  desk.Returned(back);
  EXPECT_EQ(desk.StateOf("screening"), v1::DUTY_STATE_OPEN);
  EXPECT_FALSE(desk.Task("screening").has_due_at());
  desk.Ask(Result(v1::SCREENING_BAND_LOW));
  EXPECT_EQ(desk.StateOf("screening"), v1::DUTY_STATE_MET);
}

TEST(ScreeningRules, ATimeThatIsCorrectedLaterMovesTheTasksAndDoublesNone) {
  Desk desk = BackDesk();
  desk.Ask(v1::RecordExposureRequest());
  EXPECT_EQ(desk.DueAfterReturn("medical-hiv"), absl::Hours(72)) << "from when we knew";
  const int tasks = desk.state().tasks_size();
  desk.Returned(RobinBack(kBack - absl::Hours(5)), kBack + absl::Hours(2));
  EXPECT_EQ(desk.state().tasks_size(), tasks);
  EXPECT_EQ(desk.DueAfterReturn("medical-hiv"), absl::Hours(67)) << "from when it happened";
  EXPECT_EQ(desk.DueAfterReturn("return-screening"), absl::Hours(72)) << "from when we first knew";
  EXPECT_TRUE(desk.Returned(RobinBack(kBack - absl::Hours(5))).events.empty());
}

struct OddDeferral {
  std::string name;
  std::function<void(v1::DeferScreeningRequest&)> change;
  absl::StatusCode code;
  std::string says;
  friend void PrintTo(const OddDeferral& row, std::ostream* out) { *out << row.name; }
};

class DeferralTest : public ::testing::TestWithParam<OddDeferral> {};

TEST_P(DeferralTest, IsRefusedWithWhatToDo) {
  Desk desk = BackDesk();
  v1::DeferScreeningRequest request = Deferral(kBack + absl::Hours(100));
  GetParam().change(request);
  const Decision decision = desk.Ask(request);
  EXPECT_EQ(decision.refusal.code(), GetParam().code);
  EXPECT_THAT(std::string(decision.refusal.message()), HasSubstr(GetParam().says));
  EXPECT_TRUE(decision.events.empty());
  EXPECT_EQ(desk.DueAfterReturn("return-screening"), absl::Hours(72));
}

INSTANTIATE_TEST_SUITE_P(
    Deferrals, DeferralTest,
    ::testing::Values(OddDeferral{"without a reason",
                                  [](auto& request) { request.set_reason(" \n"); },
                                  absl::StatusCode::kInvalidArgument, "reason is missing"},
                      OddDeferral{"without an approver",
                                  [](auto& request) { request.clear_approver_id(); },
                                  absl::StatusCode::kInvalidArgument, "approver_id is missing"},
                      OddDeferral{"without a date", [](auto& request) { request.clear_until(); },
                                  absl::StatusCode::kInvalidArgument, "until is missing"},
                      OddDeferral{"to a date that is past",
                                  [](auto& request) { *request.mutable_until() = ToProto(kBack); },
                                  absl::StatusCode::kInvalidArgument, "until is in the past"},
                      OddDeferral{"of a task that isn't there",
                                  [](auto& request) { request.set_task_id("dental"); },
                                  absl::StatusCode::kNotFound, "return-screening"},
                      OddDeferral{"of an offer whose time can't wait",
                                  [](auto& request) { request.set_task_id("medical-hiv"); },
                                  absl::StatusCode::kFailedPrecondition, "isn't open"}));

TEST(ScreeningRules, ADeferralMovesTheTaskItNamesAndKeepsWhyAndWho) {
  Desk desk = BackDesk();
  const Decision decision = desk.Ask(Deferral(kBack + absl::Hours(100)));
  ASSERT_TRUE(decision.refusal.ok()) << decision.refusal;
  EXPECT_EQ(desk.DueAfterReturn("return-screening"), absl::Hours(100));
  EXPECT_EQ(desk.DueAfterReturn("return-interview"), absl::Hours(72));
  ASSERT_EQ(desk.state().deferrals_size(), 1);
  EXPECT_EQ(desk.state().deferrals(0).reason(), "asleep");
  EXPECT_EQ(desk.state().deferrals(0).approver_id(), "worker-7");
}

TEST(ScreeningRules, ADeferralWithinTheTimeAllowedIsKeptAndWinsNoTime) {
  Desk desk = BackDesk();
  desk.Ask(Deferral(kBack + absl::Hours(20)));
  EXPECT_EQ(desk.DueAfterReturn("return-screening"), absl::Hours(72));
  EXPECT_EQ(FromProto(desk.Task("return-screening").deferred_until()), kBack + absl::Hours(20));
}

TEST(ScreeningRules, AMedicalOfferIsNeverPutOff) {
  Desk desk = BackDesk();
  desk.Ask(v1::RecordExposureRequest());
  v1::DeferScreeningRequest request = Deferral(kBack + absl::Hours(100));
  request.set_task_id("medical-hiv");
  EXPECT_EQ(desk.Ask(request).refusal.code(), absl::StatusCode::kFailedPrecondition);
}

TEST(ScreeningRules, AResultMeetsTheTaskAndKeepsToolVersionScreenerAndBand) {
  Desk desk = BackDesk();
  ASSERT_TRUE(desk.Ask(Result(v1::SCREENING_BAND_POSSIBLE)).refusal.ok());
  EXPECT_EQ(desk.StateOf("return-screening"), v1::DUTY_STATE_MET);
  EXPECT_EQ(desk.state().results(0).tool_version(), "2.0");
  EXPECT_FALSE(desk.state().decision_awaited());
  EXPECT_TRUE(desk.Ask(Result(v1::SCREENING_BAND_LOW)).refusal.ok()) << "screened again";
  EXPECT_EQ(desk.state().results_size(), 2);
}

TEST(ScreeningRules, AResultIsRefusedWithoutWhatMakesItProof) {
  for (const auto& [field, change] :
       std::map<std::string, std::function<void(v1::ScreeningResult&)>>{
           {"tool_id", [](auto& result) { result.clear_tool_id(); }},
           {"tool_version", [](auto& result) { result.clear_tool_version(); }},
           {"screener_id", [](auto& result) { result.clear_screener_id(); }},
           {"screener_training", [](auto& result) { result.clear_screener_training(); }},
           {"band", [](auto& result) { result.clear_band(); }},
           {"completed_at", [](auto& result) {
              *result.mutable_completed_at() = ToProto(kBack + absl::Hours(9));
            }}}) {
    Desk desk = BackDesk();
    v1::CompleteScreeningRequest request = Result(v1::SCREENING_BAND_LOW);
    change(*request.mutable_result());
    const Decision decision = desk.Ask(request);
    EXPECT_EQ(decision.refusal.code(), absl::StatusCode::kInvalidArgument) << field;
    EXPECT_THAT(std::string(decision.refusal.message()), HasSubstr(field));
    EXPECT_EQ(desk.StateOf("return-screening"), v1::DUTY_STATE_OPEN);
  }
}

TEST(ScreeningRules, AClearConcernIdentifiesNobodyAndAsksAPerson) {
  Desk desk = BackDesk();
  const Decision decision = desk.Ask(Result(v1::SCREENING_BAND_CLEAR));
  ASSERT_EQ(decision.events.size(), 1u);
  EXPECT_NE(As<v1::ScreeningCompleted>(decision.events[0].payload.get()), nullptr);
  EXPECT_TRUE(static_cast<const v1::ScreeningReply&>(*decision.reply).decision_awaited());
  desk.Ask(Result(v1::SCREENING_BAND_LOW));
  EXPECT_TRUE(desk.state().decision_awaited()) << "a lower result later decides nothing";
  desk.Ask(Decides(v1::IDENTIFICATION_DECISION_NOT_IDENTIFIED));
  EXPECT_FALSE(desk.state().decision_awaited());
}

TEST(ScreeningRules, APersonsDecisionIdentifiesOnceWithWhoAndWhen) {
  Desk desk = BackDesk();
  v1::IdentifyVictimRequest request = Decides(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  *request.mutable_decided_at() = ToProto(kBack + absl::Minutes(30));
  const Decision decision = desk.Ask(request);
  ASSERT_EQ(decision.events.size(), 1u);
  const auto* identified = As<v1::VictimIdentified>(decision.events[0].payload.get());
  ASSERT_NE(identified, nullptr);
  EXPECT_EQ(decision.events[0].occurred_at, kBack + absl::Minutes(30));
  EXPECT_EQ(identified->identification().decided_by_id(), "worker-9");
  EXPECT_EQ(FromProto(identified->identification().received_at()), kBack + absl::Hours(1));
  EXPECT_EQ(desk.Ask(request).refusal.code(), absl::StatusCode::kFailedPrecondition);
  request.clear_decided_by_id();
  EXPECT_THAT(std::string(desk.Ask(request).refusal.message()), HasSubstr("a person decides"));
}

TEST(ScreeningRules, AYouthWhoIsStillMissingCanBeIdentified) {
  Desk desk;
  desk.Opened();
  EXPECT_EQ(desk.Ask(Decides(v1::IDENTIFICATION_DECISION_IDENTIFIED)).events.size(), 1u);
}

TEST(ScreeningRules, LosAngelesAsksForAMedicalEvaluationOfAnIdentifiedYouth) {
  Desk desk;
  v1::Episode back = RobinBack();
  back.set_jurisdiction("us-ca-los-angeles");
  desk.Returned(back);
  EXPECT_EQ(desk.StateOf("medical-evaluation"), v1::DUTY_STATE_UNSPECIFIED);
  desk.Ask(Decides(v1::IDENTIFICATION_DECISION_IDENTIFIED));
  EXPECT_EQ(desk.DueAfterReturn("medical-evaluation"), absl::Hours(73));
}

TEST(ScreeningRules, MedicalWindowsCountFromTheLastExposure) {
  Desk desk = BackDesk();
  v1::RecordExposureRequest exposure;
  *exposure.mutable_last_exposure_at() = ToProto(kBack - absl::Hours(10));
  ASSERT_TRUE(desk.Ask(exposure).refusal.ok());
  EXPECT_EQ(desk.DueAfterReturn("medical-hiv"), absl::Hours(62));
  EXPECT_EQ(desk.DueAfterReturn("medical-exam"), absl::Hours(86));
  EXPECT_EQ(desk.DueAfterReturn("medical-contraception"), absl::Hours(110));
}

TEST(ScreeningRules, AnOfferIsMadeOnlyOnceItWasAnswered) {
  Desk desk = BackDesk();
  EXPECT_THAT(
      std::string(desk.Ask(Offer("medical-hiv", v1::MEDICAL_ANSWER_ACCEPTED)).refusal.message()),
      HasSubstr("not known: possible assault"));
  desk.Ask(v1::RecordExposureRequest());
  ASSERT_TRUE(desk.Ask(Offer("medical-hiv", v1::MEDICAL_ANSWER_OFFERED)).refusal.ok());
  EXPECT_EQ(desk.StateOf("medical-hiv"), v1::DUTY_STATE_OPEN);
  desk.Ask(Offer("medical-hiv", v1::MEDICAL_ANSWER_DECLINED), kBack + absl::Hours(80));
  EXPECT_EQ(desk.StateOf("medical-hiv"), v1::DUTY_STATE_MET);
  EXPECT_EQ(FromProto(desk.Task("medical-hiv").met_at()), kBack + absl::Hours(1))
      << "in time: it was offered then";
  EXPECT_EQ(desk.StateOf("medical-exam"), v1::DUTY_STATE_OPEN) << "each for itself";
  EXPECT_EQ(desk.Ask(Offer("return-photo", v1::MEDICAL_ANSWER_ACCEPTED)).refusal.code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(ScreeningRules, WhenAllIsDoneNothingIsOpen) {
  Desk desk = BackDesk();
  desk.Ask(Result(v1::SCREENING_BAND_LOW));
  v1::RecordInterviewRequest interview;
  interview.mutable_interview()->set_interviewer_id("worker-7");
  const Decision empty = desk.Ask(interview);
  EXPECT_EQ(static_cast<const v1::ScreeningReply&>(*empty.reply).warnings_size(), 1);
  EXPECT_TRUE(desk.active());
  desk.Ask(v1::RecordReturnPhotoRequest());
  EXPECT_FALSE(desk.active());
}

TEST(ScreeningRules, APackThatChangesLaterForgetsNoTask) {
  Desk desk = BackDesk();
  const std::string hash = desk.Task("return-interview").policy_hash();
  const char* kOther =
      "pack: us-zz\nextends: us\nname: Nowhere\nwithout_rules: [return-screening]\n";
  desk.UsePacks({{"none.yaml", kOther}});
  v1::Episode moved = RobinBack();
  moved.set_jurisdiction("us-zz");
  desk.Returned(moved);
  EXPECT_EQ(desk.StateOf("return-screening"), v1::DUTY_STATE_OPEN);
  EXPECT_EQ(desk.Task("return-interview").policy_hash(), hash) << "it was computed from that";
  desk.Ask(Result(v1::SCREENING_BAND_LOW));
  EXPECT_EQ(desk.StateOf("return-screening"), v1::DUTY_STATE_MET);
}

TEST(ScreeningRules, AnEpisodeThatNobodyKnowsIsNamedAsSuch) {
  Desk desk;
  EXPECT_EQ(desk.Ask(Result(v1::SCREENING_BAND_LOW)).refusal.code(), absl::StatusCode::kNotFound);
}

TEST(ScreeningRules, NoMessageHasAPlaceForItemsOrAnswers) {
  std::vector<std::string> texts;
  const auto& result = *v1::ScreeningResult::descriptor();
  for (int i = 0; i < result.field_count(); ++i) {
    if (result.field(i)->type() == google::protobuf::FieldDescriptor::TYPE_STRING)
      texts.push_back(result.field(i)->name());
  }
  EXPECT_THAT(
      texts, ::testing::ElementsAre("tool_id", "tool_version", "screener_id", "screener_training"));
}

}  // namespace
}  // namespace porchlight::screening_rules_test
