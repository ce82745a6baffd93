// Scenarios of people who are woken: all services, and what happens when one of them is dead, when
// the process dies, and when people answer by link or telephone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/blob/memory_blob.h"
#include "common/channel/twilio_signature.h"
#include "common/oncall/callbacks.h"
#include "common/oncall/sweep.h"
#include "common/rpc/serve.h"
#include "tests/support/world.h"

namespace porchlight::oncall_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr char kEpisode[] = "youth-1_e1";
constexpr char kAlert[] = "youth-1_a1";
constexpr char kNumber[] = "+12025550101";

v1::ReportMissingRequest Missing(bool exercise = false) {
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  request.set_placement("Maple House");
  request.set_exercise(exercise);
  return request;
}

// The first supervisor, by folder and text message; after ten minutes the second.
v1::Directory TwoLevels(uint32_t escalate_after_seconds = 600) {
  v1::Directory directory =
      DirectoryOf(TestRota("supervisor", {{TestShift({"first"}, "2026-01-05", 7, 480)},
                                          {TestShift({"second"}, "2026-01-05", 7, 480)}}));
  for (v1::RotaLevel& level : *directory.mutable_rotas(0)->mutable_levels())
    level.set_escalate_after_seconds(escalate_after_seconds);
  for (const char* person : {"first", "second"}) *directory.add_recipients() = TestWayOf(person);
  v1::Recipient telephone = TestWayOf("first");
  telephone.set_recipient_id("telephone-of-first");
  telephone.set_channel(v1::CHANNEL_KIND_SMS);
  telephone.set_address(kNumber);
  *directory.add_recipients() = telephone;
  v1::Recipient drill = TestWayOf("first");
  drill.set_recipient_id("drill-way");
  drill.set_exercise_only(true);
  *directory.add_recipients() = drill;
  *directory.add_recipients() = TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  *directory.add_recipients() = TestRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC);
  return directory;
}

class OncallScenario : public ::testing::Test {
 protected:
  OncallScenario() { world.SetDirectory(TwoLevels()); }

  // Those that wake somebody since policy wants it.
  std::vector<std::string> Woken() { return Pages("You are woken"); }
  std::vector<std::string> Pages(const std::string& kind) {
    std::vector<std::string> pages;
    for (const std::string& page : world.TakePages()) {
      if (absl::EndsWith(page, kind)) pages.push_back(page);
    }
    return pages;
  }

  absl::StatusOr<v1::AcknowledgeAlertReply> Acknowledge(const std::string& request_id,
                                                        const std::string& person_id) {
    v1::AcknowledgeAlertRequest request;
    request.set_request_id(request_id);
    request.set_alert_id(kAlert);
    request.set_person_id(person_id);
    request.set_how(v1::REACHED_BY_PHONE);
    v1::AcknowledgeAlertReply reply;
    const absl::Status status =
        world.Submit("oncall", {.request_id = request_id, .youth_id = "youth-1"}, request, reply);
    if (!status.ok()) return status;
    return reply;
  }

  v1::Alert First() { return world.Oncall("youth-1").alerts(0); }

  World world;
};

TEST_F(OncallScenario, SupervisorsAreWokenOneAfterTheOtherUntilOneHasIt) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  EXPECT_THAT(Woken(), UnorderedElementsAre("way-of-first: You are woken",
                                            "telephone-of-first: You are woken"));
  world.Advance(absl::Minutes(10));
  EXPECT_THAT(Woken(), ElementsAre("way-of-second: You are woken"));
  const auto reply = Acknowledge("request-2", "second");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->alert().state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_THAT(reply->warnings(), IsEmpty());
  world.Advance(absl::Hours(2));
  EXPECT_THAT(Woken(), IsEmpty());
}

