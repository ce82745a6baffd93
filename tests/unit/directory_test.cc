// The directory as a value: changes, the configuration's part in them, and who is found for a
// jurisdiction.
#include "common/directory/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_join.h"
#include "common/policy/loader.h"
#include "tests/support/directory.h"

namespace porchlight::directory_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::Recipient Desk(const std::string& id, const std::vector<std::string>& jurisdictions = {}) {
  v1::Recipient recipient = TestRecipient(id, v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  for (const std::string& jurisdiction : jurisdictions) recipient.add_jurisdictions(jurisdiction);
  return recipient;
}

v1::Directory Of(const std::vector<v1::Recipient>& recipients) {
  v1::Directory directory;
  for (const v1::Recipient& recipient : recipients) *directory.add_recipients() = recipient;
  return directory;
}

v1::ChangeDirectoryRequest Setting(const v1::Directory& set) {
  v1::ChangeDirectoryRequest change;
  *change.mutable_set() = set;
  return change;
}

template <typename Entries>
std::string IdsOf(const Entries& entries) {
  std::vector<std::string> ids;
  for (const auto& entry : entries) ids.push_back(IdOf(entry));
  return absl::StrJoin(ids, ",");
}

TEST(Directory, SetsReplacesAndRemovesById) {
  v1::Directory directory = Of({Desk("a"), Desk("b"), Desk("c")});
  v1::ChangeDirectoryRequest change = Setting(Of({Desk("b", {"us-tx"}), Desk("d")}));
  change.add_recipients_removed("a");
  change.add_recipients_removed("never-was");
  Apply(directory, change);
  EXPECT_EQ(IdsOf(directory.recipients()), "b,c,d");
  EXPECT_THAT(directory.recipients(0).jurisdictions(), ElementsAre("us-tx"));
  const std::string once = directory.SerializeAsString();
  Apply(directory, change);
  EXPECT_EQ(directory.SerializeAsString(), once) << "a change made twice is made once";
}

TEST(Directory, TheOverrideSetLastIsTheNewest) {
  v1::Directory set;
  for (const char* id : {"one", "two"}) set.add_overrides()->set_override_id(id);
  v1::Directory directory;
  Apply(directory, Setting(set));
  EXPECT_EQ(IdsOf(directory.overrides()), "one,two");
  v1::Directory again;
  again.add_overrides()->set_override_id("one");
  Apply(directory, Setting(again));
  EXPECT_EQ(IdsOf(directory.overrides()), "two,one");
}

TEST(Directory, FollowsWhatChangedInTheConfigurationAndNothingElse) {
  const v1::Directory before = Of({Desk("kept"), Desk("changed"), Desk("gone"), Desk("taken-on")});
  v1::Directory in_force = before;
  // What people set by command: an address, and a desk that the configuration no longer has.
  in_force.mutable_recipients(0)->set_address("mended");
  in_force.mutable_recipients(3)->set_address("mended-too");
  const v1::Directory wanted = Of({Desk("kept"), Desk("changed", {"us-tx"}), Desk("new")});
  const v1::ChangeDirectoryRequest change = ConfigurationChange(in_force, before, wanted);
  EXPECT_EQ(IdsOf(change.set().recipients()), "changed,new");
  EXPECT_THAT(change.recipients_removed(), ElementsAre("gone"));
  EXPECT_FALSE(ChangesNothing(change));
  EXPECT_TRUE(ChangesNothing(ConfigurationChange(in_force, before, before)));

  v1::Directory configured = before;
  Apply(configured, change);
  Apply(in_force, change);
  EXPECT_TRUE(ChangesNothing(ConfigurationChange(in_force, configured, wanted)));
  EXPECT_EQ(in_force.recipients(0).address(), "mended");
}

TEST(Directory, TakesNewPacksOfTheConfigurationButNeverInThePlaceOfAnAgencysOwn) {
  const auto with = [](const std::string& id, const std::string& name) {
    v1::Directory directory;
    v1::PolicyPack& pack = *directory.add_packs();
    pack.set_pack_id(id);
    pack.set_name(name);
    return directory;
  };
  const v1::Directory before = with("us", "first");
  const auto after = [&](const v1::Directory& in_force) {
    return ConfigurationChange(in_force, before, with("us", "second"));
  };
  EXPECT_EQ(IdsOf(after(before).set().packs()), "us");
  EXPECT_TRUE(ChangesNothing(after(with("us", "own"))));
  EXPECT_TRUE(ChangesNothing(ConfigurationChange(with("us", "own"), {}, before)));
  EXPECT_TRUE(ChangesNothing(ConfigurationChange(before, before, {}))) << "none is removed";
}

struct Row {
  const char* sentence;
  const char* jurisdiction;
  const char* told;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.sentence; }

class NearestDesk : public ::testing::TestWithParam<Row> {};

TEST_P(NearestDesk, IsTold) {
  const v1::Directory directory =
      Of({Desk("anywhere"), Desk("texas", {"us-tx"}), Desk("california", {"us-ca"}),
          Desk("los-angeles", {"us-ca-los-angeles"}),
          Desk("north", {"us-ca-marin", "us-ca-sonoma"}), Desk("marin", {"us-ca-marin"})});
  std::vector<std::string> told;
  for (const v1::Recipient* recipient : RecipientsFor(directory, v1::RECIPIENT_KIND_LAW_ENFORCEMENT,
                                                      GetParam().jurisdiction, false)) {
    told.push_back(recipient->recipient_id());
  }
  EXPECT_EQ(absl::StrJoin(told, ","), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, NearestDesk,
    ::testing::Values(Row{"its own", "us-tx", "texas"},
                      Row{"the county's where there is one", "us-ca-los-angeles", "los-angeles"},
                      Row{"the state's where there is none", "us-ca-fresno", "california"},
                      Row{"however it is typed", " US_CA Fresno ", "california"},
                      Row{"all that are equally near", "us-ca-marin", "north,marin"},
                      Row{"a name that only begins like it is another", "us-txx", "anywhere"},
                      Row{"elsewhere the one for all", "us-ny", "anywhere"},
                      Row{"where nobody said where, too", "", "anywhere"}));

TEST(Directory, DrillsAndTheRealThingNeverMeet) {
  v1::Directory directory = Of({Desk("live"), Desk("drill", {"us-tx"})});
  directory.mutable_recipients(1)->set_exercise_only(true);
  directory.mutable_recipients(0)->set_person_id("ann");
  directory.mutable_recipients(1)->set_person_id("ann");
  const auto told = [&](bool exercise) {
    return RecipientsFor(directory, v1::RECIPIENT_KIND_LAW_ENFORCEMENT, "us-tx", exercise);
  };
  EXPECT_THAT(told(false), ElementsAre(&directory.recipients(0)));
  EXPECT_THAT(told(true), ElementsAre(&directory.recipients(1)));
  EXPECT_THAT(RecipientsFor(directory, v1::RECIPIENT_KIND_COURT, "us-tx", false), IsEmpty());
  EXPECT_THAT(WaysOf(directory, "ann", false), ElementsAre(&directory.recipients(0)));
  EXPECT_THAT(WaysOf(directory, "ann", true), ElementsAre(&directory.recipients(1)));
  EXPECT_THAT(WaysOf(directory, "ben", false), IsEmpty());
}

TEST(Directory, TheTeamOfTheNearestJurisdiction) {
  v1::Directory directory;
  for (const char* id : {"all", "texas", "travis", "travis-too"}) {
    directory.add_rosters()->set_roster_id(id);
  }
  directory.mutable_rosters(1)->add_jurisdictions("us-tx");
  directory.mutable_rosters(2)->add_jurisdictions("us-tx-travis");
  directory.mutable_rosters(3)->add_jurisdictions("us-tx-travis");
  EXPECT_EQ(RosterFor(directory, "us-tx-travis")->roster_id(), "travis");
  EXPECT_EQ(RosterFor(directory, "us-tx-harris")->roster_id(), "texas");
  EXPECT_EQ(RosterFor(directory, "us-ny")->roster_id(), "all");
  EXPECT_EQ(RosterFor(v1::Directory(), "us-ny"), nullptr);
}

// The same pack as the set of packs that `policy explain` asks.
TEST(Directory, ThePackInForceIsThatOfThePackSet) {
  const absl::StatusOr<PackSet> packs = ParsePacks(
      {{"agency.yaml", "pack: aa-agency\nextends: us-tx\njurisdiction: us-tx\nname: Agency\n"}});
  ASSERT_TRUE(packs.ok()) << packs.status();
  v1::Directory set;
  for (const auto& [id, pack] : packs->packs()) *set.mutable_packs()->Add() = pack;
  // However they came, they stand by their id.
  std::reverse(set.mutable_packs()->begin(), set.mutable_packs()->end());
  v1::Directory directory;
  Apply(directory, Setting(set));
  for (const char* jurisdiction : {"us", "us-tx", "us-tx-travis", "us-ca", "us-ca-los-angeles",
                                   "US_CA_Los Angeles", "us-ca-fresno", "us-ny", "elsewhere", ""}) {
    const v1::PolicyPack* pack = PackInForce(directory, jurisdiction);
    ASSERT_NE(pack, nullptr);
    EXPECT_EQ(pack->pack_id(), packs->For(jurisdiction).pack->pack_id()) << jurisdiction;
  }
  EXPECT_EQ(PackInForce(directory, "us-tx")->pack_id(), "aa-agency");
  EXPECT_EQ(PackInForce(v1::Directory(), "us-tx"), nullptr);
}

}  // namespace
}  // namespace porchlight::directory_test
