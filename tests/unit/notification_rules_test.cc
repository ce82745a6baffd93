// The rules of notification: who is told when, as policy says, and what each may know. Rows
// read like policy.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/policy/loader.h"
#include "porchlight/v1/screening.pb.h"
#include "tests/support/notice_office.h"

namespace porchlight::notification_rules_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

TEST(Notification, PoliceHearAtOnceAndNcmecWithTheCaseNumber) {
  NoticeOffice office;
  EXPECT_THAT(Told(office.Opened()), ElementsAre("police missing"));
  EXPECT_EQ(office.look_at, kReported + absl::Hours(4)) << "NCMEC's report waits so long at most";
  office.now += absl::Minutes(30);
  const Decision filed = office.Files("law_enforcement", "26-1234");
  EXPECT_THAT(Told(filed), ElementsAre("ncmec missing"));
  EXPECT_THAT(filed.deliveries[0].message.text(), HasSubstr("26-1234"));
  EXPECT_EQ(office.look_at, std::nullopt);
  EXPECT_EQ(filed.policy_hash, LoadPacks({}).value().For("us").pack->content_hash());
}

TEST(Notification, NcmecHearsAfterFourHoursAndThenOfTheNumberThatComesLater) {
  NoticeOffice office;
  office.Opened();
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(3))), IsEmpty());
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(1))), ElementsAre("ncmec missing"));
  office.now += absl::Hours(1);
  const Decision filed = office.Files("law_enforcement", "26-1234");
  EXPECT_THAT(Told(filed), ElementsAre("ncmec supplement"));
  EXPECT_THAT(filed.deliveries[0].message.text(), HasSubstr("26-1234"));
  const v1::Notice& notice = office.last_notice();
  EXPECT_THAT(notice.duty_keys(), ElementsAre("ncmec-police-number.ncmec.1.1"));
  EXPECT_EQ(notice.rule_id(), "ncmec-police-number");
  EXPECT_THAT(Told(office.Files("ncmec", "NC-7")), IsEmpty()) << "told once";
}

TEST(Notification, ANoticeSaysWhichDutyItIsForWhyAndByWhen) {
  NoticeOffice office;
  const Decision decision = office.Opened();
  const v1::Notice& notice = office.last_notice();
  EXPECT_THAT(notice.duty_keys(), ElementsAre("police.law_enforcement.1.1"));
  EXPECT_EQ(notice.rule_id(), "police");
  EXPECT_EQ(notice.citation(), "42 USC 671(a)(35)(B)");
  EXPECT_EQ(FromProto(notice.due_at()), kReported + absl::Hours(24));
  EXPECT_EQ(notice.disclosure().purpose(), "police");
  EXPECT_THAT(notice.disclosure().disclosed(), ::testing::Contains(v1::SENSITIVITY_IDENTITY));
  EXPECT_THAT(decision.deliveries[0].message.text(),
              HasSubstr("Why you are told: Report to police for entry in NCIC"));
}

TEST(Notification, FactsAreToldAtOnceThenTogetherEveryTenMinutes) {
  NoticeOffice office;
  office.Opened();
  office.now += absl::Minutes(5);
  const Decision first = office.Adds("by the bridge");
  EXPECT_THAT(Told(first), ElementsAre("police supplement")) << "NCMEC's waits for its report";
  EXPECT_THAT(first.deliveries[0].message.text(), HasSubstr("by the bridge"));
  office.now += absl::Minutes(2);
  EXPECT_THAT(Told(office.Adds("at the mall")), IsEmpty());
  office.now += absl::Minutes(2);
  EXPECT_THAT(Told(office.Adds("on a bus")), IsEmpty());
  EXPECT_EQ(office.look_at, office.now + absl::Minutes(6));
  const Decision together = office.LooksAfter(absl::Minutes(6));
  ASSERT_THAT(Told(together), ElementsAre("police supplement"));
  const std::string& text = together.deliveries[0].message.text();
  EXPECT_THAT(text, HasSubstr("at the mall"));
  EXPECT_THAT(text, HasSubstr("on a bus"));
  EXPECT_THAT(text, Not(HasSubstr("by the bridge"))) << "told before";
  EXPECT_THAT(office.last_notice().duty_keys(),
              ElementsAre("new-facts.law_enforcement.2.1", "new-facts.law_enforcement.3.1"));
}

TEST(Notification, AReportThatWasNotMadeYetCoversTheFactsThatCameBefore) {
  NoticeOffice office;
  office.Opened();
  office.Adds("by the bridge");
  const Decision later = office.LooksAfter(absl::Hours(4));
  ASSERT_THAT(Told(later), ElementsAre("ncmec missing"));
  EXPECT_THAT(later.deliveries[0].message.text(), HasSubstr("by the bridge"));
  EXPECT_THAT(office.last_notice().duty_keys(),
              ElementsAre("ncmec.ncmec.1.1", "new-facts.ncmec.1.1"));
}

