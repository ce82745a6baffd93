// Scenarios of law, on a manual clock: a report, what people type in, a return; and exactly who is
// told when. Any unexpected message fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/policy/loader.h"
#include "tests/support/world.h"

namespace porchlight::notices_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kEpisode[] = "youth-1_e1";
constexpr char kMissing[] = ": A youth is missing from care";
constexpr char kFacts[] = ": New facts on a youth missing from care";
constexpr char kReturned[] = ": A youth missing from care has returned";

std::string Hears(const std::string& who, const char* what) { return who + what; }

// Somebody of each kind that the packs name.
v1::Directory Everybody() {
  v1::Directory directory;
  const std::pair<const char*, v1::RecipientKind> people[] = {
      {"police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT},
      {"ncmec", v1::RECIPIENT_KIND_NCMEC},
      {"supervisor", v1::RECIPIENT_KIND_SUPERVISOR},
      {"court", v1::RECIPIENT_KIND_COURT},
      {"attorney", v1::RECIPIENT_KIND_ATTORNEY},
      {"guardian", v1::RECIPIENT_KIND_GUARDIAN_AD_LITEM},
      {"advocate", v1::RECIPIENT_KIND_COURT_APPOINTED_ADVOCATE},
      {"parent", v1::RECIPIENT_KIND_PARENT},
      {"tribe", v1::RECIPIENT_KIND_TRIBE},
      {"custodian", v1::RECIPIENT_KIND_INDIAN_CUSTODIAN},
      {"unit", v1::RECIPIENT_KIND_SPECIAL_UNIT},
      {"probation", v1::RECIPIENT_KIND_PROBATION},
      {"hotline", v1::RECIPIENT_KIND_CHILD_ABUSE_HOTLINE},
      {"interstate", v1::RECIPIENT_KIND_INTERSTATE_OFFICE}};
  for (const auto& [id, kind] : people) *directory.add_recipients() = TestRecipient(id, kind);
  const PackSet packs = LoadPacks({}).value();
  for (const auto& [id, pack] : packs.packs()) *directory.add_packs() = pack;
  return directory;
}

class Notices : public ::testing::Test {
 protected:
  Notices() { world.SetDirectory(Everybody()); }

  void Report(const std::string& jurisdiction, const std::vector<v1::Circumstance>& known = {}) {
    v1::ReportMissingRequest request;
    request.set_youth_id("youth-1");
    request.set_placement("Maple House");
    request.set_jurisdiction(jurisdiction);
    for (const v1::Circumstance circumstance : known) request.add_circumstances_known(circumstance);
    ASSERT_TRUE(world.Report("report-1", request).ok());
  }

  void Files(const std::string& about, const std::string& number) {
    v1::FileProofRequest request;
    request.set_episode_id(kEpisode);
    request.set_about(about);
    request.set_number(number);
    request.set_how(v1::REACHED_BY_PHONE);
    const auto reply = world.Ask<v1::FileProofReply>("notification", NextId(), kEpisode, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  void Refuses(const std::string& by) {
    v1::RecordRefusalRequest request;
    request.set_episode_id(kEpisode);
    request.set_by(by);
    request.set_reason("wait a day");
    const auto reply =
        world.Ask<v1::RecordRefusalReply>("notification", NextId(), kEpisode, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  void Adds(v1::FactKind kind, const std::string& text,
            const std::vector<v1::Circumstance>& known = {}) {
    v1::AddToEpisodeRequest request;
    request.set_episode_id(kEpisode);
    request.set_kind(kind);
    request.set_text(text);
    for (const v1::Circumstance circumstance : known) request.add_circumstances_known(circumstance);
    const auto reply = world.Ask<v1::AddToEpisodeReply>("intake", NextId(), kEpisode, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  void Returns() { ASSERT_TRUE(world.Return(NextId(), kEpisode).ok()); }

  void Closes(v1::CloseReason reason) {
    v1::CloseEpisodeRequest request;
    request.set_episode_id(kEpisode);
    request.set_reason(reason);
    const auto reply = world.Ask<v1::CloseEpisodeReply>("intake", NextId(), kEpisode, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  void Identifies() {
    v1::IdentifyVictimRequest request;
    request.set_episode_id(kEpisode);
    request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
    request.set_decided_by_id("worker-9");
    const auto reply = world.Ask<v1::ScreeningReply>("screening", NextId(), kEpisode, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
  }

  std::string NextId() { return "request-" + std::to_string(++requests_); }

  World world;

 private:
  int requests_ = 0;
};

TEST_F(Notices, FederalPoliceAtOnceAndNcmecWithTheCaseNumber) {
  Report("us");
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("police", kMissing)));
  world.Advance(absl::Hours(1));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
  Files("law_enforcement", "26-1234");
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("ncmec", kMissing)));
  world.Advance(absl::Hours(100));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST_F(Notices, FederalNcmecWaitsFourHoursForPoliceAndThenHearsOfTheNumber) {
  Report("us");
  world.Advance(absl::Hours(4) - absl::Minutes(1));
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("police", kMissing)));
  world.Advance(absl::Minutes(2));
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("ncmec", kMissing)));
  world.Advance(absl::Hours(2));
  Files("law_enforcement", "26-1234");
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("ncmec", kFacts)));
}

TEST_F(Notices, FederalFactsGoToPoliceAndNcmecAtMostEveryTenMinutes) {
  Report("us");
  Files("law_enforcement", "26-1234");
  world.TakeSent();
  Adds(v1::FACT_KIND_SIGHTING, "by the bridge");
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kFacts), Hears("ncmec", kFacts)));
  world.Advance(absl::Minutes(1));
  Adds(v1::FACT_KIND_SIGHTING, "at the mall");
  Adds(v1::FACT_KIND_CONTACT, "called a friend");
  EXPECT_THAT(world.TakeSent(), IsEmpty());
  world.Advance(absl::Minutes(11));
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kFacts), Hears("ncmec", kFacts)));
  const std::string text = world.channel->sent().back().outgoing.message.text();
  EXPECT_THAT(text, ::testing::HasSubstr("at the mall"));
  EXPECT_THAT(text, ::testing::HasSubstr("called a friend"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("by the bridge")));
}