TEST_F(OncallScenario, TheReturnSilencesAtOnceAndALateAnswerIsKept) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  Woken();
  world.Advance(absl::Hours(1));
  EXPECT_THAT(Woken(), IsEmpty());
  const auto reply = Acknowledge("request-3", "first");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->warnings(), ElementsAre(HasSubstr("over before")));
  EXPECT_EQ(First().answers_size(), 1);
}

TEST_F(OncallScenario, ADeadOwnerIsNoticedAndSoIsWhatItMissed) {
  world.SetDirectory(TwoLevels(6 * 3600));
  world.Kill("notification");
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Minutes(2));
  EXPECT_THAT(world.TakePages(), Contains("way-of-first: Not begun"));
  world.Advance(absl::Hours(24));
  EXPECT_THAT(world.TakePages(), Contains("way-of-first: Overdue"));
}

TEST_F(OncallScenario, AReportThatDeadIntakeLeavesWakesSomebodyUntilItIsDecided) {
  world.Kill("intake");
  EXPECT_TRUE(absl::IsUnavailable(world.Report("request-1", Missing()).status()));
  world.Advance(kWatchAfter - absl::Seconds(1));
  EXPECT_THAT(world.TakePages(), IsEmpty());
  world.Advance(absl::Seconds(5));
  EXPECT_THAT(Pages("A report nobody took up"), Not(IsEmpty()));
  EXPECT_EQ(First().kind(), v1::ALERT_KIND_UNDECIDED);
  world.Revive("intake");
  world.Settle();
  EXPECT_EQ(First().state(), v1::ALERT_STATE_SILENCED);
}

TEST_F(OncallScenario, AClockThatIsAheadPutsOffNoAlarm) {
  world.Kill("intake");
  world.clock.Step(absl::Hours(1));
  EXPECT_TRUE(absl::IsUnavailable(world.Report("request-1", Missing()).status()));
  world.clock.Step(-absl::Hours(1));
  world.Advance(kWatchAfter + absl::Seconds(5));
  EXPECT_THAT(Pages("A report nobody took up"), Not(IsEmpty()));
}

TEST_F(OncallScenario, ADecidedReportWakesNobodyLaterAlsoWhenItIsSentAgain) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Minutes(1));
  EXPECT_THAT(Pages("A report nobody took up"), IsEmpty());
}

TEST_F(OncallScenario, ADrillWakesOnlyByWaysForDrills) {
  world.SetDirectory(TwoLevels(6 * 3600));
  ASSERT_TRUE(world.Report("request-1", Missing(true)).ok());
  world.Advance(absl::Hours(30));
  for (const std::string& page : world.TakePages()) EXPECT_THAT(page, HasSubstr("drill-way"));
  for (const MemoryChannel::Sent& sent : world.pages->sent()) EXPECT_TRUE(sent.outgoing.exercise);
}