TEST(Notification, WhatTheReportChangedIsNamed) {
  NoticeOffice office;
  office.Opened();
  v1::Episode episode = office.state().episode();
  episode.mutable_youth()->set_hair("blond");
  const Decision decision = office.Updated(episode, {"hair"});
  ASSERT_EQ(decision.deliveries.size(), 1u);
  EXPECT_THAT(decision.deliveries[0].message.text(), HasSubstr("New: hair"));
  EXPECT_THAT(decision.deliveries[0].message.text(), HasSubstr("HAI  Hair: BLN (blond)"));
  EXPECT_TRUE(office.Updated(episode, {}).events.empty()) << "it told nothing new";
}

TEST(Notification, ARefusalByPoliceBeginsTheNextStepAndEndsTheWait) {
  NoticeOffice office;
  const std::string delivery_id = office.Opened().deliveries.at(0).delivery_id;
  office.now += absl::Minutes(20);
  const Decision refused = office.Refuses("law_enforcement", "wait a day");
  ASSERT_TRUE(refused.refusal.ok()) << refused.refusal;
  EXPECT_THAT(Told(refused), UnorderedElementsAre("ncmec missing", "ncmec refused"));
  EXPECT_THAT(refused.deliveries_withdrawn, ElementsAre(delivery_id));
  const auto& reply = static_cast<const v1::RecordRefusalReply&>(*refused.reply);
  EXPECT_THAT(
      reply.next_steps(),
      UnorderedElementsAre("Report to NCMEC, apart from the police's own",
                           "Wake the supervisor, since police would not take or enter the report",
                           "Ask NCMEC or the state clearinghouse to help with police"));
  EXPECT_TRUE(office.state().notices(0).refused());
  EXPECT_EQ(office.state().notices(0).state(), v1::DELIVERY_STATE_WITHDRAWN);
  EXPECT_EQ(reply.refusal().notice_id(), "youth-1_e1_n1");
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(48))), IsEmpty());
}

TEST(Notification, WhoHeardThatTheYouthIsMissingHearsOfTheReturn) {
  NoticeOffice office(
      {Desk("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT), Desk("ncmec", v1::RECIPIENT_KIND_NCMEC),
       Desk("parent", v1::RECIPIENT_KIND_PARENT), Desk("court", v1::RECIPIENT_KIND_COURT)},
      "us-ca");
  EXPECT_THAT(Told(office.Opened()),
              UnorderedElementsAre("police missing", "parent missing", "court missing"));
  // Known since: nobody tells a parent to whom telling is unsafe.
  v1::Episode episode = office.state().episode();
  v1::KnownCircumstance& known = *episode.add_circumstances_known();
  known.set_circumstance(v1::CIRCUMSTANCE_TELLING_IS_UNSAFE);
  *known.mutable_known_since() = ToProto(office.now);
  office.Updated(episode, {"circumstances_known"});
  const Decision returned = office.Returned();
  EXPECT_THAT(Told(returned),
              UnorderedElementsAre("police return", "ncmec return", "court return"));
  for (const v1::Notice& notice : office.state().notices()) {
    if (notice.kind() != v1::NOTICE_KIND_RETURN) continue;
    std::vector<std::string> keys(notice.duty_keys().begin(), notice.duty_keys().end());
    if (notice.recipient_id() == "court") {
      EXPECT_THAT(keys, IsEmpty()) << "no rule of California's asks for it";
    }
    if (notice.recipient_id() == "ncmec") {
      EXPECT_THAT(keys, ElementsAre("return-notice.ncmec.1.1", "ncmec.ncmec.1.1"))
          << "both at once, since NCMEC hadn't heard before";
    }
  }
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(10))), IsEmpty());
}

TEST(Notification, AnErrorIsToldToWhoHeardOfItAndNothingElseFollows) {
  NoticeOffice office(
      {Desk("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT), Desk("ncmec", v1::RECIPIENT_KIND_NCMEC),
       Desk("court", v1::RECIPIENT_KIND_COURT)},
      "us-ca");
  office.Opened();
  EXPECT_THAT(Told(office.Closed(v1::CLOSE_REASON_REPORTED_IN_ERROR)),
              UnorderedElementsAre("police closed", "ncmec closed", "court closed"));
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(10))), IsEmpty()) << "NCMEC's report ended";
}

TEST(Notification, AYouthWhoAgedOutStaysInTheEntriesOfPoliceAndNcmec) {
  NoticeOffice office;
  office.Opened();
  office.LooksAfter(absl::Hours(4));
  const Decision closed = office.Closed(v1::CLOSE_REASON_AGED_OUT);
  EXPECT_THAT(Told(closed), UnorderedElementsAre("police closed", "ncmec closed"));
  EXPECT_THAT(closed.deliveries[0].message.text(), HasSubstr("let every entry stand"));
}