TEST_F(Notices, FederalARefusalByPoliceGoesToNcmecAtOnce) {
  Report("us");
  world.channel->Always("police", MemoryChannel::Retry(503));
  world.TakeSent();
  Refuses("law_enforcement");
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(
                  Hears("ncmec", kMissing),
                  "ncmec: Please help with the police report of a youth missing from care"));
  world.Advance(absl::Hours(30));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST_F(Notices, FederalAReturnBeforeNcmecHeardTellsItBothAtOnce) {
  Report("us");
  world.TakeSent();
  world.Advance(absl::Hours(1));
  Returns();
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kReturned), Hears("ncmec", kReturned)));
  world.Advance(absl::Hours(30));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST_F(Notices, FederalAnErrorIsToldAndEndsTheRest) {
  Report("us");
  world.TakeSent();
  Closes(v1::CLOSE_REASON_REPORTED_IN_ERROR);
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre("police: A youth reported as missing from care was not missing",
                                   "ncmec: A youth reported as missing from care was not missing"));
  world.Advance(absl::Hours(30));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST_F(Notices, TexasTellsTheCourtAndThoseWhoStandByTheYouthButNotATerminatedParent) {
  Report("us-tx", {v1::CIRCUMSTANCE_PARENTAL_RIGHTS_TERMINATED});
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kMissing), Hears("court", kMissing),
                                   Hears("attorney", kMissing), Hears("guardian", kMissing),
                                   Hears("supervisor", kMissing), Hears("unit", kMissing)));
  world.Advance(absl::Hours(5));
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("ncmec", kMissing)));
  Returns();
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kReturned), Hears("ncmec", kReturned),
                                   Hears("court", kReturned), Hears("attorney", kReturned),
                                   Hears("guardian", kReturned), Hears("supervisor", kReturned),
                                   Hears("unit", kReturned)));
  world.Advance(absl::Hours(100));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST_F(Notices, TexasTellsTheProbationOfficerWhereThereIsOneAndOfTheReturnToo) {
  Report("us-tx", {v1::CIRCUMSTANCE_PROBATION});
  EXPECT_THAT(world.TakeSent(), ::testing::Contains(Hears("probation", kMissing)));
  Returns();
  EXPECT_THAT(world.TakeSent(), ::testing::Contains(Hears("probation", kReturned)))
      << "told that the youth is missing, so told of the return, though no rule asks for it";
}

