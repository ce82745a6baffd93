// The machine's clock is set while notices are on their way: nothing is lost or said twice, and the
// people who run it are told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "common/logger/logger.h"
#include "tests/support/world.h"

namespace porchlight::clock_step_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

v1::ReportMissingRequest MissingFrom(const std::string& placement) {
  v1::ReportMissingRequest request;
  request.set_placement(placement);
  return request;
}

constexpr char kClockWasSet[] = "the machine's clock was set";

TEST(ClockStep, TimeThatPassesIsNoStep) {
  World world;
  const LogCapture log;
  world.Advance(absl::Hours(3));
  EXPECT_THAT(log.Lines(), Not(HasSubstr(kClockWasSet)));
}

TEST(ClockStep, AnHourForwardsMakesARetryDueAndGivesNothingUpTooSoon) {
  World world;
  world.channel->Always("police", MemoryChannel::Retry(503));
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  ASSERT_TRUE(reply.ok());
  world.TakeSent();
  world.channel->Always("police", MemoryChannel::Accept());
  const LogCapture log;
  world.clock.Step(absl::Hours(1));
  world.Settle();
  EXPECT_THAT(log.Lines(), HasSubstr(kClockWasSet));
  EXPECT_THAT(log.Lines(), HasSubstr("3600"));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_DELIVERED);
  world.Advance(absl::Hours(48));
  EXPECT_THAT(world.TakeSent(), ElementsAre("ncmec: A youth is missing from care"));
}

TEST(ClockStep, AnHourBackLosesNothing) {
  World world;
  world.channel->Always("police", MemoryChannel::Retry(503));
  const auto first = world.Report("request-1", MissingFrom("Maple House"));
  ASSERT_TRUE(first.ok());
  world.TakeSent();
  world.channel->Always("police", MemoryChannel::Accept());
  const LogCapture log;
  world.clock.Step(-absl::Hours(1));
  world.Settle();
  EXPECT_THAT(log.Lines(), HasSubstr("-3600"));
  // What is reported after the step is told at once.
  const auto second = world.Report("request-2", MissingFrom("Cedar House"));
  ASSERT_TRUE(second.ok());
  EXPECT_THAT(world.TakeSent(), ::testing::Contains("police: A youth is missing from care"));
  world.Advance(absl::Hours(2));
  world.TakeSent();
  for (const std::string& episode_id : {first->episode_id(), second->episode_id()}) {
    const v1::NotificationState state = world.Notices(episode_id);
    for (const v1::Notice& notice : state.notices())
      EXPECT_EQ(notice.state(), v1::DELIVERY_STATE_DELIVERED) << notice.recipient_id();
    for (const v1::DeliveryStatus& delivery : world.Deliveries(episode_id))
      EXPECT_EQ(world.channel->arrivals(delivery.delivery_id()), 1) << delivery.recipient_id();
  }
  world.Advance(absl::Hours(48));
  EXPECT_THAT(world.TakeSent(), ElementsAre("ncmec: A youth is missing from care",
                                            "ncmec: A youth is missing from care"));
}

TEST(ClockStep, ADeskThatNeverAnswersIsGivenUpByTheNewTime) {
  World world;
  world.channel->Always("police", MemoryChannel::Retry(503));
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  ASSERT_TRUE(reply.ok());
  world.Advance(absl::Hours(22));
  world.clock.Step(absl::Hours(3));
  world.Settle();
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_DEAD);
  // A person can still have it sent.
  world.clock.Step(-absl::Hours(3));
  world.channel->Always("police", MemoryChannel::Accept());
  const std::string delivery_id = world.Notices(reply->episode_id()).notices(0).delivery_id();
  ASSERT_EQ(world.Replay("request-2", delivery_id), absl::OkStatus());
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_DELIVERED);
}

TEST(ClockStep, WhileNobodyCanBeToldItIsTriedAgainAfterAStepEitherWay) {
  for (const absl::Duration step : {absl::Hours(1), -absl::Hours(1)}) {
    World world(std::vector<v1::Recipient>{});
    const auto reply = world.Report("request-1", MissingFrom("Maple House"));
    ASSERT_TRUE(reply.ok());
    world.clock.Step(step);
    world.SetDirectory({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
    world.Advance(absl::Hours(1) + absl::Minutes(2));
    EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
    EXPECT_TRUE(world.Notices(reply->episode_id()).untold_duty_keys().empty());
  }
}

}  // namespace
}  // namespace porchlight::clock_step_test