TEST(Notification, AnIdentifiedVictimIsReportedToPolice) {
  NoticeOffice office;
  office.Opened();
  const Decision identified = office.Identified();
  EXPECT_THAT(Told(identified), ElementsAre("police identified"));
  EXPECT_THAT(identified.deliveries[0].message.subject(), Not(HasSubstr("victim")));
  EXPECT_EQ(office.last_notice().citation(), "42 USC 671(a)(34)(A)");
}

TEST(Notification, WhatScreeningSaidBeforeIntakeIsKeptUntilIntakeTells) {
  NoticeOffice office;
  EXPECT_THAT(Told(office.Identified()), IsEmpty());
  EXPECT_THAT(Told(office.Opened()), UnorderedElementsAre("police missing", "police identified"));
}

TEST(Notification, NobodyToTellIsRecordedOnceAndTriedAgainEveryMinute) {
  NoticeOffice office(std::vector<v1::Recipient>{});
  const Decision opened = office.Opened();
  EXPECT_EQ(Count<v1::NoticesMade>(opened), 1);
  EXPECT_THAT(office.state().untold_duty_keys(), ElementsAre("police.law_enforcement.1.1"));
  EXPECT_EQ(office.look_at, kReported + absl::Minutes(1));
  EXPECT_EQ(Count<v1::NoticesMade>(office.LooksAfter(absl::Minutes(1))), 0);
  EXPECT_EQ(office.look_at, office.now + absl::Minutes(1));
  EXPECT_TRUE(office.active());
  *office.directory.add_recipients() = Desk("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_THAT(Told(office.LooksAfter(absl::Minutes(1))), ElementsAre("police missing"));
  EXPECT_THAT(office.state().untold_duty_keys(), IsEmpty());
  EXPECT_EQ(office.look_at, kReported + absl::Hours(4));
}

TEST(Notification, ADrillReachesOnlyRecipientsForDrillsAndSaysSo) {
  NoticeOffice office;
  v1::Episode drill = office.Robin();
  drill.set_exercise(true);
  EXPECT_THAT(Told(office.Opened(drill)), IsEmpty()) << "a live desk is never told of a drill";
  v1::Recipient desk = Desk("drill-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  desk.set_exercise_only(true);
  *office.directory.add_recipients() = desk;
  const Decision decision = office.LooksAfter(absl::Minutes(1));
  ASSERT_THAT(Told(decision), ElementsAre("drill-desk missing"));
  EXPECT_EQ(decision.deliveries[0].message.text().rfind("THIS IS AN EXERCISE", 0), 0u);
  EXPECT_EQ(decision.exercise, true);
}

TEST(Notification, APersonIsGivenAScriptAndTheirProofSettlesIt) {
  v1::Recipient hotline = Desk("hotline", v1::RECIPIENT_KIND_NCMEC);
  hotline.set_channel(v1::CHANNEL_KIND_PERSON);
  hotline.set_address("+12025550143");
  NoticeOffice office({Desk("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT), hotline});
  office.Opened();
  const Decision due = office.LooksAfter(absl::Hours(4));
  EXPECT_THAT(due.deliveries, IsEmpty());
  const v1::Notice script = office.last_notice();
  EXPECT_EQ(script.state(), v1::DELIVERY_STATE_PENDING);
  EXPECT_EQ(script.delivery_id(), "");
  EXPECT_THAT(script.script(), HasSubstr("+12025550143"));
  EXPECT_THAT(script.script(), HasSubstr("NAM  Name: identity-marker"));
  EXPECT_THAT(script.script(), HasSubstr("--about youth-1_e1_n2"));
  const Decision filed = office.Files(script.notice_id(), "NC-7");
  ASSERT_TRUE(filed.refusal.ok()) << filed.refusal;
  const auto& filing = static_cast<const v1::FileProofReply&>(*filed.reply).filing();
  EXPECT_EQ(filing.kind(), v1::EVIDENCE_KIND_NCMEC_REFERENCE);
  EXPECT_THAT(filing.duty_keys(), ElementsAre("ncmec.ncmec.1.1"));
  EXPECT_EQ(office.last_notice().state(), v1::DELIVERY_STATE_DELIVERED);
}

TEST(Notification, AShortTextSaysWhomToCallAndIsNeverTooLong) {
  v1::Recipient phone = Desk("desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  phone.set_channel(v1::CHANNEL_KIND_SMS);
  NoticeOffice office({phone});
  v1::Episode episode = office.Robin();
  std::string name;
  for (int i = 0; i < 400; ++i) name += "é";
  episode.mutable_youth()->set_first_name(name);
  episode.set_last_seen_place(name);
  const Decision decision = office.Opened(episode);
  const v1::Message& message = decision.deliveries.at(0).message;
  EXPECT_LE(message.text().size(), 600u);
  EXPECT_THAT(message.text(), HasSubstr("Call Example County"));
  EXPECT_THAT(message.text(), Not(HasSubstr("health-marker")));
  EXPECT_THAT(message.attachments(), IsEmpty());
}

TEST(Notification, ARecordOfBeforeDutiesDecidedIsTaken) {
  NoticeOffice office;
  v1::NoticesMade made;
  *made.mutable_episode() = office.Robin();
  made.set_kind(v1::NOTICE_KIND_MISSING);
  v1::Notice& notice = *made.add_notices();
  notice.set_notice_id("youth-1_e1_n1");
  notice.set_kind(v1::NOTICE_KIND_MISSING);
  notice.set_recipient_id("police");
  notice.set_recipient_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  office.Evolve(made);
  EXPECT_THAT(Told(office.LooksAfter(absl::Hours(4))), ElementsAre("ncmec missing"))
      << "police was told before";
  EXPECT_THAT(Told(office.Returned()), UnorderedElementsAre("police return", "ncmec return"));
}

TEST(Notification, WordsAreKindAndNothingIsClaimed) {
  NoticeOffice office;
  const Decision decision = office.Opened();
  const std::string& text = decision.deliveries.at(0).message.text();
  for (const char* word : {"AWOL", "runaway", "absconded", "offender", "was entered"})
    EXPECT_THAT(text, Not(HasSubstr(word)));
  EXPECT_THAT(text, HasSubstr("missing from care"));
  EXPECT_THAT(text, Not(HasSubstr("NCIC number, as told by police")));
}

struct KnowRow {
  v1::RecipientKind recipient;
  std::vector<std::string> told;
  friend void PrintTo(const KnowRow& row, std::ostream* out) {
    *out << v1::RecipientKind_Name(row.recipient);
  }
};

class NeedToKnowTest : public ::testing::TestWithParam<KnowRow> {};

TEST_P(NeedToKnowTest, TextJsonAndAttachmentSayThisAndNoMore) {
  NoticeOffice office({Desk("desk", GetParam().recipient)}, "us-zz");
  office.AddPack(GetParam().recipient);
  const Decision decision = office.Opened();
  ASSERT_EQ(decision.deliveries.size(), 1u);
  const v1::Message& message = decision.deliveries[0].message;
  for (const std::string what : {"identity", "description", "circumstances", "endangerment",
                                 "health", "narrative", "contact"}) {
    const bool told =
        std::find(GetParam().told.begin(), GetParam().told.end(), what) != GetParam().told.end();
    for (const std::string& text :
         {message.text(), message.json(), message.attachments(0).content()}) {
      EXPECT_EQ(text.find(what + "-marker") != std::string::npos, told) << what << "\n" << text;
    }
  }
  EXPECT_THAT(message.subject(), Not(HasSubstr("marker")));
}

INSTANTIATE_TEST_SUITE_P(
    Recipients, NeedToKnowTest,
    ::testing::Values(
        KnowRow{v1::RECIPIENT_KIND_LAW_ENFORCEMENT,
                {"identity", "description", "circumstances", "endangerment", "health", "narrative",
                 "contact"}},
        KnowRow{v1::RECIPIENT_KIND_NCMEC,
                {"identity", "description", "circumstances", "endangerment", "health", "narrative",
                 "contact"}},
        KnowRow{v1::RECIPIENT_KIND_SUPERVISOR,
                {"identity", "description", "circumstances", "endangerment", "health", "narrative",
                 "contact"}},
        KnowRow{v1::RECIPIENT_KIND_COURT, {"identity", "description", "circumstances"}},
        KnowRow{v1::RECIPIENT_KIND_ATTORNEY, {"identity", "description", "circumstances"}},
        KnowRow{v1::RECIPIENT_KIND_TRIBE, {"identity", "description", "circumstances"}},
        KnowRow{v1::RECIPIENT_KIND_PARENT, {"identity", "circumstances"}},
        KnowRow{v1::RECIPIENT_KIND_SPECIAL_UNIT,
                {"identity", "description", "circumstances", "endangerment", "health", "narrative",
                 "contact"}},
        KnowRow{v1::RECIPIENT_KIND_REVENUE_UNIT, {"identity"}},
        KnowRow{v1::RECIPIENT_KIND_TEAM_MEMBER, {}}, KnowRow{v1::RECIPIENT_KIND_RELATIVE, {}}));

}  // namespace
}  // namespace porchlight::notification_rules_test
