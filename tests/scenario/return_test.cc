// Scenarios of a return: what is asked for by when, what a person records of it, and whom a
// decision calls together. Any unexpected message fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/policy/loader.h"
#include "tests/support/world.h"

namespace porchlight::return_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kEpisode[] = "youth-1_e1";

v1::ReportMissingRequest Missing(bool exercise = false) {
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  request.set_placement("Maple House");
  request.set_exercise(exercise);
  return request;
}

// An advocate and a clinic, with the packs that this build brings.
v1::Directory TeamDirectory() {
  v1::Directory directory;
  v1::TeamRoster& roster = *directory.add_rosters();
  roster.set_roster_id("county");
  roster.set_chase_after_minutes(60);
  for (const auto& [role, kind] : {std::pair{"advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE},
                                   std::pair{"clinic", v1::RECIPIENT_KIND_HEALTH_PROVIDER}}) {
    v1::Recipient member = TestRecipient(role, v1::RECIPIENT_KIND_TEAM_MEMBER);
    *directory.add_recipients() = member;
    v1::TeamSeat& seat = *roster.add_seats();
    seat.set_role(role);
    seat.set_kind(kind);
    seat.set_required(true);
    seat.add_recipient_ids(role);
  }
  const PackSet packs = LoadPacks({}).value();
  for (const auto& [id, pack] : packs.packs()) *directory.add_packs() = pack;
  return directory;
}

v1::CompleteScreeningRequest ClearConcern() {
  v1::CompleteScreeningRequest request;
  request.set_episode_id(kEpisode);
  v1::ScreeningResult& result = *request.mutable_result();
  result.set_tool_id("example-tool");
  result.set_tool_version("2.0");
  result.set_screener_id("worker-7");
  result.set_screener_training("example course");
  result.set_band(v1::SCREENING_BAND_CLEAR);
  return request;
}

v1::IdentifyVictimRequest Identified() {
  v1::IdentifyVictimRequest request;
  request.set_episode_id(kEpisode);
  request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  request.set_decided_by_id("worker-9");
  return request;
}

v1::AcknowledgeTeamNoticeRequest Answer(const std::string& seat) {
  v1::AcknowledgeTeamNoticeRequest request;
  request.set_notice_id(std::string(kEpisode) + "_t1");
  request.set_seat_or_member(seat);
  request.set_how(v1::REACHED_BY_PHONE);
  return request;
}

std::vector<std::string> OpenTasks(const v1::ScreeningState& state) {
  std::vector<std::string> open;
  for (const v1::ScreeningTask& task : state.tasks()) {
    if (task.state() == v1::DUTY_STATE_OPEN) open.push_back(task.rule_id());
  }
  return open;
}

// Without what notification tells.
std::vector<std::string> ToTeam(World& world) {
  std::vector<std::string> team;
  for (const std::string& line : world.TakeSent()) {
    if (line.find("team") != std::string::npos) team.push_back(line);
  }
  return team;
}

absl::Status Do(World& world, const std::string& service, const std::string& request_id,
                const auto& request) {
  if (service == "mdt")
    return world.Ask<v1::TeamNoticeReply>(service, request_id, kEpisode, request).status();
  return world.Ask<v1::ScreeningReply>(service, request_id, kEpisode, request).status();
}

TEST(Return, EveryReturnAsksForAScreeningAnInterviewAndAPhoto) {
  World world;
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  EXPECT_THAT(OpenTasks(world.Screening(kEpisode)), IsEmpty());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  EXPECT_THAT(OpenTasks(world.Screening(kEpisode)),
              UnorderedElementsAre("return-screening", "return-interview", "return-photo"));
  // The next episode's return has tasks of its own.
  ASSERT_TRUE(world.Report("request-3", Missing()).ok());
  ASSERT_TRUE(world.Return("request-4", "youth-1_e2").ok());
  EXPECT_EQ(OpenTasks(world.Screening("youth-1_e2")).size(), 3u);
}

TEST(Return, AClearConcernWaitsForAPersonWhoseDecisionCallsTheTeam) {
  World world;
  world.SetDirectory(TeamDirectory());
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  world.TakeSent();
  ASSERT_EQ(Do(world, "screening", "request-3", ClearConcern()), absl::OkStatus());
  world.Kill("oncall");  // it would go on asking, every minute, whether anybody can be reached
  world.Advance(absl::Hours(200));
  EXPECT_THAT(ToTeam(world), IsEmpty()) << "a result identifies nobody";
  EXPECT_TRUE(world.Screening(kEpisode).decision_awaited());

  ASSERT_EQ(Do(world, "screening", "request-4", Identified()), absl::OkStatus());
  EXPECT_THAT(ToTeam(world),
              UnorderedElementsAre("advocate: Your multidisciplinary team is called together",
                                   "clinic: Your multidisciplinary team is called together"));
  ASSERT_EQ(Do(world, "mdt", "request-5", Answer("clinic")), absl::OkStatus());
  world.Advance(absl::Minutes(61));
  EXPECT_THAT(ToTeam(world), ElementsAre("advocate: Please answer: your multidisciplinary team is "
                                         "called together"));
  ASSERT_EQ(Do(world, "mdt", "request-6", Answer("advocate")), absl::OkStatus());
  EXPECT_EQ(world.Team(kEpisode).notices(0).state(), v1::TEAM_NOTICE_STATE_COMPLETE);
  world.Advance(absl::Hours(48));
  EXPECT_THAT(ToTeam(world), IsEmpty());
}

TEST(Return, TheSameRequestIdCountsOnce) {
  World world;
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  const auto first =
      world.Ask<v1::ScreeningReply>("screening", "request-3", kEpisode, ClearConcern());
  const auto again =
      world.Ask<v1::ScreeningReply>("screening", "request-3", kEpisode, ClearConcern());
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(first->SerializeAsString(), again->SerializeAsString());
  EXPECT_EQ(world.Screening(kEpisode).results_size(), 1);
  v1::CompleteScreeningRequest other = ClearConcern();
  other.mutable_result()->set_band(v1::SCREENING_BAND_LOW);
  EXPECT_EQ(Do(world, "screening", "request-3", other).code(), absl::StatusCode::kAlreadyExists);
}

TEST(Return, ADrillStaysADrill) {
  World world;
  v1::Directory directory = TeamDirectory();
  v1::Recipient drill = TestRecipient("drill-desk", v1::RECIPIENT_KIND_TEAM_MEMBER);
  drill.set_exercise_only(true);
  *directory.add_recipients() = drill;
  directory.mutable_rosters(0)->mutable_seats(0)->add_recipient_ids("drill-desk");
  world.SetDirectory(directory);
  ASSERT_TRUE(world.Report("request-1", Missing(true)).ok());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  world.TakeSent();
  ASSERT_EQ(Do(world, "screening", "request-3", Identified()), absl::OkStatus());
  EXPECT_THAT(ToTeam(world),
              ElementsAre("drill-desk: Your multidisciplinary team is called together"));
  EXPECT_TRUE(world.Team(kEpisode).notices(0).exercise());
  world.Advance(absl::Hours(3));
  for (const std::string& line : ToTeam(world)) EXPECT_EQ(line.rfind("drill-desk", 0), 0u) << line;
}

TEST(Return, AfterARestartWithTheStoresGoneNothingIsLostOrAskedTwice) {
  World world;
  world.SetDirectory(TeamDirectory());
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  ASSERT_TRUE(world.Return("request-2", kEpisode).ok());
  ASSERT_EQ(Do(world, "screening", "request-3", Identified()), absl::OkStatus());
  world.TakeSent();
  world.screening_store.WipeAll();
  world.mdt_store.WipeAll();
  world.Restart();
  world.Advance(absl::Minutes(59));
  EXPECT_THAT(ToTeam(world), IsEmpty());
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(ToTeam(world).size(), 2u);
  EXPECT_EQ(OpenTasks(world.Screening(kEpisode)).size(), 3u);
  EXPECT_EQ(Do(world, "screening", "request-4", Identified()).code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(Return, ATeamThatNoRosterCoversIsCalledOnceOneDoes) {
  World world;
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  world.TakeSent();
  ASSERT_EQ(Do(world, "screening", "request-2", Identified()), absl::OkStatus());
  world.Advance(absl::Minutes(10));
  EXPECT_THAT(ToTeam(world), IsEmpty());
  EXPECT_EQ(world.Team(kEpisode).without_roster_size(), 1);
  world.SetDirectory(TeamDirectory());
  world.Advance(absl::Minutes(2));
  EXPECT_EQ(ToTeam(world).size(), 2u);
  world.Advance(absl::Minutes(5));
  EXPECT_THAT(ToTeam(world), IsEmpty());
}

}  // namespace
}  // namespace porchlight::return_test
