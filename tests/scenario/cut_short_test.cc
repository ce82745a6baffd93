// A log that was cut short, or changed, is noticed at the next start: never decided over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/hash.h"
#include "tests/support/world.h"

namespace porchlight::cut_short_test {
namespace {

using ::testing::HasSubstr;

struct CutRow {
  std::string topic;
  bool store_kept;
  std::string told_by;
  friend void PrintTo(const CutRow& row, std::ostream* out) { *out << row.topic << row.store_kept; }
};

class CutShortTest : public ::testing::TestWithParam<CutRow> {};

TEST_P(CutShortTest, IsNoticedAtTheNextStart) {
  World world;
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  ASSERT_TRUE(world.Report("request-1", request).ok());
  world.Advance(absl::Seconds(1));  // what nobody waits for comes into the store later
  const TopicPartition where{GetParam().topic, PartitionOf("youth-1", kPartitions)};
  ASSERT_GT(*world.log.End(where), 0);
  world.log.CutShort(where, 0);
  if (!GetParam().store_kept) {
    world.intake_store.WipeAll();
    world.notification_store.WipeAll();
  }
  Outcomes outcomes;
  const WorkerOptions options{
      .agency_id = kTestAgency, .partitions = kPartitions, .dispatcher = {}};
  Worker intake(world.intake_rules,
                WorkerPorts{world.log, world.intake_store, world.keys, world.clock, outcomes, {}},
                options);
  Worker notification(
      world.notification_rules,
      WorkerPorts{world.log, world.notification_store, world.keys, world.clock, outcomes, {}},
      options);
  const absl::Status started =
      GetParam().told_by == "intake" ? intake.Start() : notification.Start();
  EXPECT_EQ(started.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(started.message()), HasSubstr("cut short"));
  EXPECT_THAT(std::string(started.message()), HasSubstr("Restore"));
}

INSTANTIATE_TEST_SUITE_P(
    Topics, CutShortTest,
    ::testing::Values(CutRow{"porchlight.intake.commands", true, "intake"},
                      CutRow{"porchlight.intake.commands", false, "intake"},
                      CutRow{"porchlight.intake.events", true, "intake"},
                      CutRow{"porchlight.intake.events", true, "notification"},
                      CutRow{"porchlight.intake.events", false, "notification"},
                      CutRow{"porchlight.notification.events", true, "notification"}));

}  // namespace
}  // namespace porchlight::cut_short_test