TEST_F(Notices, TexasACrimeThatTheInterviewShowsGoesToPoliceAndTheHotline) {
  Report("us-tx");
  Returns();
  world.TakeSent();
  v1::RecordInterviewRequest request;
  request.set_episode_id(kEpisode);
  request.mutable_interview()->set_interviewer_id("worker-7");
  request.mutable_interview()->set_crime_told(true);
  ASSERT_TRUE(world.Ask<v1::ScreeningReply>("screening", NextId(), kEpisode, request).ok());
  EXPECT_THAT(world.TakeSent(), UnorderedElementsAre("police: News of a youth in care",
                                                     "hotline: News of a youth in care"));
}

TEST_F(Notices, CaliforniaTellsTheTribeOfAnIndianChild) {
  Report("us-ca", {v1::CIRCUMSTANCE_INDIAN_CHILD});
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kMissing), Hears("parent", kMissing),
                                   Hears("attorney", kMissing), Hears("advocate", kMissing),
                                   Hears("court", kMissing), Hears("tribe", kMissing),
                                   Hears("custodian", kMissing)));
}

TEST_F(Notices, CaliforniaTellsNobodyOfAParentToWhomTellingIsUnsafe) {
  Report("us-ca");
  EXPECT_THAT(world.TakeSent(), ::testing::Contains(Hears("parent", kMissing)));
  Adds(v1::FACT_KIND_OTHER, "", {v1::CIRCUMSTANCE_TELLING_IS_UNSAFE});
  world.TakeSent();
  Returns();
  EXPECT_THAT(world.TakeSent(),
              UnorderedElementsAre(Hears("police", kReturned), Hears("ncmec", kReturned),
                                   Hears("attorney", kReturned), Hears("advocate", kReturned),
                                   Hears("court", kReturned)));
}

TEST_F(Notices, CaliforniaReportsARiskyPlaceThatTheYouthWasFoundIn) {
  Report("us-ca");
  Files("law_enforcement", "26-1234");
  world.TakeSent();
  Adds(v1::FACT_KIND_LOCATED, "", {v1::CIRCUMSTANCE_UNAPPROVED_RISKY_PLACE});
  EXPECT_THAT(
      world.TakeSent(),
      UnorderedElementsAre("police: News of a youth in care", "ncmec: News of a youth in care",
                           Hears("police", kFacts), Hears("ncmec", kFacts)));
}

TEST_F(Notices, LosAngelesReportsAnIdentifiedVictimToPolice) {
  Report("us-ca-los-angeles");
  world.TakeSent();
  Identifies();
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A report on a youth in care"));
  const v1::NotificationState state = world.Notices(kEpisode);
  EXPECT_EQ(state.notices().rbegin()->kind(), v1::NOTICE_KIND_IDENTIFIED);
  EXPECT_EQ(state.notices().rbegin()->rule_id(), "trafficking-police");
}

TEST_F(Notices, AfterARestartWithTheStoreGoneTheWaitIsKept) {
  Report("us");
  world.TakeSent();
  world.notification_store.WipeAll();
  world.Restart();
  world.Advance(absl::Hours(3));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
  world.Advance(absl::Hours(2));
  EXPECT_THAT(world.TakeSent(), ElementsAre(Hears("ncmec", kMissing)));
}

}  // namespace
}  // namespace porchlight::notices_test
