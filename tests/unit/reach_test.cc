// Who tries a server that is away, and when.
#include "common/base/reach.h"

#include <gtest/gtest.h>

namespace porchlight::reach_test {
namespace {

class ReachTest : public ::testing::Test {
 protected:
  bool Tries() { return reach_.MayTry(absl::Seconds(3)).ok(); }
  void Miss(absl::Duration took = absl::ZeroDuration()) {
    reach_.Missed(absl::UnavailableError("away"), took);
  }

  ManualClock clock_{absl::UnixEpoch()};
  Reach reach_{clock_, absl::Milliseconds(300)};
};

TEST_F(ReachTest, EverybodyTriesWhatWasReachedOrNeverTried) {
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(Tries());
  reach_.Reached();
  for (int n = 0; n < 3; ++n) EXPECT_TRUE(Tries());
}

TEST_F(ReachTest, WhatWasMissedIsTriedByOneAfterAPauseThatGrows) {
  for (const int pause_ms : {50, 100, 200, 300, 300}) {
    Miss();
    clock_.Advance(absl::Milliseconds(pause_ms - 1));
    EXPECT_EQ(reach_.MayTry(absl::Seconds(3)).message(), "away") << pause_ms;
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(Tries()) << pause_ms;
    EXPECT_FALSE(Tries()) << pause_ms;  // while the first does
  }
}

TEST_F(ReachTest, OneThatNeverTellsIsFollowedByAnother) {
  Miss();
  clock_.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(Tries());
  clock_.Advance(absl::Seconds(3));
  EXPECT_TRUE(Tries());
}

TEST_F(ReachTest, ALongTryIsFollowedByALongPause) {
  Miss(absl::Milliseconds(20));
  clock_.Advance(absl::Milliseconds(199));
  EXPECT_FALSE(Tries());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(Tries());
}

TEST_F(ReachTest, OnceReachedThePausesBeginAnew) {
  for (int n = 0; n < 5; ++n) Miss();
  reach_.Reached();
  EXPECT_TRUE(Tries());
  Miss();
  clock_.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(Tries());
}

}  // namespace
}  // namespace porchlight::reach_test
