// How facts come together, and what looks odd in them, row by row.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/episode/facts.h"
#include "common/episode/oddities.h"

namespace porchlight::episode_facts_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);

struct MergeRow {
  std::string name;
  std::string known;
  std::string told;
  std::string after;
  bool changed;
  friend void PrintTo(const MergeRow& row, std::ostream* out) { *out << row.name; }
};

class MergeTest : public ::testing::TestWithParam<MergeRow> {};

TEST_P(MergeTest, Holds) {
  const MergeRow& row = GetParam();
  v1::YouthFacts known;
  known.set_clothing(row.known);
  v1::YouthFacts told;
  told.set_clothing(row.told);
  EXPECT_EQ(MergeFacts(told, known),
            row.changed ? std::vector<std::string>{"clothing"} : std::vector<std::string>{});
  EXPECT_EQ(known.clothing(), row.after);
}

INSTANTIATE_TEST_SUITE_P(
    Facts, MergeTest,
    ::testing::Values(
        MergeRow{"a first fact is taken", "", "red coat", "red coat", true},
        MergeRow{"a newer fact replaces an older one", "red coat", "blue coat", "blue coat", true},
        MergeRow{"silence replaces nothing", "red coat", "", "red coat", false},
        MergeRow{"the same again is nothing new", "red coat", "red coat", "red coat", false}));

TEST(MergeReport, NumbersTimesAndListsAreFactsToo) {
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_height_cm(165);
  *report.mutable_last_seen_at() = ToProto(kNow);
  report.add_circumstances_known(v1::CIRCUMSTANCE_INDIAN_CHILD);
  v1::AnchorTime& anchor = *report.add_anchors();
  anchor.set_anchor(v1::POLICY_ANCHOR_DEPARTURE);
  *anchor.mutable_at() = ToProto(kNow);
  v1::Episode episode;
  EXPECT_THAT(MergeReport(report, kNow, episode),
              ElementsAre("height_cm", "last_seen_at", "circumstances_known", "anchors"));
  EXPECT_THAT(MergeReport(report, kNow + absl::Hours(1), episode), IsEmpty());
  EXPECT_EQ(FromProto(episode.circumstances_known(0).known_since()), kNow)
      << "what is known stays known since it was";
  *report.mutable_anchors(0)->mutable_at() = ToProto(kNow - absl::Hours(1));
  EXPECT_THAT(MergeReport(report, kNow, episode), ElementsAre("anchors"));
  ASSERT_EQ(episode.anchors_size(), 1);
  EXPECT_EQ(FromProto(episode.anchors(0).at()), kNow - absl::Hours(1));
}

TEST(MergeReport, WhatIsNotAvailableIsNoLongerAskedUntilItIsKnown) {
  v1::Episode episode;
  v1::ReportMissingRequest report;
  (*report.mutable_youth()->mutable_unavailable())["photo"] = "none was ever taken";
  EXPECT_THAT(MergeReport(report, kNow, episode), ElementsAre("unavailable"));
  EXPECT_THAT(StillUnknown(episode), Not(Contains("photo")));
  v1::AddToEpisodeRequest addition;
  addition.mutable_youth()->set_photo_id("youth-1_pabc");
  EXPECT_THAT(MergeAddition(addition, kNow, episode), ElementsAre("facts", "photo"));
  EXPECT_THAT(episode.youth().unavailable(), IsEmpty());
  EXPECT_THAT(StillUnknown(episode), Not(Contains("photo")));
  EXPECT_THAT(MergeReport(report, kNow, episode), IsEmpty()) << "it is known after all";
}

struct StatusRow {
  std::string word;
  v1::StatusKind kind;
  friend void PrintTo(const StatusRow& row, std::ostream* out) { *out << row.word; }
};

class StatusTest : public ::testing::TestWithParam<StatusRow> {};

TEST_P(StatusTest, IsMappedAndDelaysNothing) {
  EXPECT_EQ(StatusOf(GetParam().word), GetParam().kind);
  v1::ReportMissingRequest report;
  report.set_status_word(GetParam().word);
  const bool unknown = GetParam().kind == v1::STATUS_KIND_NOT_KNOWN;
  EXPECT_EQ(Oddities(report, {}, kNow).size(), unknown ? 1u : 0u);
  v1::Episode episode;
  MergeReport(report, kNow, episode);
  EXPECT_EQ(episode.status_word(), GetParam().word) << "kept as told";
  EXPECT_EQ(episode.status(), GetParam().kind);
}

INSTANTIATE_TEST_SUITE_P(
    Words, StatusTest,
    ::testing::Values(StatusRow{"missing", v1::STATUS_KIND_MISSING},
                      StatusRow{"Missing Young Adult", v1::STATUS_KIND_MISSING},
                      StatusRow{"runaway", v1::STATUS_KIND_LEFT},
                      StatusRow{"Run-Away", v1::STATUS_KIND_LEFT},
                      StatusRow{" AWOLP ", v1::STATUS_KIND_LEFT},
                      StatusRow{"absent  without_consent", v1::STATUS_KIND_LEFT},
                      StatusRow{"abducted", v1::STATUS_KIND_TAKEN},
                      StatusRow{"located in unapproved risky place",
                                v1::STATUS_KIND_UNAPPROVED_PLACE},
                      StatusRow{"gone fishing", v1::STATUS_KIND_NOT_KNOWN},
                      StatusRow{"-", v1::STATUS_KIND_NOT_KNOWN}));

