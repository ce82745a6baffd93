// What a processor keeps of its partition's timers: each once, by when it is due, as it was set.
#include "common/processor/partition_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"

namespace porchlight::partition_view_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kStart = absl::FromUnixSeconds(1'780'000'000);

v1::Timer TimerOf(const std::string& id, absl::Duration after) {
  v1::Timer timer;
  timer.set_timer_id(id);
  *timer.mutable_due_at() = ToProto(kStart + after);
  timer.set_episode_id("y-1_e1");
  timer.set_exercise(true);
  timer.set_correlation_id("report-1");
  return timer;
}

std::vector<std::string> DueIds(const PartitionView& view, absl::Time now, size_t limit = 10) {
  std::vector<std::string> ids;
  for (const auto& due : view.DueTimers(now, limit)) ids.push_back(due.timer.timer_id());
  return ids;
}

class TimersOfOnePartition : public ::testing::Test {
 protected:
  void Set(const std::string& youth_id, const v1::Timer& timer) { view_.Timer({youth_id, timer}); }

  // As when it fired.
  void Remove(const std::string& youth_id, const std::string& timer_id) {
    Counted counted;
    counted.record.set_aggregate_tag(AggregateTag(youth_id));
    counted.transition.set_aggregate_id(youth_id);
    counted.transition.add_timers_removed(timer_id);
    view_.Fold(counted);
  }

  PartitionView view_;
};

TEST_F(TimersOfOnePartition, TheEarliestIsDueFirstWhicheverWasSetFirst) {
  Set("y-1", TimerOf("later", absl::Hours(2)));
  Set("y-2", TimerOf("sooner", absl::Hours(1)));
  EXPECT_EQ(view_.NextDue(), kStart + absl::Hours(1));
  EXPECT_THAT(DueIds(view_, kStart), IsEmpty());
  EXPECT_THAT(DueIds(view_, kStart + absl::Hours(1)), ElementsAre("sooner"));
  EXPECT_THAT(DueIds(view_, kStart + absl::Hours(2)), ElementsAre("sooner", "later"));
  EXPECT_THAT(DueIds(view_, kStart + absl::Hours(2), 1), ElementsAre("sooner"));
}

TEST_F(TimersOfOnePartition, OneIsGivenBackAsItWasSet) {
  const v1::Timer timer = TimerOf("look/y-1_e1", absl::Milliseconds(1500));
  Set("y-1", timer);
  const auto due = view_.DueTimers(kStart + absl::Hours(1), 1);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].aggregate_id, "y-1");
  EXPECT_EQ(due[0].timer.SerializeAsString(), timer.SerializeAsString());
}

TEST_F(TimersOfOnePartition, OneThatIsSetAgainHasOnlyItsNewTime) {
  Set("y-1", TimerOf("look", absl::Hours(1)));
  Set("y-1", TimerOf("look", absl::Hours(3)));
  Set("y-2", TimerOf("look", absl::Hours(2)));
  EXPECT_EQ(view_.timers(), 2u);
  EXPECT_EQ(view_.NextDue(), kStart + absl::Hours(2));
}

TEST_F(TimersOfOnePartition, OneThatIsRemovedIsNotDueAnyMore) {
  Set("y-1", TimerOf("look", absl::Hours(1)));
  Set("y-2", TimerOf("look", absl::Hours(1)));
  Remove("y-1", "look");
  Remove("y-1", "never-set");
  const auto due = view_.DueTimers(kStart + absl::Hours(1), 10);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].aggregate_id, "y-2");
  Remove("y-2", "look");
  EXPECT_EQ(view_.NextDue(), absl::InfiniteFuture());
}

}  // namespace
}  // namespace porchlight::partition_view_test
