// Ids: where they may come from, and what they may hold.

#include "common/base/ids.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace porchlight::ids_test {
namespace {

bool IsSmallBase32(const std::string& id) {
  return id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567") == std::string::npos;
}

TEST(Ids, AreNeverTheSame) {
  SystemIds system;
  SeededIds seeded(1);
  std::set<std::string> drawn;
  for (int i = 0; i < 1000; ++i) {
    for (const std::string& id : {system.New(), seeded.New()}) {
      EXPECT_EQ(id.size(), 26u);
      EXPECT_TRUE(IsSmallBase32(id)) << id;
      EXPECT_TRUE(CheckId("id", id, 26).ok());
      EXPECT_TRUE(drawn.insert(id).second) << id;
    }
  }
}

TEST(SeededIds, GiveOneSequenceForOneSeed) {
  SeededIds first(7);
  SeededIds again(7);
  SeededIds other(8);
  for (int i = 0; i < 10; ++i) {
    const std::string id = first.New();
    EXPECT_EQ(again.New(), id);
    EXPECT_NE(other.New(), id);
  }
}

TEST(DeriveId, DependsOnItsArgumentsAndNothingElse) {
  const std::string id = DeriveId("youth", "r-1", 3);
  EXPECT_EQ(id, DeriveId("youth", "r-1", 3));
  EXPECT_EQ(id.size(), 20u);
  EXPECT_TRUE(IsSmallBase32(id));
  std::set<std::string> others = {id, DeriveId("delivery", "r-1", 3), DeriveId("youth", "r-2", 3),
                                  DeriveId("youth", "r-1", 4), DeriveId("youth", "r-1")};
  EXPECT_EQ(others.size(), 5u);
  // Written to logs for good: it must come out the same for ever.
  EXPECT_EQ(DeriveId("youth", "r-1"), "txx6tucz6upjkip233w7");
}

TEST(YouthOf, IsWhatStandsBeforeTheFirstUnderscore) {
  EXPECT_EQ(YouthOf("y-104"), "y-104");
  EXPECT_EQ(YouthOf("y-104_e1"), "y-104");
  EXPECT_EQ(YouthOf("y-104_e1_n2"), "y-104");
  EXPECT_EQ(YouthOf("y-104_dabc"), "y-104");
  EXPECT_EQ(YouthOf(""), "");
}

TEST(CheckId, TakesOpaqueIdsOnly) {
  struct Row {
    std::string id;
    size_t shortest;
    bool ok;
  };
  for (const Row& row : {
           Row{"a", 1, true},
           Row{"Case-104", 1, true},
           Row{std::string(64, 'a'), 1, true},
           Row{std::string(65, 'a'), 1, false},
           Row{"", 1, false},
           Row{"", 0, true},
           Row{"abc", 4, false},
           Row{"abcd", 4, true},
           Row{"a_b", 1, false},
           Row{"a b", 1, false},
           Row{"a/b", 1, false},
           Row{"\xc3\xa9", 1, false},
           Row{std::string("a\0b", 3), 1, false},
       }) {
    const absl::Status status = CheckId("youth.youth_id", row.id, row.shortest);
    EXPECT_EQ(status.ok(), row.ok) << row.id;
    if (row.ok) continue;
    EXPECT_TRUE(absl::IsInvalidArgument(status));
    EXPECT_EQ(status.message().find("youth.youth_id must be "), 0u);
    // What was typed may be a name: it is never repeated.
    if (row.id.size() > 1) {
      EXPECT_EQ(status.message().find(row.id), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace porchlight::ids_test