TEST_F(OncallScenario, RestartsAtAnyTimeChangeNothingThatPeopleSee) {
  World calm;
  for (World* each : {&calm, &world}) each->SetDirectory(TwoLevels(3600));
  ASSERT_TRUE(calm.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  for (int i = 0; i < 30; ++i) {
    calm.Advance(absl::Minutes(53));
    world.Advance(absl::Minutes(53));
    world.Restart();
    world.Settle();
  }
  const std::vector<std::string> expected = calm.TakePages();
  EXPECT_GT(expected.size(), 10u);
  EXPECT_EQ(world.TakePages(), expected);
}

TEST_F(OncallScenario, WhatCameDueWhileItWasDownIsToldOnceAfterwards) {
  world.Kill("notification");
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Settle();
  world.TakePages();
  world.Kill("oncall");
  world.Advance(absl::Hours(25));
  world.Revive("oncall");
  world.Restart();
  world.Advance(absl::Seconds(5));
  std::vector<std::string> overdue;
  const v1::OncallState state = world.Oncall("youth-1");
  for (const v1::Alert& alert : state.alerts()) {
    if (alert.kind() == v1::ALERT_KIND_MISSED) overdue.push_back(alert.duty_key());
  }
  EXPECT_THAT(overdue, Contains("police.law_enforcement.1.1"));
  std::sort(overdue.begin(), overdue.end());
  EXPECT_EQ(std::unique(overdue.begin(), overdue.end()), overdue.end());
}

// The edge that people's answers come in by.
class OncallEdge : public OncallScenario {
 protected:
  OncallEdge() {
    config_.http.emplace().public_url = "https://porchlight.example";
    AddCallbacks(ports_, {.sms_auth_token = "token-of-sms"}, routes_);
  }

  // The service runs while it is asked, and dies after.
  HttpResponse Ask(HttpRequest request) {
    world.oncall->Run();
    HttpResponse response = routes_.Answer(std::move(request));
    world.Restart();
    world.Settle();
    return response;
  }

  HttpResponse AskLink(const std::string& method) {
    HttpRequest request;
    request.method = method;
    request.target = LinkPath();
    return Ask(std::move(request));
  }

  // As the page has it.
  std::string LinkPath() {
    for (const MemoryChannel::Sent& sent : world.pages->sent()) {
      const std::string& text = sent.outgoing.message.text();
      const size_t begin = text.find("/acknowledge/");
      if (begin != std::string::npos)
        return text.substr(begin, text.find_first_of(" \n", begin) - begin);
    }
    return "";
  }

  HttpResponse Text(const std::string& body, const std::string& message_id,
                    const std::string& token = "token-of-sms") {
    const FormFields form = {{"From", kNumber}, {"Body", body}, {"MessageSid", message_id}};
    HttpRequest request;
    request.method = "POST";
    request.target = "/callbacks/sms";
    request.body = EncodeForm(form);
    request.headers["x-twilio-signature"] =
        SignTwilio(token, "https://porchlight.example/callbacks/sms", form);
    return Ask(std::move(request));
  }

  Config config_ = DefaultConfig();
  RulesOptions options_{.config = config_, .link_key = {}};
  Commands commands_{"oncall",    world.log,  world.keys, world.OutcomesOf("oncall"),
                     kTestAgency, kPartitions};
  States states_{world.oncall_rules, world.oncall_store, world.keys, kPartitions};
  MemoryBlob blob_;
  SeededIds ids_{7};
  rpc::Gate gate_{world.clock};
  DirectoryView directory_{world.log, world.keys};
  Gauges gauges_;
  EdgePorts ports_{commands_,   states_, world.keys, blob_,      ids_,
                   world.clock, gate_,   options_,   directory_, gauges_};
  HttpRouter routes_;
};

TEST_F(OncallEdge, ALinkShowsAndOnlyItsButtonAcknowledges) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  const HttpResponse shown = AskLink("GET");
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr("<form method=\"post\">"));
  EXPECT_THAT(shown.body, Not(HasSubstr("<script")));
  EXPECT_EQ(First().state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(AskLink("POST").status, 200);
  EXPECT_EQ(First().state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_EQ(First().answers(0).person_id(), "first");
  EXPECT_EQ(First().answers(0).how(), v1::REACHED_BY_WEB);
  EXPECT_EQ(AskLink("POST").status, 200);
  EXPECT_EQ(First().answers_size(), 1);
  EXPECT_THAT(AskLink("GET").body, HasSubstr("This is over"));
}

TEST_F(OncallEdge, AForgedLinkIsRefused) {
  HttpRequest request;
  request.method = "POST";
  request.target = "/acknowledge/AAAA";
  EXPECT_EQ(routes_.Answer(std::move(request)).status, 403);
}

TEST_F(OncallEdge, AnAnswerByTextMessageCountsWithTheProvidersSignatureOnly) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  EXPECT_EQ(Text("ACK", "SM1", "another-token").status, 403);
  for (const char* no : {"who is this?", "You have the wrong number", "15 minutes?", "okra", ""})
    EXPECT_THAT(Text(no, "SM2").body, HasSubstr("Answer ACK")) << no;
  EXPECT_EQ(Text("ack", "").status, 400) << "a repetition couldn't be told from it";
  EXPECT_EQ(First().state(), v1::ALERT_STATE_OPEN);
  EXPECT_THAT(Text(" Ack, on my way", "SM3").body, HasSubstr("Thank you"));
  EXPECT_EQ(First().state(), v1::ALERT_STATE_ACKNOWLEDGED);
  EXPECT_THAT(Text(" Ack, on my way", "SM3").body, Not(HasSubstr("could not")));
  EXPECT_EQ(First().answers_size(), 1);
}

