// What a worker shows of itself while things go wrong, and that it is nought again once they are
// mended.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace porchlight::figures_test {
namespace {

class FiguresTest : public ::testing::Test {
 protected:
  FiguresTest() { world.Settle(); }

  void Report(const std::string& request_id) {
    v1::ReportMissingRequest request;
    request.set_youth_id("youth-1");
    request.set_placement("Maple House");
    EXPECT_TRUE(world.Report(request_id, request).ok());
  }
  static Figures Of(const Worker& worker) { return worker.figures().first; }

  World world;
};

TEST_F(FiguresTest, AQuietServiceShowsNothingOpen) {
  const Figures figures = Of(*world.notification);
  EXPECT_EQ(figures.partitions, kPartitions);
  EXPECT_EQ(figures.lag_records, 0);
  EXPECT_EQ(figures.oldest_input_age, absl::ZeroDuration());
  EXPECT_EQ(figures.oldest_delivery_age, absl::ZeroDuration());
  EXPECT_EQ(figures.oldest_timer_late, absl::ZeroDuration());
}

TEST_F(FiguresTest, AMessageThatIsNotTakenGrowsOldAndBecomesADeadLetter) {
  world.channel->Always("police", MemoryChannel::Retry());
  Report("request-1");
  world.Advance(absl::Hours(2));
  EXPECT_GE(Of(*world.notification).oldest_delivery_age, absl::Hours(2) - absl::Minutes(1));
  EXPECT_EQ(Of(*world.notification).recipients_resting, 1);
  EXPECT_EQ(Of(*world.notification).dead_letters, 0);
  world.Advance(absl::Hours(30));
  EXPECT_EQ(Of(*world.notification).dead_letters, 1);
}

TEST_F(FiguresTest, DecisionsAreCounted) {
  const uint64_t before = Of(*world.intake).transitions;
  Report("request-1");
  world.Advance(absl::Seconds(2));
  EXPECT_EQ(Of(*world.intake).transitions, before + 1);
}

}  // namespace
}  // namespace porchlight::figures_test
