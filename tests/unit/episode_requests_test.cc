// What intake can't understand, each with what it says to the caller.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/base/limits.h"
#include "common/episode/requests.h"

namespace porchlight::episode_requests_test {
namespace {

using ::testing::HasSubstr;

v1::ReportMissingRequest Named() {
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_first_name("Robin");
  return report;
}

struct ReportRow {
  std::string name;
  std::function<void(v1::ReportMissingRequest&)> with;
  std::string error;  // empty: understood
  friend void PrintTo(const ReportRow& row, std::ostream* out) { *out << row.name; }
};

class ReportTest : public ::testing::TestWithParam<ReportRow> {};

TEST_P(ReportTest, Holds) {
  v1::ReportMissingRequest report = Named();
  GetParam().with(report);
  const absl::Status checked = CheckReport(report);
  if (GetParam().error.empty()) {
    EXPECT_EQ(checked, absl::OkStatus());
    return;
  }
  EXPECT_EQ(checked.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(checked.message()), HasSubstr(GetParam().error));
}

INSTANTIATE_TEST_SUITE_P(
    Reports, ReportTest,
    ::testing::Values(
        ReportRow{"a name is enough", [](auto&) {}, ""},
        ReportRow{"a placement is enough",
                  [](auto& report) {
                    report.clear_youth();
                    report.set_placement("Maple House");
                  },
                  ""},
        ReportRow{"nobody at all", [](auto& report) { report.clear_youth(); },
                  "nothing says who is missing"},
        ReportRow{"a birthday in words is kept",
                  [](auto& report) { report.mutable_youth()->set_date_of_birth("in May"); }, ""},
        ReportRow{"an unheard-of jurisdiction is kept",
                  [](auto& report) { report.set_jurisdiction("us-zz"); }, ""},
        ReportRow{"a jurisdiction that is a sentence",
                  [](auto& report) { report.set_jurisdiction("Travis County, Texas"); },
                  "jurisdiction"},
        ReportRow{"a name for an id", [](auto& report) { report.set_youth_id("Robin Example"); },
                  "youth_id"},
        ReportRow{"10 MB of text",
                  [](auto& report) { report.set_circumstances(std::string(10'000'000, 'x')); },
                  "circumstances has 10000000 bytes; at most 65536"},
        ReportRow{"several lines of text",
                  [](auto& report) { report.set_circumstances("one\r\n\ttwo"); }, ""},
        ReportRow{"a bell", [](auto& report) { report.set_circumstances("ding\a"); },
                  "circumstances has control characters"},
        ReportRow{
            "a zero byte in a name",
            [](auto& report) { report.mutable_youth()->set_last_name(std::string("a\0b", 3)); },
            "last_name has control characters"},
        ReportRow{"bytes that are no text",
                  [](auto& report) { report.mutable_youth()->set_last_name("\xC3("); },
                  "last_name has bytes that are no text; write it as UTF-8"},
        ReportRow{"a bell in a reason",
                  [](auto& report) {
                    (*report.mutable_youth()->mutable_unavailable())["photo"] = "ding\a";
                  },
                  "unavailable has control characters"},
        ReportRow{
            "a time before all times",
            [](auto& report) { report.mutable_last_seen_at()->set_seconds(-100'000'000'000'000); },
            "last_seen_at is not a time"},
        ReportRow{"an anchor's time that is none",
                  [](auto& report) {
                    v1::AnchorTime& anchor = *report.add_anchors();
                    anchor.set_anchor(v1::POLICY_ANCHOR_DEPARTURE);
                    anchor.mutable_at()->set_nanos(-1);
                  },
                  "at is not a time"},
        ReportRow{
            "an anchor without a time",
            [](auto& report) { report.add_anchors()->set_anchor(v1::POLICY_ANCHOR_DEPARTURE); },
            "anchors must each have a time"},
        ReportRow{"an anchor that only our clock can tell",
                  [](auto& report) {
                    v1::AnchorTime& anchor = *report.add_anchors();
                    anchor.set_anchor(v1::POLICY_ANCHOR_RECEIVED);
                    anchor.mutable_at()->set_seconds(1);
                  },
                  "anchors must each"},
        ReportRow{"a circumstance of a later version",
                  [](auto& report) {
                    report.add_circumstances_known(static_cast<v1::Circumstance>(9999));
                  },
                  "circumstances_known has one that this version doesn't know"},
        ReportRow{"somebody else's photo",
                  [](auto& report) { report.mutable_youth()->set_photo_id("y-2_pabc"); },
                  "photo_id is given by the server"},
        ReportRow{"a worker's name for an id",
                  [](auto& report) { report.mutable_actor()->set_actor_id("A. Worker"); },
                  "actor_id"}));

v1::AddToEpisodeRequest Addition(v1::FactKind kind) {
  v1::AddToEpisodeRequest request;
  request.set_episode_id("y-1_e1");
  request.set_kind(kind);
  return request;
}

TEST(CheckAddition, SaysWhatIsMissing) {
  EXPECT_EQ(CheckAddition(Addition(v1::FACT_KIND_SIGHTING)), absl::OkStatus());
  EXPECT_THAT(std::string(CheckAddition(Addition(v1::FACT_KIND_UNSPECIFIED)).message()),
              HasSubstr("kind must be one of"));
  EXPECT_THAT(std::string(CheckAddition(Addition(v1::FACT_KIND_PHOTO)).message()),
              HasSubstr("photo is empty"));
  EXPECT_THAT(std::string(CheckAddition(Addition(v1::FACT_KIND_OTHER)).message()),
              HasSubstr("nothing is told"));
  v1::AddToEpisodeRequest request = Addition(v1::FACT_KIND_OTHER);
  request.mutable_youth()->set_hair("short");
  EXPECT_EQ(CheckAddition(request), absl::OkStatus());
  request.set_episode_id("y-1");
  EXPECT_THAT(std::string(CheckAddition(request).message()), HasSubstr("episode_id"));
}

TEST(CheckClosing, NeedsAReason) {
  v1::CloseEpisodeRequest request;
  request.set_episode_id("y-1_e1");
  EXPECT_THAT(std::string(CheckClosing(request).message()), HasSubstr("reason must be one of"));
  request.set_reason(v1::CLOSE_REASON_AGED_OUT);
  EXPECT_EQ(CheckClosing(request), absl::OkStatus());
}

TEST(CheckJoin, NeedsTwoIds) {
  v1::JoinYouthRequest request;
  request.set_youth_id("y-100");
  EXPECT_THAT(std::string(CheckJoin(request).message()), HasSubstr("reported_youth_id"));
  request.set_reported_youth_id("y-100");
  EXPECT_THAT(std::string(CheckJoin(request).message()), HasSubstr("are the same"));
}

TEST(CheckYouth, HoldsTheRosterToWhatCanBeCountedWith) {
  v1::Youth youth;
  EXPECT_THAT(std::string(CheckYouth(youth).message()), HasSubstr("youth_id"));
  youth.set_youth_id("y-100");
  EXPECT_EQ(CheckYouth(youth), absl::OkStatus());
  youth.mutable_facts()->set_date_of_birth("13/05/2010");
  EXPECT_THAT(std::string(CheckYouth(youth).message()), HasSubstr("date like 2010-05-13"));
  youth.mutable_facts()->set_date_of_birth("2010-02-30");
  EXPECT_THAT(std::string(CheckYouth(youth).message()), HasSubstr("date like 2010-05-13"));
  youth.mutable_facts()->clear_date_of_birth();
  youth.mutable_facts()->set_weight_kg(900);
  EXPECT_THAT(std::string(CheckYouth(youth).message()), HasSubstr("kilograms"));
}

TEST(CheckYouths, TakesSoManyAtOnce) {
  v1::SetYouthsRequest request;
  for (int i = 0; i < kYouthsPerRequestMax; ++i) request.add_youths();
  EXPECT_EQ(CheckYouths(request), absl::OkStatus());
  request.add_youths();
  EXPECT_THAT(std::string(CheckYouths(request).message()), HasSubstr("at most 500"));
}

}  // namespace
}  // namespace porchlight::episode_requests_test