TEST_F(OncallEdge, ATextMessageThatComesAgainAnswersNothingNewer) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  EXPECT_THAT(Text("ack", "SM1").body, HasSubstr("Thank you"));
  v1::ReportMissingRequest other = Missing();
  other.set_youth_id("youth-2");
  ASSERT_TRUE(world.Report("request-2", other).ok());
  world.Advance(absl::Seconds(1));
  EXPECT_THAT(Text("ack", "SM1").body, HasSubstr("Nothing is open"));
  EXPECT_EQ(world.Oncall("youth-2").alerts(0).state(), v1::ALERT_STATE_OPEN);
  EXPECT_THAT(Text("ack", "SM2").body, HasSubstr("Thank you"));
}

TEST_F(OncallEdge, TheHeartbeatIsCalledWhileTheSweepIsClean) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  Sweep sweep(ports_);
  EXPECT_FALSE(sweep.HeartbeatIsDue(absl::Minutes(1))) << "nothing was looked at yet";
  ASSERT_TRUE(sweep.Step());
  EXPECT_TRUE(sweep.HeartbeatIsDue(absl::Minutes(1)));
  EXPECT_FALSE(sweep.HeartbeatIsDue(absl::Minutes(1)));
  world.Advance(absl::Minutes(1));
  EXPECT_FALSE(sweep.HeartbeatIsDue(absl::Minutes(1))) << "the last pass was too long ago";
  sweep.Step();
  EXPECT_TRUE(sweep.HeartbeatIsDue(absl::Minutes(1)));
}

TEST_F(OncallEdge, ALostTimerIsNoticedAndSetAgain) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  MemoryStore::Contents contents = world.oncall_store.Snapshot();
  for (auto& [partition, kept] : contents) kept.timers.clear();
  world.oncall_store.Restore(contents);
  world.Restart();
  Sweep sweep(ports_);
  sweep.Step();
  EXPECT_FALSE(sweep.IsClean());
  EXPECT_FALSE(sweep.HeartbeatIsDue(absl::Minutes(1)));
  world.Advance(absl::Seconds(1));
  sweep.Step();
  EXPECT_TRUE(sweep.IsClean());
  world.TakePages();
  world.Advance(absl::Minutes(10));
  EXPECT_THAT(Woken(), ElementsAre("way-of-second: You are woken"));
}

TEST_F(OncallEdge, AnOverdueTimerIsNotClean) {
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Seconds(1));
  world.Kill("oncall");
  world.Advance(absl::Minutes(30));
  Sweep sweep(ports_);
  sweep.Step();
  EXPECT_FALSE(sweep.IsClean());
}

TEST_F(OncallEdge, AnAlertThatReachesNobodyIsNotClean) {
  v1::Directory nobody = TwoLevels();
  nobody.clear_rotas();
  nobody.mutable_recipients()->DeleteSubrange(0, 4);
  world.SetDirectory(nobody);
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.Advance(absl::Minutes(3));
  EXPECT_THAT(world.TakePages(), IsEmpty());
  Sweep sweep(ports_);
  sweep.Step();
  EXPECT_FALSE(sweep.IsClean());
}

}  // namespace
}  // namespace porchlight::oncall_test
