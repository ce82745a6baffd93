// The directory in use: what people and the configuration change, and who is told from then on.
#include "common/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/directory/rota.h"
#include "common/privacy/sealing.h"
#include "common/processor/reference.h"
#include "tests/support/world.h"

namespace porchlight::directory_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

std::vector<std::string> IdsOf(const v1::Directory& directory) {
  std::vector<std::string> ids;
  for (const v1::Recipient& recipient : directory.recipients()) {
    ids.push_back(recipient.recipient_id());
  }
  return ids;
}

v1::ChangeDirectoryRequest Setting(const v1::Recipient& recipient) {
  v1::ChangeDirectoryRequest change;
  *change.mutable_set()->add_recipients() = recipient;
  return change;
}

v1::ReportMissingRequest Missing() {
  v1::ReportMissingRequest report;
  report.set_placement("Maple House");
  return report;
}

TEST(DirectoryScenario, ADeskThatIsSetIsToldOfTheNextReportAndOneThatIsRemovedIsNot) {
  World world;
  v1::ChangeDirectoryRequest change =
      Setting(TestRecipient("sheriff", v1::RECIPIENT_KIND_LAW_ENFORCEMENT));
  change.add_recipients_removed("police");
  ASSERT_TRUE(world.ChangeDirectory("change-1", change).ok());
  ASSERT_TRUE(world.Report("request-1", Missing()).ok());
  EXPECT_THAT(world.TakeSent(), ElementsAre("sheriff: A youth is missing from care"));
}

TEST(DirectoryScenario, ARefusedChangeLeavesEverythingAsItWas) {
  World world;
  v1::Recipient broken = TestRecipient("court", v1::RECIPIENT_KIND_COURT);
  broken.set_address("not a folder");
  const auto refused = world.ChangeDirectory("change-1", Setting(broken));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("recipient court"));
  EXPECT_THAT(IdsOf(world.Directory()), UnorderedElementsAre("police", "ncmec", "supervisor"));
}

TEST(DirectoryScenario, TheSameRequestIdAgainIsTheSameChange) {
  World world;
  const auto change = Setting(TestRecipient("court", v1::RECIPIENT_KIND_COURT));
  ASSERT_TRUE(world.ChangeDirectory("change-1", change).ok());
  v1::ChangeDirectoryRequest removal;
  removal.add_recipients_removed("court");
  ASSERT_TRUE(world.ChangeDirectory("change-2", removal).ok());
  ASSERT_TRUE(world.ChangeDirectory("change-1", change).ok());
  EXPECT_THAT(IdsOf(world.Directory()), UnorderedElementsAre("police", "ncmec", "supervisor"));
  EXPECT_EQ(world.ChangeDirectory("change-1", removal).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(DirectoryScenario, ARotaIsAskedAndSurvivesACrash) {
  World world;
  v1::ChangeDirectoryRequest change = Setting(TestWayOf("ann"));
  *change.mutable_set()->add_recipients() = TestWayOf("ben");
  *change.mutable_set()->add_rotas() =
      TestRota("supervisor-on-call", {{TestShift({"ann", "ben"}, "2026-01-05", 7, 480)}});
  ASSERT_TRUE(world.ChangeDirectory("change-1", change).ok());
  v1::ChangeDirectoryRequest stand_in;
  *stand_in.mutable_set()->add_overrides() =
      TestOverride("o-1", "supervisor-on-call", 1, "ben", world.clock.Now(), absl::Hours(6));
  ASSERT_TRUE(world.ChangeDirectory("change-2", stand_in).ok());
  world.Restart();
  world.directory_store.WipeAll();
  world.Advance(absl::Seconds(10));
  const auto first = [&](absl::Duration after) {
    return PeopleOnCall(world.Directory(), "supervisor-on-call", 1, world.clock.Now() + after);
  };
  EXPECT_THAT(first(absl::Hours(1)), ElementsAre("ben"));
  EXPECT_EQ(first(absl::Hours(7)).size(), 1u);
  v1::ChangeDirectoryRequest removal;
  removal.add_recipients_removed("way-of-ann");
  const auto refused = world.ChangeDirectory("change-3", removal);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("rota supervisor-on-call"));
}

// Nothing of it is about a youth: it is sealed with the agency's key, in the one partition.
TEST(DirectoryScenario, IsOnePartitionSealedWithTheAgencysKey) {
  World world;
  EXPECT_GT(*world.log.End({CommandsTopic("directory"), 0}), 0);
  EXPECT_EQ(*world.log.End({CommandsTopic("directory"), 1}), 0);
  const auto read = world.log.Read({EventsTopic("directory"), 0}, 0, {});
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 1u);
  v1::TransitionRecord record;
  v1::Transition transition;
  ASSERT_TRUE(record.ParseFromString(read->front()));
  ASSERT_TRUE(transition.ParseFromString(record.content()));
  EXPECT_EQ(transition.aggregate_id(), kDirectoryAggregate);
  EXPECT_EQ(transition.youth_id(), "");
  const auto key = world.keys.Get(KeyName(""));
  ASSERT_TRUE(key.ok());
  EXPECT_TRUE(OpenRecord(*key, transition.events(0)).ok());
  const States states(world.directory_rules, world.directory_store, world.keys, 1);
  const auto aggregate = states.Load(kDirectoryAggregate);
  ASSERT_TRUE(aggregate.ok()) << aggregate.status();
  EXPECT_EQ(static_cast<const v1::Directory&>(*aggregate->rules_state).SerializeAsString(),
            world.Directory().SerializeAsString());
}

// What the configuration said before is known from the log: that is what its next word is measured
// by. Before the first change stands what earlier versions wrote.
TEST(DirectoryScenario, RemembersWhatTheConfigurationSaid) {
  World world(std::vector<v1::Recipient>{});
  v1::DirectoryReplaced replaced;
  *replaced.mutable_directory()->add_recipients() =
      TestRecipient("of-an-earlier-version", v1::RECIPIENT_KIND_COURT);
  v1::Transition transition;
  transition.set_service("directory");
  transition.set_aggregate_id("directory");
  transition.set_aggregate_sequence(1);
  transition.set_aggregate_previous_offset(-1);
  const auto key = world.keys.GetOrCreate(KeyName(""));
  ASSERT_TRUE(key.ok());
  *transition.add_events() = MakeRecord(*key, {}, replaced);
  world.log.Append({{{EventsTopic("directory"), 0},
                     {SealLink({}, transition).SerializeAsString()},
                     std::nullopt}});
  EXPECT_THAT(IdsOf(world.Directory()), ElementsAre("of-an-earlier-version"));

  v1::ChangeDirectoryRequest configured =
      Setting(TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT));
  configured.mutable_actor()->set_actor_id(kConfigurationActor);
  ASSERT_TRUE(world.ChangeDirectory("configured-1", configured).ok());
  ASSERT_TRUE(
      world.ChangeDirectory("change-1", Setting(TestRecipient("court", v1::RECIPIENT_KIND_COURT)))
          .ok());
  Reference reference(world.log, world.keys);
  ASSERT_EQ(reference.Step(), absl::OkStatus());
  EXPECT_THAT(IdsOf(reference.directory()), ElementsAre("police", "court"));
  EXPECT_THAT(IdsOf(reference.configured()), ElementsAre("police"));
  EXPECT_EQ(reference.sequence(), 3u);
}

}  // namespace
}  // namespace porchlight::directory_test
