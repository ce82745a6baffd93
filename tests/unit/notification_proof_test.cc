// What people type in: proofs and refusals, what each meets, and what is said where it can't.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/notice_office.h"

namespace porchlight::notification_proof_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::FileProofReply ReplyOf(const Decision& decision) {
  EXPECT_TRUE(decision.refusal.ok()) << decision.refusal;
  if (decision.reply == nullptr) return {};
  return static_cast<const v1::FileProofReply&>(*decision.reply);
}

v1::FileProofRequest Told(const std::string& about) {
  v1::FileProofRequest request;
  request.set_about(about);
  request.set_how(v1::REACHED_BY_PHONE);
  return request;
}

// A row: what was typed in, as what it counts, and what it proves.
struct FiledRow {
  std::string about;
  std::string number;
  v1::EvidenceKind kind;
  std::vector<std::string> duty_keys;
  friend void PrintTo(const FiledRow& row, std::ostream* out) {
    *out << row.about << " " << row.number;
  }
};

class FiledTest : public ::testing::TestWithParam<FiledRow> {};

TEST_P(FiledTest, CountsAsWhatFits) {
  NoticeOffice office;
  office.Opened();
  office.Adds("by the bridge");
  const v1::FileProofReply reply = ReplyOf(office.Files(GetParam().about, GetParam().number));
  EXPECT_EQ(reply.filing().kind(), GetParam().kind);
  EXPECT_THAT(reply.filing().duty_keys(), ::testing::ElementsAreArray(GetParam().duty_keys));
  EXPECT_EQ(reply.filing().filing_id(), "youth-1_e1_f1");
  EXPECT_THAT(reply.warnings(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Typed, FiledTest,
    ::testing::Values(
        FiledRow{"law_enforcement",
                 "26-1",
                 v1::EVIDENCE_KIND_POLICE_CASE_NUMBER,
                 {"police.law_enforcement.1.1"}},
        FiledRow{"law-enforcement",
                 "26-1",
                 v1::EVIDENCE_KIND_POLICE_CASE_NUMBER,
                 {"police.law_enforcement.1.1"}},
        FiledRow{
            "police", "26-1", v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, {"police.law_enforcement.1.1"}},
        FiledRow{"police.law_enforcement.1.1",
                 "26-1",
                 v1::EVIDENCE_KIND_POLICE_CASE_NUMBER,
                 {"police.law_enforcement.1.1"}},
        FiledRow{"youth-1_e1_n1",
                 "26-1",
                 v1::EVIDENCE_KIND_POLICE_CASE_NUMBER,
                 {"police.law_enforcement.1.1"}},
        FiledRow{"ncic-number",
                 "M1",
                 v1::EVIDENCE_KIND_NCIC_NUMBER,
                 {"ncic-number.law_enforcement.1.1"}},
        FiledRow{"ncmec", "NC-7", v1::EVIDENCE_KIND_NCMEC_REFERENCE, {"ncmec.ncmec.1.1"}},
        // One call to police meets the report and what was to be added to it.
        FiledRow{"law_enforcement",
                 "",
                 v1::EVIDENCE_KIND_FILING_TYPED_IN,
                 {"police.law_enforcement.1.1", "new-facts.law_enforcement.1.1"}},
        FiledRow{"new-facts",
                 "",
                 v1::EVIDENCE_KIND_FILING_TYPED_IN,
                 {"new-facts.law_enforcement.1.1", "new-facts.ncmec.1.1"}},
        FiledRow{"regular-contact",
                 "",
                 v1::EVIDENCE_KIND_CONTACT_LOG,
                 {"regular-contact.law_enforcement.1.1", "regular-contact.ncmec.1.1"}}));

TEST(Proof, ARecipientsIdIsAsGoodAsItsKind) {
  NoticeOffice office({Desk("county-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
  office.Opened();
  EXPECT_THAT(ReplyOf(office.Files("county-desk", "26-1")).filing().duty_keys(),
              ElementsAre("police.law_enforcement.1.1"));
}

TEST(Proof, ACaseNumberOfTheFirstReportIsNotThatOfTheIdentification) {
  NoticeOffice office;
  office.Opened();
  office.Identified();
  EXPECT_THAT(ReplyOf(office.Files("law_enforcement", "26-1")).filing().duty_keys(),
              ElementsAre("police.law_enforcement.1.1"));
  EXPECT_THAT(ReplyOf(office.Files("law_enforcement", "26-2")).filing().duty_keys(),
              ElementsAre("trafficking-police.law_enforcement.1.1"));
}

// A row: what can't be, and what is said.
struct RefusedRow {
  v1::FileProofRequest request;
  absl::StatusCode code;
  std::string says;
  friend void PrintTo(const RefusedRow& row, std::ostream* out) { *out << row.says; }
};

RefusedRow WithKind(const std::string& about, v1::EvidenceKind kind, absl::StatusCode code,
                    const std::string& says) {
  RefusedRow row{.request = Told(about), .code = code, .says = says};
  row.request.set_kind(kind);
  return row;
}

RefusedRow Tomorrow() {
  RefusedRow row{.request = Told("police"),
                 .code = absl::StatusCode::kInvalidArgument,
                 .says = "done_at is in the future"};
  *row.request.mutable_done_at() = ToProto(kReported + absl::Hours(24));
  return row;
}

RefusedRow WithoutHow() {
  RefusedRow row{.request = Told("police"),
                 .code = absl::StatusCode::kInvalidArgument,
                 .says = "how is missing"};
  row.request.clear_how();
  return row;
}

class NotFiledTest : public ::testing::TestWithParam<RefusedRow> {};

TEST_P(NotFiledTest, SaysWhatToDoAndKeepsNothing) {
  NoticeOffice office;
  office.Opened();
  const Decision decision = office.Files(GetParam().request);
  EXPECT_EQ(decision.refusal.code(), GetParam().code) << decision.refusal;
  EXPECT_THAT(std::string(decision.refusal.message()), HasSubstr(GetParam().says));
  EXPECT_THAT(decision.events, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Typed, NotFiledTest,
    ::testing::Values(
        RefusedRow{Told("nobody"), absl::StatusCode::kNotFound, "Open rules: police, ncmec"},
        RefusedRow{Told("court"), absl::StatusCode::kNotFound,
                   "recipients: law_enforcement, ncmec"},
        RefusedRow{Told(""), absl::StatusCode::kInvalidArgument, "about is missing"},
        RefusedRow{Told("page"), absl::StatusCode::kFailedPrecondition, "`porchlight ack`"},
        WithKind("police", v1::EVIDENCE_KIND_CONTACT_LOG, absl::StatusCode::kFailedPrecondition,
                 "acknowledgement, filing_typed_in, police_case_number"),
        WithKind("police", v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, absl::StatusCode::kInvalidArgument,
                 "number is missing"),
        WithKind("police", v1::EVIDENCE_KIND_DELIVERY_RECEIPT, absl::StatusCode::kInvalidArgument,
                 "can't be typed in"),
        Tomorrow(), WithoutHow()));

TEST(Proof, WhatIsLateOrEarlyOrDiffersIsKeptWithAWarning) {
  NoticeOffice office;
  office.Opened();
  v1::FileProofRequest request = Told("police");
  request.set_number("26-1");
  *request.mutable_done_at() = ToProto(kReported - absl::Hours(1));
  EXPECT_THAT(ReplyOf(office.Files(request)).warnings(),
              ElementsAre(HasSubstr("before the agency knew")));
  request.clear_done_at();
  request.set_number("26-2");
  EXPECT_THAT(ReplyOf(office.Files(request)).warnings(),
              ElementsAre(HasSubstr("another number was filed")));
  office.now += absl::Hours(30);
  EXPECT_THAT(ReplyOf(office.Files("ncmec", "NC-7")).warnings(),
              ElementsAre(HasSubstr("ncmec was due before")));
  EXPECT_EQ(office.state().filings_size(), 3);
}

TEST(Refusal, NeedsAReasonAndOneRecipient) {
  NoticeOffice office;
  office.Opened();
  EXPECT_EQ(office.Refuses("law_enforcement", " ").refusal.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(office.Refuses("", "no").refusal.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(office.Refuses("nobody", "no").refusal.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(office.Refuses("regular-contact", "no").refusal.code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(office.state().refusals(), IsEmpty());
}

TEST(Refusal, OfPoliceWhomNobodyInTheDirectoryStandsForIsKeptToo) {
  NoticeOffice office({Desk("ncmec", v1::RECIPIENT_KIND_NCMEC)});
  office.Opened();
  const Decision refused = office.Refuses("law_enforcement", "not our county");
  ASSERT_TRUE(refused.refusal.ok()) << refused.refusal;
  EXPECT_EQ(refused.deliveries.size(), 2u) << "NCMEC's report, and that it is asked to help";
  EXPECT_EQ(office.state().refusals(0).notice_id(), "");
}

TEST(Refusal, ADeliveredNoticeStaysDelivered) {
  NoticeOffice office;
  office.Opened();
  office.Settles("youth-1_e1_n1", v1::DELIVERY_STATE_DELIVERED);
  EXPECT_THAT(office.Refuses("youth-1_e1_n1", "no").deliveries_withdrawn, IsEmpty());
  EXPECT_EQ(office.state().notices(0).state(), v1::DELIVERY_STATE_DELIVERED);
  EXPECT_TRUE(office.state().notices(0).refused());
}

}  // namespace
}  // namespace porchlight::notification_proof_test
