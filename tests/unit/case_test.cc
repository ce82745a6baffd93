// What is known of a case, folded from what services say, and the duties that follow from it.
#include "common/case/case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/policy/loader.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight::case_test {
namespace {

const absl::Time kReported = absl::FromUnixSeconds(1'780'000'000);

class CaseTest : public ::testing::Test {
 protected:
  void Hear(const google::protobuf::Message& event, absl::Time at) {
    v1::RecordHeader header;
    header.set_record_id("record-1");
    *header.mutable_received_at() = ToProto(at);
    if (const auto change = ChangeOf(state_, header, event)) Apply(*change, state_);
  }

  v1::Episode Robin(v1::EpisodeState state = v1::EPISODE_STATE_MISSING) {
    v1::Episode episode;
    episode.set_episode_id("youth-1_e1");
    episode.set_state(state);
    episode.mutable_youth()->set_first_name("Robin");
    episode.mutable_youth()->set_date_of_birth("2011-03-04");
    *episode.mutable_received_at() = ToProto(kReported);
    return episode;
  }

  void Report() {
    v1::EpisodeOpened opened;
    *opened.mutable_episode() = Robin();
    Hear(opened, kReported);
  }

  Duty Of(const std::string& duty_key, absl::Time now = kReported + absl::Hours(1)) {
    static const PackSet packs = LoadPacks({}).value();
    for (const Duty& duty : DutiesOf(state_, *packs.For("us").pack, now)) {
      if (duty.duty_key == duty_key) return duty;
    }
    return {};
  }

  v1::ProofFiled Filed(const std::string& duty_key, v1::EvidenceKind kind) {
    v1::ProofFiled filed;
    filed.mutable_filing()->set_filing_id("youth-1_e1_f1");
    filed.mutable_filing()->add_duty_keys(duty_key);
    filed.mutable_filing()->set_kind(kind);
    *filed.mutable_filing()->mutable_done_at() = ToProto(kReported + absl::Minutes(30));
    *filed.mutable_filing()->mutable_received_at() = ToProto(kReported + absl::Minutes(40));
    return filed;
  }

  v1::CaseState state_;
};

TEST_F(CaseTest, KeepsNothingThatSaysWhoTheYouthIs) {
  Report();
  EXPECT_EQ(state_.DebugString().find("Robin"), std::string::npos);
  EXPECT_EQ(Of("police.law_enforcement.1.1").state, v1::DUTY_STATE_OPEN);
}

TEST_F(CaseTest, APoliceCaseNumberMeetsTheReportAndBeginsWhatFollowsFromIt) {
  Report();
  Hear(Filed("police.law_enforcement.1.1", v1::EVIDENCE_KIND_POLICE_CASE_NUMBER),
       kReported + absl::Minutes(40));
  const Duty police = Of("police.law_enforcement.1.1");
  EXPECT_EQ(police.state, v1::DUTY_STATE_MET);
  EXPECT_EQ(police.met_at, kReported + absl::Minutes(30)) << "when it was done, not typed in";
  EXPECT_EQ(Of("ncic-number.law_enforcement.1.1").due_at, kReported + absl::Minutes(150));
  Hear(Filed("police.law_enforcement.1.1", v1::EVIDENCE_KIND_POLICE_CASE_NUMBER),
       kReported + absl::Minutes(50));
  EXPECT_EQ(state_.triggers_size(), 2) << "missing and numbered, each once";
}

TEST_F(CaseTest, ARefusalByPoliceBeginsTheNextStepAndOneByACourtDoesNot) {
  Report();
  v1::NoticeRefused refused;
  refused.mutable_refusal()->set_recipient_kind(v1::RECIPIENT_KIND_COURT);
  *refused.mutable_refusal()->mutable_received_at() = ToProto(kReported + absl::Minutes(5));
  Hear(refused, kReported + absl::Minutes(5));
  EXPECT_EQ(Of("refused-page.supervisor.1.1").duty_key, "");
  refused.mutable_refusal()->set_recipient_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  Hear(refused, kReported + absl::Minutes(5));
  EXPECT_EQ(Of("refused-page.supervisor.1.1").due_at, kReported + absl::Minutes(20));
}

TEST_F(CaseTest, EvidenceOfAReturnMeetsWhateverTheReturnAsksForOfItsKind) {
  Report();
  v1::YouthReturned returned;
  *returned.mutable_episode() = Robin(v1::EPISODE_STATE_RETURNED);
  Hear(returned, kReported + absl::Hours(5));
  v1::ScreeningCompleted completed;
  completed.mutable_result()->set_band(v1::SCREENING_BAND_CLEAR);
  *completed.mutable_result()->mutable_completed_at() = ToProto(kReported + absl::Hours(9));
  Hear(completed, kReported + absl::Hours(9));
  EXPECT_EQ(Of("return-screening.1.1", kReported + absl::Hours(10)).state, v1::DUTY_STATE_MET);
  EXPECT_EQ(Of("return-interview.1.1", kReported + absl::Hours(10)).state, v1::DUTY_STATE_OPEN);
}

TEST_F(CaseTest, AMedicalOfferIsDoneWhenItWasFirstMadeOnceItIsAnswered) {
  Report();
  v1::YouthReturned returned;
  *returned.mutable_episode() = Robin(v1::EPISODE_STATE_RETURNED);
  Hear(returned, kReported + absl::Hours(5));
  v1::ExposureRecorded exposure;
  *exposure.mutable_known_at() = ToProto(kReported + absl::Hours(6));
  *exposure.mutable_last_exposure_at() = ToProto(kReported + absl::Hours(1));
  Hear(exposure, kReported + absl::Hours(6));
  EXPECT_EQ(Of("medical-hiv.1.1").due_at, kReported + absl::Hours(73));
  v1::MedicalOfferRecorded offered;
  offered.mutable_offer()->set_task_id("medical-hiv.1.1");
  offered.mutable_offer()->set_answer(v1::MEDICAL_ANSWER_OFFERED);
  *offered.mutable_offer()->mutable_offered_at() = ToProto(kReported + absl::Hours(7));
  Hear(offered, kReported + absl::Hours(7));
  EXPECT_EQ(Of("medical-hiv.1.1").state, v1::DUTY_STATE_OPEN);
  offered.mutable_offer()->set_answer(v1::MEDICAL_ANSWER_DECLINED);
  *offered.mutable_offer()->mutable_offered_at() = ToProto(kReported + absl::Hours(8));
  Hear(offered, kReported + absl::Hours(8));
  EXPECT_EQ(Of("medical-hiv.1.1").met_at, kReported + absl::Hours(7));
}

TEST_F(CaseTest, OfTwoEpisodesOfOneYouthTheDoubleHasNoDutiesLeft) {
  Report();
  v1::EpisodeUpdated joined;
  *joined.mutable_episode() = Robin();
  joined.mutable_episode()->set_same_as_episode_id("youth-2_e1");
  Hear(joined, kReported + absl::Hours(1));
  const Duty police = Of("police.law_enforcement.1.1");
  EXPECT_EQ(police.state, v1::DUTY_STATE_ENDED);
  EXPECT_THAT(police.reason, ::testing::HasSubstr("earlier episode"));
}

TEST_F(CaseTest, AnUpdateThatTellsNothingIsNoNewFact) {
  Report();
  v1::EpisodeUpdated again;
  *again.mutable_episode() = Robin();
  Hear(again, kReported + absl::Minutes(1));
  EXPECT_EQ(state_.triggers_size(), 1);
  again.add_changed("clothing");
  Hear(again, kReported + absl::Minutes(2));
  ASSERT_EQ(state_.triggers_size(), 2);
  EXPECT_EQ(state_.triggers(1).trigger(), v1::POLICY_TRIGGER_NEW_FACT);
}

TEST_F(CaseTest, OnlyAnAcknowledgedPageMeetsADutyToPage) {
  Report();
  v1::AlertAcknowledged acknowledged;
  acknowledged.mutable_alert()->set_kind(v1::ALERT_KIND_PAGE);
  acknowledged.mutable_alert()->set_duty_key("page.supervisor.1.1");
  acknowledged.mutable_alert()->set_state(v1::ALERT_STATE_OPEN);
  *acknowledged.mutable_answer()->mutable_answered_at() = ToProto(kReported + absl::Minutes(3));
  Hear(acknowledged, kReported + absl::Minutes(3));
  EXPECT_EQ(Of("page.supervisor.1.1").state, v1::DUTY_STATE_OPEN) << "one more must answer";
  acknowledged.mutable_alert()->set_state(v1::ALERT_STATE_ACKNOWLEDGED);
  Hear(acknowledged, kReported + absl::Minutes(3));
  EXPECT_EQ(Of("page.supervisor.1.1").state, v1::DUTY_STATE_MET);
}

}  // namespace
}  // namespace porchlight::case_test