TEST(StatusWords, ThatMeanDangerAreKnownCircumstances) {
  v1::ReportMissingRequest report;
  report.set_status_word("abducted");
  v1::Episode episode;
  MergeReport(report, kNow, episode);
  ASSERT_EQ(episode.circumstances_known_size(), 1);
  EXPECT_EQ(episode.circumstances_known(0).circumstance(), v1::CIRCUMSTANCE_TAKEN);
}

TEST(FillFromRoster, TheRostersNewWordReplacesItsOldOneAndNobodyElses) {
  v1::Youth before;
  before.mutable_facts()->set_eyes("brown");
  before.mutable_facts()->set_hair("brown");
  v1::Episode episode;
  FillFromRoster(before, {}, episode);
  episode.mutable_youth()->set_hair("dyed blue");
  v1::Youth now = before;
  now.mutable_facts()->set_eyes("green");
  now.mutable_facts()->set_hair("black");
  EXPECT_THAT(FillFromRoster(now, before, episode), ElementsAre("eyes"));
  EXPECT_EQ(episode.youth().eyes(), "green");
  EXPECT_EQ(episode.youth().hair(), "dyed blue") << "as somebody told of this episode";
}

TEST(AddedFacts, TheNewestAreKeptWithTheEpisodeInNumberAndSize) {
  v1::Episode episode;
  v1::AddToEpisodeRequest addition;
  for (int i = 0; i < kAddedFactsKeptMax + 5; ++i) {
    addition.set_text(std::to_string(i));
    MergeAddition(addition, kNow, episode);
  }
  EXPECT_EQ(episode.facts_size(), kAddedFactsKeptMax);
  EXPECT_EQ(episode.facts(0).text(), "5");
  addition.set_text(std::string(kTextFieldBytesMax, 'x'));
  for (int i = 0; i < 10; ++i) MergeAddition(addition, kNow, episode);
  EXPECT_EQ(static_cast<size_t>(episode.facts_size()),
            kAddedFactsBytesKeptMax / kTextFieldBytesMax);
}

struct OddRow {
  std::string name;
  std::string date_of_birth;
  uint32_t height_cm;
  absl::Duration last_seen;
  std::string warning;  // empty: none
  friend void PrintTo(const OddRow& row, std::ostream* out) { *out << row.name; }
};

class OddityTest : public ::testing::TestWithParam<OddRow> {};

TEST_P(OddityTest, IsWarnedOf) {
  const OddRow& row = GetParam();
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_date_of_birth(row.date_of_birth);
  report.mutable_youth()->set_height_cm(row.height_cm);
  *report.mutable_last_seen_at() = ToProto(kNow + row.last_seen);
  if (row.warning.empty()) {
    EXPECT_THAT(Oddities(report, {}, kNow), IsEmpty());
  } else {
    EXPECT_THAT(Oddities(report, {}, kNow), ElementsAre(HasSubstr(row.warning)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Reports, OddityTest,
    ::testing::Values(
        OddRow{"an ordinary report", "2010-05-13", 165, -absl::Hours(2), ""},
        OddRow{"19, in care by choice", "2007-01-01", 165, -absl::Hours(2), ""},
        OddRow{"a phone's clock a little ahead", "", 0, absl::Minutes(4), ""},
        OddRow{"seen tomorrow", "", 0, absl::Hours(24), "last_seen_at is in the future"},
        OddRow{"seen last year", "", 0, -absl::Hours(24) * 365, "more than 30 days ago"},
        OddRow{"a date in words", "13 May", 0, -absl::Hours(2), "date like 2010-05-13"},
        OddRow{"born tomorrow year", "2027-05-13", 0, -absl::Hours(2), "is in the future"},
        OddRow{"born in another century", "1910-05-13", 0, -absl::Hours(2), "beyond any"},
        OddRow{"feet for centimetres", "", 5, -absl::Hours(2), "height_cm isn't between"}));

TEST(Oddities, AnotherNameUnderTheSameIdIsWarnedOf) {
  v1::Episode known;
  known.mutable_youth()->set_first_name("Robin");
  v1::ReportMissingRequest report;
  report.mutable_youth()->set_first_name("robin");
  EXPECT_THAT(Oddities(report, known, kNow), IsEmpty());
  report.mutable_youth()->set_first_name("Alex");
  EXPECT_THAT(Oddities(report, known, kNow), ElementsAre(HasSubstr("the right youth")));
}

TEST(Oddities, OfTimesToldWithAnAdditionOrAnAnchor) {
  v1::Episode known;
  *known.mutable_last_seen_at() = ToProto(kNow - absl::Hours(1));
  v1::AddToEpisodeRequest addition;
  addition.set_kind(v1::FACT_KIND_SIGHTING);
  *addition.mutable_occurred_at() = ToProto(kNow - absl::Hours(2));
  v1::AnchorTime& anchor = *addition.add_anchors();
  anchor.set_anchor(v1::POLICY_ANCHOR_LAST_CONTACT);
  *anchor.mutable_at() = ToProto(kNow + absl::Hours(2));
  EXPECT_THAT(Oddities(addition, known, kNow),
              ElementsAre(HasSubstr("before the youth was last seen"),
                          HasSubstr("the time of last_contact is in the future")));
}

}  // namespace
}  // namespace porchlight::episode_facts_test
