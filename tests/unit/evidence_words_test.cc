// Every kind of record has plain words, and what a record says beyond its kind is told only as far
// as its fields are there.
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/evidence/words.h"
#include "common/privacy/redaction.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "porchlight/v1/delivery.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/join.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight::evidence_words_test {
namespace {

using ::testing::HasSubstr;

// Commands are what services take; of events there is no list but their names.
TEST(EvidenceWords, EveryCommandHasWords) {
  for (const auto* file :
       {v1::Episode::descriptor()->file(), v1::Notice::descriptor()->file(),
        v1::Alert::descriptor()->file(), v1::ScreeningState::descriptor()->file(),
        v1::MdtState::descriptor()->file(), v1::JoinSideRequest::descriptor()->file(),
        v1::ReplayDeadLetterRequest::descriptor()->file()}) {
    for (int i = 0; i < file->message_type_count(); ++i) {
      const google::protobuf::Descriptor& type = *file->message_type(i);
      // Questions have no request id.
      if (type.FindFieldByName("request_id") == nullptr) continue;
      if (!absl::EndsWith(type.name(), "Request")) continue;
      EXPECT_NE(WordsOfType(type.full_name()), type.full_name());
    }
  }
}

TEST(EvidenceWords, EveryEventHasWords) {
  for (const char* name : {"EpisodeOpened",
                           "EpisodeUpdated",
                           "YouthReturned",
                           "EpisodeClosed",
                           "YouthSet",
                           "YouthJoined",
                           "NoticesMade",
                           "NotificationHeard",
                           "ProofFiled",
                           "NoticeRefused",
                           "NoticeDelivered",
                           "NoticeFailed",
                           "OncallHeard",
                           "DutiesWatched",
                           "DutyAtRisk",
                           "DutyMissed",
                           "AlertRaised",
                           "AlertPaged",
                           "AlertEscalated",
                           "AlertPageSettled",
                           "AlertAcknowledged",
                           "AlertSilenced",
                           "ScreeningExpected",
                           "ScreeningScheduled",
                           "ScreeningDeferred",
                           "ScreeningCompleted",
                           "InterviewRecorded",
                           "ExposureRecorded",
                           "MedicalOfferRecorded",
                           "ReturnPhotoRecorded",
                           "VictimIdentified",
                           "VictimNotIdentified",
                           "TeamCaseHeard",
                           "TeamNotified",
                           "TeamWithoutRoster",
                           "TeamDeliverySettled",
                           "TeamMemberAnswered",
                           "TeamComplete",
                           "TeamChased",
                           "TeamChaseEnded",
                           "MeetingRecorded"}) {
    const std::string type = absl::StrCat("porchlight.v1.", name);
    ASSERT_NE(google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(type),
              nullptr)
        << type;
    EXPECT_NE(WordsOfType(type), type);
  }
  EXPECT_EQ(WordsOfType("porchlight.v9.Later"), "porchlight.v9.Later");
}

// Whether somebody was identified as a victim is no business of whoever may only see the timeline.
TEST(EvidenceWords, TheTypeOfADecisionDoesNotTellIt) {
  EXPECT_EQ(WordsOfType("porchlight.v1.VictimIdentified"),
            WordsOfType("porchlight.v1.VictimNotIdentified"));
}

template <typename Event>
std::string Told(const std::string& text, bool internal_only) {
  Event event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
  if (internal_only) KeepInternal(event);
  return absl::StrJoin(DetailsOf(event, absl::UTCTimeZone()), " | ");
}

TEST(EvidenceDetails, AProofTypedInTellsItsNumberOnlyWhereEverythingIsTold) {
  const std::string filed =
      "filing { kind: EVIDENCE_KIND_POLICE_CASE_NUMBER number: '24-1' told_to: 'Officer Invented' "
      "how: REACHED_BY_PHONE duty_keys: 'police.law_enforcement.1.1' done_at { seconds: 1769911800 "
      "} actor { actor_id: 'worker-7' } text: 'at the desk' }";
  EXPECT_EQ(Told<v1::ProofFiled>(filed, false),
            "police case number 24-1 typed in by worker-7, told by phone by Officer Invented, done "
            "2026-02-01 02:10:00 +0000, for duty police.law_enforcement.1.1: at the desk");
  EXPECT_EQ(Told<v1::ProofFiled>(filed, true),
            "police case number typed in by worker-7, told by phone, done 2026-02-01 02:10:00 "
            "+0000, for duty police.law_enforcement.1.1");
}

TEST(EvidenceDetails, ARefusalTellsWhoSaidNo) {
  const std::string refused =
      "refusal { notice_id: 'n' recipient_id: 'desk-1' recipient_kind: "
      "RECIPIENT_KIND_LAW_ENFORCEMENT told_by: 'Sergeant Invented' reason: 'wait a day' actor { "
      "actor_id: 'worker-7' } }";
  EXPECT_EQ(Told<v1::NoticeRefused>(refused, false),
            "law enforcement desk-1 said no to notice n, by Sergeant Invented, typed in by "
            "worker-7: wait a day");
  EXPECT_EQ(Told<v1::NoticeRefused>(refused, true),
            "law enforcement desk-1 said no to notice n, typed in by worker-7");
}

TEST(EvidenceDetails, ANoticeTellsWhatItDisclosedAndOnWhatGround) {
  EXPECT_EQ(
      Told<v1::NoticeDelivered>(
          "notice { notice_id: 'n' recipient_kind: RECIPIENT_KIND_COURT recipient_id: 'court-1' "
          "channel: CHANNEL_KIND_PERSON citation: 'a law' disclosure { disclosed: "
          "SENSITIVITY_IDENTITY withheld: [SENSITIVITY_HEALTH, SENSITIVITY_NARRATIVE] } }",
          true),
      "notice n to court court-1, whom a person tells (a law) | what it tells: identity; known and "
      "kept back: health, narrative");
}

TEST(EvidenceDetails, AlertsTellWhomTheyReachedAndWhoHasThem) {
  const std::string alert =
      "alert { alert_id: 'a1' kind: ALERT_KIND_MISSED duty_key: 'police.law_enforcement.1.1' text: "
      "'No proof yet.' role: 'supervisor-on-call' level: 2 round: 1 "
      "pages { person_id: 'ann' level: 1 round: 1 delivery_id: 'd1' state: "
      "DELIVERY_STATE_DELIVERED } "
      "pages { person_id: 'ben' recipient_id: 'ben-sms' level: 2 round: 1 channel: "
      "CHANNEL_KIND_SMS } }";
  EXPECT_EQ(Told<v1::DutyMissed>(alert, true),
            "alert a1 (missed), for duty police.law_enforcement.1.1: No proof yet.");
  EXPECT_EQ(Told<v1::AlertEscalated>(alert, true),
            "paged ben as ben-sms by sms, supervisor-on-call, level 2, round 1");
  EXPECT_EQ(Told<v1::AlertPageSettled>(alert + " delivery_id: 'd1'", true),
            "the page to ann: delivered");
  EXPECT_EQ(Told<v1::AlertAcknowledged>(
                alert + " answer { person_id: 'ben' how: REACHED_BY_CALLBACK }", true),
            "ben has alert a1, said by a link or a reply");
  EXPECT_EQ(Told<v1::AlertSilenced>("alert { alert_id: 'a1' reason: 'the youth is back' }", true),
            "alert a1: the youth is back");
}

TEST(EvidenceDetails, WhatAScreeningFoundIsToldOnlyWhereEverythingIsTold) {
  const std::string completed =
      "result { tool_id: 'cse-it' tool_version: '2.0' screener_id: 'worker-9' band: "
      "SCREENING_BAND_CLEAR } tasks { task_id: 'return-screening.1.1' state: DUTY_STATE_MET }";
  EXPECT_EQ(Told<v1::ScreeningCompleted>(completed, true),
            "tool cse-it 2.0, screener worker-9 | task return-screening.1.1: met");
  EXPECT_THAT(Told<v1::ScreeningCompleted>(completed, false), HasSubstr("concern: clear"));
}

TEST(EvidenceDetails, ATeamIsToldSeatBySeat) {
  EXPECT_EQ(Told<v1::TeamNotified>(
                "notice { notice_id: 't1' duty_key: 'team.team_member.1.1' answers_needed: 2 seats "
                "{ role: 'advocate' deliveries { recipient_id: 'adv-1' channel: CHANNEL_KIND_EMAIL "
                "} } seats { role: 'health' } }",
                true),
            "call t1, for duty team.team_member.1.1, answers needed: 2 | seat advocate: told adv-1 "
            "by email | seat health: the directory has nobody");
}

TEST(EvidenceWords, WhatCouldMoveATerminalIsShownAsWhatItIs) {
  EXPECT_EQ(SafeText("a\x1b[2Jb"), "a\\x1b[2Jb");
  EXPECT_EQ(SafeText("a\nb"), "a b");
  EXPECT_EQ(SafeText("Zoë's \"name\""), "Zoë's \"name\"");
  EXPECT_EQ(SafeText("\xff"), "\\xff");
  EXPECT_EQ(SafeText("\u202Eabc"), "\\xe2\\x80\\xaeabc");
  EXPECT_EQ(SafeText("\u009B2J"), "\\xc2\\x9b2J");
}

}  // namespace
}  // namespace porchlight::evidence_words_test
