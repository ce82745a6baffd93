// The rules of the multidisciplinary team, as sentences of policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/policy/loader.h"
#include "common/team/roster.h"
#include "porchlight/v1/screening.pb.h"
#include "services/mdt/rules.h"

namespace porchlight::mdt_rules_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kStart = absl::FromUnixSeconds(1'780'000'000);

v1::Episode Robin(v1::EpisodeState state = v1::EPISODE_STATE_MISSING) {
  v1::Episode episode;
  episode.set_episode_id("youth-1_e1");
  episode.set_youth_id("youth-1");
  episode.set_state(state);
  *episode.mutable_received_at() = ToProto(kStart);
  v1::YouthFacts& youth = *episode.mutable_youth();
  youth.set_first_name("first-marker");
  youth.set_last_name("last-marker");
  youth.set_physical_description("description-marker");
  youth.set_endangerment("endangerment-marker");
  youth.set_health("health-marker");
  episode.set_last_seen_place("circumstances-marker");
  episode.set_circumstances("narrative-marker");
  episode.set_reporter_contact("contact-marker");
  return episode;
}

v1::Recipient Person(const std::string& id, bool exercise_only = false) {
  v1::Recipient recipient;
  recipient.set_recipient_id(id);
  recipient.set_kind(v1::RECIPIENT_KIND_TEAM_MEMBER);
  recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
  recipient.set_exercise_only(exercise_only);
  return recipient;
}

void AddSeat(const std::string& role, v1::RecipientKind kind, bool required,
             v1::TeamRoster& roster) {
  v1::TeamSeat& seat = *roster.add_seats();
  seat.set_role(role);
  seat.set_kind(kind);
  seat.set_required(required);
  seat.add_recipient_ids(role + "-desk");
}

// Police and advocate must answer, the clinic may.
v1::Directory ThreeSeats() {
  v1::Directory directory;
  v1::TeamRoster& roster = *directory.add_rosters();
  roster.set_roster_id("county");
  roster.set_chase_after_minutes(30);
  AddSeat("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, true, roster);
  AddSeat("advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE, true, roster);
  AddSeat("clinic", v1::RECIPIENT_KIND_HEALTH_PROVIDER, false, roster);
  for (const char* id : {"police-desk", "advocate-desk", "clinic-desk"})
    *directory.add_recipients() = Person(id);
  return directory;
}

// A pack over the federal one that calls the team on something else too.
void AddPack(const std::string& rule, v1::Directory& directory) {
  const PackSet set =
      ParsePacks({{"test.yaml", "pack: us-zz\nextends: us\nname: Nowhere\nrules:\n" + rule}})
          .value();
  *directory.add_packs() = *set.Find("us-zz");
}

constexpr char kOnMissing[] =
    "  - id: team-missing\n    title: Call the team\n    citation: Example Code 1\n"
    "    on: missing\n    action: team\n    tell: team_member\n    by: coordinator\n"
    "    due: 2 hours from received\n    proved_by: [acknowledgement, meeting_held]\n";
constexpr char kOnRiskyReturn[] =
    "  - id: team-risk\n    title: Call the team\n    citation: Example Code 2\n"
    "    on: returned\n    action: team\n    tell: team_member\n    by: coordinator\n"
    "    due: 72 hours from received\n    if_any: trafficking_risk\n    proved_by: meeting_held\n";

// One episode's team, as the processor would drive it.
class Team {
 public:
  explicit Team(v1::Directory with = ThreeSeats()) : directory(std::move(with)) {}

  Decision Opened(const v1::Episode& episode = Robin()) {
    v1::EpisodeOpened opened;
    *opened.mutable_episode() = episode;
    return Decide(&opened, v1::INPUT_KIND_EVENT);
  }
  Decision Returned() {
    v1::YouthReturned returned;
    *returned.mutable_episode() = Robin(v1::EPISODE_STATE_RETURNED);
    returned.mutable_episode()->set_jurisdiction(state_.episode().jurisdiction());
    return Decide(&returned, v1::INPUT_KIND_EVENT);
  }
  Decision Identified() {
    v1::VictimIdentified identified;
    identified.mutable_identification()->set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
    *identified.mutable_identification()->mutable_decided_at() = ToProto(now);
    *identified.mutable_identification()->mutable_received_at() = ToProto(now);
    return Decide(&identified, v1::INPUT_KIND_EVENT);
  }
  Decision Screened(v1::ScreeningBand band) {
    v1::ScreeningCompleted completed;
    completed.mutable_result()->set_band(band);
    return Decide(&completed, v1::INPUT_KIND_EVENT);
  }
  Decision Answers(const std::string& seat, v1::ReachedBy how = v1::REACHED_BY_PHONE) {
    v1::AcknowledgeTeamNoticeRequest request;
    request.set_notice_id("youth-1_e1_t1");
    request.set_seat_or_member(seat);
    request.set_how(how);
    return Decide(&request, v1::INPUT_KIND_COMMAND);
  }
  Decision Meets(absl::Duration before_now = absl::ZeroDuration()) {
    v1::RecordMeetingRequest request;
    request.mutable_meeting()->set_coordinator_id("worker-7");
    request.mutable_meeting()->set_youth_voice(v1::YOUTH_VOICE_TOOK_PART);
    *request.mutable_meeting()->mutable_held_at() = ToProto(now - before_now);
    return Decide(&request, v1::INPUT_KIND_COMMAND);
  }
  Decision Fires(const std::string& timer_id) {
    return Decide(nullptr, v1::INPUT_KIND_TIMER, timer_id);
  }
  // Every message of this decision arrived.
  void Arrives(const Decision& decision) {
    for (const NewDelivery& made : decision.deliveries) {
      settled_.set_delivery_id(made.delivery_id);
      settled_.set_state(v1::DELIVERY_STATE_DELIVERED);
      Decide(nullptr, v1::INPUT_KIND_DELIVERY);
    }
  }

  const v1::TeamNotice& notice(int i = 0) const { return state_.notices(i); }
  const v1::MdtState& state() const { return state_; }
  bool active() const { return rules_.Active(state_); }

  v1::Directory directory;
  absl::Time now = kStart;

 private:
  Decision Decide(const google::protobuf::Message* payload, v1::InputKind kind,
                  const std::string& timer_id = "") {
    Input input;
    input.kind = kind;
    input.service = "mdt";
    input.aggregate_id = "youth-1_e1";
    input.input_id = "input-" + std::to_string(++inputs_);
    input.payload = payload;
    input.timer_id = timer_id;
    input.delivery = settled_;
    input.header.set_episode_id("youth-1_e1");
    if (payload != nullptr) *input.header.mutable_received_at() = ToProto(now);
    input.now = now;
    Decision decision = rules_.Decide(state_, input, directory);
    for (const NewEvent& event : decision.events)
      rules_.Evolve(state_, {input.header, *event.payload});
    return decision;
  }

  const MdtRules rules_{{.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}};
  v1::MdtState state_;
  v1::DeliveryStatus settled_;
  int inputs_ = 0;
};

std::vector<std::string> Told(const Decision& decision) {
  std::vector<std::string> told;
  for (const NewDelivery& made : decision.deliveries) told.push_back(made.recipient.recipient_id());
  return told;
}

template <typename Payload>
int Count(const Decision& decision) {
  return static_cast<int>(std::count_if(
      decision.events.begin(), decision.events.end(),
      [](const NewEvent& event) { return As<Payload>(event.payload.get()) != nullptr; }));
}

// A team that was called because the youth was identified.
Team CalledTeam() {
  Team team;
  team.Opened();
  team.Arrives(team.Identified());
  return team;
}

TEST(MdtRules, FederalPolicyCallsTheTeamWhenAYouthIsIdentifiedAndNotBefore) {
  Team team;
  EXPECT_THAT(Told(team.Opened()), IsEmpty());
  EXPECT_THAT(Told(team.Screened(v1::SCREENING_BAND_CLEAR)), IsEmpty());
  EXPECT_THAT(Told(team.Identified()), ElementsAre("police-desk", "advocate-desk", "clinic-desk"));
  EXPECT_EQ(FromProto(team.notice().due_at()), kStart + absl::Hours(72));
  EXPECT_EQ(team.notice().citation(), "42 USC 671(a)(9)(C)(i); NCYL (Walker and Quraishi)");
  EXPECT_THAT(Told(team.Identified()), IsEmpty()) << "once";
}

TEST(MdtRules, WhichTriggerCallsTheTeamIsThePacksToSay) {
  v1::Directory directory = ThreeSeats();
  AddPack(kOnMissing, directory);
  Team team(directory);
  v1::Episode episode = Robin();
  episode.set_jurisdiction("us-zz");
  EXPECT_EQ(Told(team.Opened(episode)).size(), 3u);
  EXPECT_EQ(team.notice().rule_id(), "team-missing");
}

TEST(MdtRules, AScreeningThatShowsRiskCallsTheTeamWhereThePackSaysSo) {
  v1::Directory directory = ThreeSeats();
  AddPack(kOnRiskyReturn, directory);
  Team team(directory);
  v1::Episode episode = Robin();
  episode.set_jurisdiction("us-zz");
  team.Opened(episode);
  EXPECT_THAT(Told(team.Returned()), IsEmpty());
  EXPECT_THAT(Told(team.Screened(v1::SCREENING_BAND_LOW)), IsEmpty());
  EXPECT_EQ(Told(team.Screened(v1::SCREENING_BAND_POSSIBLE)).size(), 3u);
  EXPECT_TRUE(team.Screened(v1::SCREENING_BAND_POSSIBLE).events.empty());
}

TEST(MdtRules, AnIdentificationThatIsHeardBeforeTheEpisodeIsNotForgotten) {
  Team team;
  EXPECT_THAT(Told(team.Identified()), IsEmpty());
  EXPECT_EQ(Told(team.Opened()).size(), 3u);
}

struct SeatRow {
  std::string seat;
  std::vector<std::string> told;
  friend void PrintTo(const SeatRow& row, std::ostream* out) { *out << row.seat; }
};

class SeatTest : public ::testing::TestWithParam<SeatRow> {};

TEST_P(SeatTest, IsToldThisAndNoMore) {
  Team team;
  team.Opened();
  const Decision decision = team.Identified();
  for (const NewDelivery& made : decision.deliveries) {
    if (made.recipient.recipient_id() != GetParam().seat + "-desk") continue;
    const v1::Message& message = made.message;
    for (const std::string what :
         {"first-marker", "last-marker", "description-marker", "endangerment-marker",
          "health-marker", "circumstances-marker", "narrative-marker", "contact-marker",
          "sex trafficking", "42 USC"}) {
      const bool told =
          std::find(GetParam().told.begin(), GetParam().told.end(), what) != GetParam().told.end();
      for (const std::string& text :
           {message.text(), message.json(), message.attachments(0).content()})
        EXPECT_EQ(text.find(what) != std::string::npos, told) << what;
    }
    EXPECT_THAT(message.subject(), Not(HasSubstr("marker")));
    EXPECT_THAT(message.subject(), Not(HasSubstr("trafficking")));
    return;
  }
  FAIL() << "the seat was told nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Seats, SeatTest,
    ::testing::Values(SeatRow{"police",
                              {"first-marker", "last-marker", "description-marker",
                               "endangerment-marker", "health-marker", "circumstances-marker",
                               "narrative-marker", "contact-marker", "sex trafficking", "42 USC"}},
                      SeatRow{
                          "clinic",
                          {"first-marker", "last-marker", "description-marker",
                           "endangerment-marker", "health-marker", "sex trafficking", "42 USC"}},
                      SeatRow{"advocate", {"first-marker"}}));

TEST(MdtRules, WhatEachWasToldIsOnRecordByClassAndGround) {
  const Team team = CalledTeam();
  const v1::Disclosure& told = team.notice().seats(1).deliveries(0).disclosure();
  EXPECT_EQ(told.recipient_id(), "advocate-desk");
  EXPECT_THAT(told.disclosed(), ElementsAre(v1::SENSITIVITY_IDENTITY));
  EXPECT_THAT(told.withheld(), ElementsAre(v1::SENSITIVITY_IDENTITY, v1::SENSITIVITY_DESCRIPTION,
                                           v1::SENSITIVITY_CIRCUMSTANCES,
                                           v1::SENSITIVITY_ENDANGERMENT, v1::SENSITIVITY_HEALTH,
                                           v1::SENSITIVITY_NARRATIVE, v1::SENSITIVITY_CONTACT));
  EXPECT_EQ(told.purpose(), "team");
  EXPECT_THAT(told.authority(), HasSubstr("42 USC 671"));
}

struct EnoughRow {
  std::string name;
  uint32_t needed;
  std::vector<bool> required;
  std::vector<int> answered;
  bool enough;
  friend void PrintTo(const EnoughRow& row, std::ostream* out) { *out << row.name; }
};

class EnoughTest : public ::testing::TestWithParam<EnoughRow> {};

TEST_P(EnoughTest, Holds) {
  v1::TeamRoster roster;
  v1::TeamNotice notice;
  roster.set_answers_needed(GetParam().needed);
  for (const bool required : GetParam().required) {
    roster.add_seats()->set_required(required);
    notice.add_seats()->set_required(required);
  }
  SetAnswersNeeded(roster, notice);
  for (const int seat : GetParam().answered) notice.mutable_seats(seat)->mutable_answer();
  EXPECT_EQ(EnoughAnswered(notice), GetParam().enough);
}

INSTANTIATE_TEST_SUITE_P(
    Answers, EnoughTest,
    ::testing::Values(
        EnoughRow{"all required answered", 0, {true, true, false}, {0, 1}, true},
        EnoughRow{"one required is missing", 0, {true, true, false}, {0, 2}, false},
        EnoughRow{"none is required, so all must", 0, {false, false}, {0}, false},
        EnoughRow{"none is required, and all did", 0, {false, false}, {0, 1}, true},
        EnoughRow{"two of three, whichever", 2, {true, false, false}, {1, 2}, true},
        EnoughRow{"one of two needed", 2, {true, false, false}, {0}, false},
        EnoughRow{"more needed than there are seats: all", 9, {true, false}, {0, 1}, true}));

struct RosterRow {
  std::string jurisdiction;
  std::string roster;
  friend void PrintTo(const RosterRow& row, std::ostream* out) { *out << row.jurisdiction; }
};

class RosterTest : public ::testing::TestWithParam<RosterRow> {};

TEST_P(RosterTest, IsTheNearest) {
  v1::Directory directory;
  for (const char* name : {"", "us-ca", "us-ca-los-angeles"}) {
    v1::TeamRoster& roster = *directory.add_rosters();
    roster.set_roster_id(*name == '\0' ? "everywhere" : name);
    if (*name != '\0') roster.add_jurisdictions(name);
  }
  EXPECT_EQ(RosterFor(directory, GetParam().jurisdiction)->roster_id(), GetParam().roster);
}

INSTANTIATE_TEST_SUITE_P(Jurisdictions, RosterTest,
                         ::testing::Values(RosterRow{"us-ca-los-angeles", "us-ca-los-angeles"},
                                           RosterRow{"us-ca-kern", "us-ca"},
                                           RosterRow{"us-tx", "everywhere"},
                                           RosterRow{"", "everywhere"}));

TEST(MdtRules, TheTeamIsCompleteOnceThoseRequiredHaveAnswered) {
  Team team = CalledTeam();
  EXPECT_EQ(Count<v1::TeamComplete>(team.Answers("police")), 0);
  EXPECT_EQ(Count<v1::TeamComplete>(team.Answers("clinic")), 0) << "not required";
  const Decision last = team.Answers("advocate-desk", v1::REACHED_BY_IN_PERSON);
  EXPECT_EQ(Count<v1::TeamComplete>(last), 1);
  EXPECT_THAT(last.timers_removed, ElementsAre("chase/youth-1_e1_t1"));
  EXPECT_EQ(team.notice().seats(1).answer().member_id(), "advocate-desk");
  EXPECT_EQ(team.notice().state(), v1::TEAM_NOTICE_STATE_COMPLETE);
  EXPECT_FALSE(team.active());
}

TEST(MdtRules, WhoHasntAnsweredIsAskedAgainAndNobodyElse) {
  Team team = CalledTeam();
  team.Answers("police");
  team.now += absl::Minutes(30);
  const Decision chase = team.Fires("chase/youth-1_e1_t1");
  EXPECT_THAT(Told(chase), ElementsAre("advocate-desk"));
  EXPECT_THAT(chase.deliveries[0].message.subject(), HasSubstr("Please answer"));
  ASSERT_EQ(chase.timers_set.size(), 1u);
  EXPECT_EQ(FromProto(chase.timers_set[0].due_at()), team.now + absl::Minutes(30));
}

TEST(MdtRules, AMessageThatIsStillBeingTriedNeedsNoReminder) {
  Team team;
  team.Opened();
  team.Identified();
  team.now += absl::Minutes(30);
  EXPECT_THAT(Told(team.Fires("chase/youth-1_e1_t1")), IsEmpty());
}

TEST(MdtRules, AskingInVainStopsAndStaysInSight) {
  Team team = CalledTeam();
  Decision last;
  for (int i = 0; i < 24; ++i) {
    last = team.Fires("chase/youth-1_e1_t1");
    team.Arrives(last);
  }
  EXPECT_EQ(Count<v1::TeamChaseEnded>(last), 1);
  EXPECT_TRUE(last.timers_set.empty());
  EXPECT_TRUE(team.active());
  EXPECT_THAT(team.notice().reason(), HasSubstr("somebody must call"));
}

TEST(MdtRules, AReturnEndsTheCallOfAMissingYouthAtOnceAndSaysSo) {
  v1::Directory directory = ThreeSeats();
  AddPack(kOnMissing, directory);
  Team team(directory);
  v1::Episode episode = Robin();
  episode.set_jurisdiction("us-zz");
  team.Arrives(team.Opened(episode));
  const Decision returned = team.Returned();
  EXPECT_EQ(Count<v1::TeamChaseEnded>(returned), 1);
  EXPECT_THAT(returned.timers_removed, ElementsAre("chase/youth-1_e1_t1"));
  ASSERT_EQ(returned.deliveries.size(), 3u);
  EXPECT_THAT(returned.deliveries[0].message.subject(), HasSubstr("no answer is needed"));
  EXPECT_EQ(team.notice().reason(), "the youth is back");
  EXPECT_TRUE(team.Fires("chase/youth-1_e1_t1").deliveries.empty());

  const Decision late = team.Answers("police");
  ASSERT_TRUE(late.refusal.ok()) << "kept all the same";
  EXPECT_THAT(static_cast<const v1::TeamNoticeReply&>(*late.reply).warnings(0),
              HasSubstr("had ended before"));
  EXPECT_EQ(team.notice().state(), v1::TEAM_NOTICE_STATE_ENDED);
}

TEST(MdtRules, AReturnDoesNotEndTheCallOfAnIdentifiedYouth) {
  Team team = CalledTeam();
  EXPECT_TRUE(team.Returned().deliveries.empty());
  EXPECT_EQ(team.notice().state(), v1::TEAM_NOTICE_STATE_OPEN);
}

TEST(MdtRules, AMeetingAnswersTheCallsBeforeIt) {
  Team team = CalledTeam();
  team.now += absl::Hours(1);
  team.Meets(absl::Hours(2));
  EXPECT_EQ(team.notice().state(), v1::TEAM_NOTICE_STATE_OPEN) << "it was before the call";
  const Decision met = team.Meets();
  EXPECT_THAT(met.timers_removed, ElementsAre("chase/youth-1_e1_t1"));
  EXPECT_EQ(FromProto(team.notice().met_at()), team.now);
  EXPECT_EQ(team.notice().state(), v1::TEAM_NOTICE_STATE_COMPLETE);
  EXPECT_EQ(team.state().meetings_size(), 2);
}

TEST(MdtRules, WithoutARosterItIsTriedEveryMinuteAndTellsNobodyTwice) {
  Team team(v1::Directory{});
  team.Opened();
  const Decision nobody = team.Identified();
  EXPECT_EQ(Count<v1::TeamWithoutRoster>(nobody), 1);
  ASSERT_EQ(nobody.timers_set.size(), 1u);
  EXPECT_EQ(FromProto(nobody.timers_set[0].due_at()), kStart + absl::Minutes(1));
  EXPECT_TRUE(team.active());
  EXPECT_EQ(Count<v1::TeamWithoutRoster>(team.Fires("call")), 0);
  team.directory = ThreeSeats();
  EXPECT_EQ(Told(team.Fires("call")).size(), 3u);
  EXPECT_TRUE(team.state().without_roster().empty());
  EXPECT_THAT(Told(team.Fires("call")), IsEmpty());
}

TEST(MdtRules, ADrillReachesOnlyThoseForDrills) {
  Team team;
  v1::Episode drill = Robin();
  drill.set_exercise(true);
  team.Opened(drill);
  EXPECT_THAT(Told(team.Identified()), IsEmpty());
  *team.directory.add_recipients() = Person("drill-desk", true);
  team.directory.mutable_rosters(0)->mutable_seats(0)->add_recipient_ids("drill-desk");
  const Decision called = team.Fires("call");
  EXPECT_THAT(Told(called), ElementsAre("drill-desk"));
  EXPECT_EQ(called.exercise, true);
  EXPECT_EQ(called.deliveries[0].message.text().rfind("THIS IS AN EXERCISE", 0), 0u);
}

TEST(MdtRules, BadAnswersAreRefusedWithWhatToDo) {
  Team team = CalledTeam();
  const absl::Status seat = team.Answers("dentist").refusal;
  EXPECT_EQ(seat.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(seat.message()), HasSubstr("police, advocate, clinic"));
  EXPECT_EQ(team.Answers("police", v1::REACHED_BY_UNSPECIFIED).refusal.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Team().Answers("police").refusal.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Team().Meets().refusal.code(), absl::StatusCode::kNotFound);
  const Decision future = team.Meets(-absl::Hours(1));
  EXPECT_THAT(std::string(future.refusal.message()), HasSubstr("in the future"));
}

TEST(MdtRules, WordsAreKind) {
  Team team;
  team.Opened();
  for (const NewDelivery& made : team.Identified().deliveries) {
    for (const char* word : {"AWOL", "runaway", "absconded", "offender", "prostitut"})
      EXPECT_THAT(made.message.text(), Not(HasSubstr(word)));
  }
}

}  // namespace
}  // namespace porchlight::mdt_rules_test
