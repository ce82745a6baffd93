// Input that agencies do send although it doesn't fit: a place without a pack, a pack that changes
// while a youth is missing, people whom nothing reaches. Nothing of it is lost, and nobody waits
// for ever.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/policy/loader.h"
#include "tests/support/story.h"

namespace porchlight::odd_input_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kNovember[] = "2026-11-22T02:10:00-06:00";

v1::ChangeDirectoryRequest PackWith(const std::string& rules) {
  const auto packs = ParsePacks(
      {{"zz.yaml", absl::StrCat("pack: us-zz\nextends: us\nname: Nowhere\nrules:\n", rules)}});
  EXPECT_TRUE(packs.ok()) << packs.status();
  v1::ChangeDirectoryRequest change;
  *change.mutable_set()->add_packs() = *packs->Find("us-zz");
  return change;
}

TEST(OddInput, AJurisdictionWithoutAPackHasTheFederalRules) {
  Story story(kNovember);
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  request.set_jurisdiction("us-nowhere-at-all");
  const auto reply = story.world.Report("request-of-nowhere", request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_THAT(reply->warnings(), Contains(HasSubstr("no policy pack is in force")));
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  EXPECT_THAT(story.Open(), Contains("police.law_enforcement.1.1"));
}

TEST(OddInput, APackThatBecomesStricterInMidEpisodeMovesTheDutyAndTellsNobodyTwice) {
  Story story(kNovember);
  story.Report("us-zz");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  story.Until(absl::Hours(3));
  const auto changed = story.world.ChangeDirectory(
      "stricter", PackWith("  - id: police\n    citation: Example Code 1\n"
                           "    due: 6 hours from received\n    warn_before: 1 hour\n"));
  ASSERT_TRUE(changed.ok()) << changed.status();
  story.Until(absl::Hours(4));
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: missing"));
  story.Until(absl::Hours(6) + absl::Minutes(1));
  EXPECT_THAT(story.Woken(), Contains("first: overdue police.law_enforcement.1.1"));
  story.Files("law_enforcement", "26-1234");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: facts"));
  story.Files("ncmec", "R-77");
  story.Files("ncic-number", "M123456789");
  EXPECT_THAT(story.Told(), ElementsAre("police: facts"));
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: returned", "police: returned"));
  const v1::OncallState state = story.world.Oncall("youth-1");
  for (const v1::Alert& alert : state.alerts())
    EXPECT_NE(alert.kind(), v1::ALERT_KIND_WRONG) << alert.text();
  // What was computed before keeps the pack that it was computed from.
  EXPECT_NE(story.world.Notices("youth-1_e1").notices(0).citation(), "Example Code 1");
}

TEST(OddInput, ARuleThatIsAddedInMidEpisodeIsADutyFromThenOn) {
  Story story(kNovember);
  story.Report("us-zz");
  story.Acknowledges("first");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Until(absl::Hours(1));
  ASSERT_TRUE(story.world
                  .ChangeDirectory("court-too",
                                   PackWith("  - id: court-told\n    title: Tell the court\n"
                                            "    citation: Example Code 2\n    on: missing\n"
                                            "    action: notify\n    tell: court\n"
                                            "    by: caseworker\n    due: 8 hours from received\n"
                                            "    proved_by: delivery_receipt\n"))
                  .ok());
  story.Sighted("by the bridge");
  EXPECT_THAT(story.Told(), ElementsAre("court: missing", "police: facts"));
  story.Until(absl::Hours(3));
  EXPECT_THAT(story.Woken(), IsEmpty()) << "its owner began it, and it is proved";
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("court: returned", "ncmec: returned", "police: returned"));
}

TEST(OddInput, ARecipientWhoCannotBeReachedAnyMoreIsToldByAPersonInTheEnd) {
  Story story(kNovember);
  story.world.channel->Always("police", MemoryChannel::Refuse(404));
  story.Report("us");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  const std::vector<std::string> woken = story.Woken();
  EXPECT_THAT(woken, Contains("first: woken page.supervisor.1.1"));
  EXPECT_THAT(woken, Contains(HasSubstr("Nobody was told police.law_enforcement.1.1")));
  story.Acknowledges("first");
  story.Acknowledges("first");
  story.Files("law_enforcement", "26-1234");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: missing"));
  EXPECT_THAT(story.Open(), ::testing::Not(Contains("police.law_enforcement.1.1")));
}

TEST(OddInput, ALevelOfTheRotaWithNobodyInItIsPassedOver) {
  Story story(kNovember);
  v1::ChangeDirectoryRequest hole;
  *hole.mutable_set()->add_overrides() =
      TestOverride("hole", "supervisor", 1, "second", story.world.clock.Now(), absl::Hours(24));
  ASSERT_TRUE(story.world.ChangeDirectory("stands-in", hole).ok());
  v1::ChangeDirectoryRequest gap;
  *gap.mutable_set()->add_rotas() =
      TestRota("supervisor", {{TestShift({"first"}, "2027-01-05", 7, 480)}});
  const auto refused = story.world.ChangeDirectory("gap", gap);
  EXPECT_FALSE(refused.ok());
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("rota supervisor"));
  story.Report("us");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("second: woken page.supervisor.1.1"));
  story.Acknowledges("second");
}

}  // namespace
}  // namespace porchlight::odd_input_test
