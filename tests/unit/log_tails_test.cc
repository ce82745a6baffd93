// The newest records of a log in memory: never anything else than the log has, whatever comes in
// which order.

#include "common/log/log_tails.h"

#include "gmock/gmock.h"

namespace porchlight::log_tails_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const TopicPartition kWhere = {"topic", 0};
constexpr size_t kPlenty = 1 << 20;

TEST(LogTails, WhatFollowsTheEndIsKept) {
  LogTails tails(kPlenty);
  EXPECT_TRUE(tails.Append(kWhere, 0, {"a", "b"}));
  EXPECT_TRUE(tails.Append(kWhere, 2, {"c"}));
  EXPECT_EQ(tails.End(kWhere).end, 3);
  EXPECT_THAT(tails.Read(kWhere, 1, {}), ElementsAre("b", "c"));
}

TEST(LogTails, WhatIsKnownChangesNothing) {
  LogTails tails(kPlenty);
  tails.Append(kWhere, 0, {"a", "b", "c"});
  EXPECT_TRUE(tails.Append(kWhere, 0, {"a"}));
  EXPECT_TRUE(tails.Append(kWhere, 1, {"b", "c", "d"}));
  EXPECT_THAT(tails.Read(kWhere, 0, {}), ElementsAre("a", "b", "c", "d"));
}

TEST(LogTails, BeyondAGapNothingIsKept) {
  LogTails tails(kPlenty);
  tails.Append(kWhere, 0, {"a"});
  EXPECT_FALSE(tails.Append(kWhere, 2, {"c"}));
  EXPECT_EQ(tails.End(kWhere).end, 1);
  EXPECT_TRUE(tails.Append(kWhere, 1, {"b"}));
  EXPECT_THAT(tails.Read(kWhere, 0, {}), ElementsAre("a", "b"));
}

TEST(LogTails, AnEndFurtherOnForgetsWhatCameBefore) {
  LogTails tails(kPlenty);
  tails.Append(kWhere, 0, {"a"});
  tails.NoteEnd(kWhere, 5);
  EXPECT_THAT(tails.Read(kWhere, 0, {}), IsEmpty());
  EXPECT_TRUE(tails.Append(kWhere, 3, {"d", "e", "f"}));
  EXPECT_THAT(tails.Read(kWhere, 5, {}), ElementsAre("f"));
  EXPECT_THAT(tails.Read(kWhere, 4, {}), IsEmpty());
}

TEST(LogTails, TheOldestOfAllPartitionsGoFirst) {
  LogTails tails(3 * 100);
  const TopicPartition other = {"topic", 1};
  tails.Append(kWhere, 0, {"a"});
  tails.Append(other, 0, {"b", "c"});
  tails.Append(other, 2, {"d"});
  EXPECT_THAT(tails.Read(kWhere, 0, {}), IsEmpty());
  EXPECT_THAT(tails.Read(other, 0, {}), ElementsAre("b", "c", "d"));
  EXPECT_EQ(tails.End(kWhere).end, 1);
}

TEST(LogTails, OfOneThatIsResetNothingIsKnown) {
  LogTails tails(kPlenty);
  tails.Append(kWhere, 0, {"a"});
  tails.Reset(kWhere);
  EXPECT_EQ(tails.End(kWhere).end, 0);
  EXPECT_THAT(tails.Read(kWhere, 0, {}), IsEmpty());
}

}  // namespace
}  // namespace porchlight::log_tails_test
