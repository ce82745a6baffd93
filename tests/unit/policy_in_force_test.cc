// Which pack a decision uses.
#include <gtest/gtest.h>

#include "common/policy/in_force.h"

namespace porchlight::policy_in_force_test {
namespace {

v1::PolicyPack Pack(const std::string& id, const std::string& jurisdiction) {
  v1::PolicyPack pack;
  pack.set_pack_id(id);
  pack.set_jurisdiction(jurisdiction);
  return pack;
}

struct Row {
  std::string jurisdiction;
  std::string pack_id;
  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.jurisdiction; }
};

class InForceTest : public ::testing::TestWithParam<Row> {};

TEST_P(InForceTest, IsTheNearest) {
  v1::Directory directory;
  *directory.add_packs() = Pack("us", "us");
  *directory.add_packs() = Pack("us-ca", "us-ca");
  v1::PolicyPack agency = Pack("example-agency", "us-ca");
  agency.add_extends("us-ca");
  agency.add_extends("us");
  *directory.add_packs() = agency;
  *directory.add_packs() = Pack("us-tx", "us-tx");
  EXPECT_EQ(PolicyPackFor(directory, GetParam().jurisdiction).pack_id(), GetParam().pack_id);
}

INSTANTIATE_TEST_SUITE_P(Jurisdictions, InForceTest,
                         ::testing::Values(Row{"us-tx", "us-tx"}, Row{" US-TX ", "us-tx"},
                                           Row{"us-ca-kern", "example-agency"}, Row{"us-ny", "us"},
                                           Row{"elsewhere", "us"}, Row{"", "us"}));

TEST(InForce, WithoutAnyPackItIsTheFederalOneOfThisBuild) {
  const v1::PolicyPack& pack = PolicyPackFor({}, "us-tx");
  EXPECT_EQ(pack.pack_id(), "us");
  EXPECT_GT(pack.rules_size(), 10);
}

}  // namespace
}  // namespace porchlight::policy_in_force_test
