// Scenarios that read like policy: what is reported, what time passes, and exactly who is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "tests/support/world.h"

namespace porchlight::first_line_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ReportMissingRequest MissingFrom(const std::string& placement) {
  v1::ReportMissingRequest request;
  request.set_placement(placement);
  return request;
}

TEST(FirstLine, AReportWithOnlyAPlacementTellsPoliceAtOnceAndNcmecAfterThem) {
  World world;
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->result(), v1::REPORT_RESULT_EPISODE_OPENED);
  EXPECT_THAT(reply->still_unknown(), ::testing::Contains("date_of_birth"));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  world.Advance(absl::Hours(4));
  EXPECT_THAT(world.TakeSent(), ElementsAre("ncmec: A youth is missing from care"));
  const v1::NotificationState state = world.Notices(reply->episode_id());
  for (const v1::Notice& notice : state.notices()) {
    EXPECT_EQ(notice.state(), v1::DELIVERY_STATE_DELIVERED);
    EXPECT_EQ(notice.attempts(), 1u);
  }
  world.Advance(absl::Hours(48));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST(FirstLine, TheSameRequestIdAgainIsTheSameReport) {
  World world;
  const auto first = world.Report("request-1", MissingFrom("Maple House"));
  world.TakeSent();
  const auto again = world.Report("request-1", MissingFrom("Maple House"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_THAT(world.TakeSent(), IsEmpty());
  const auto other = world.Report("request-1", MissingFrom("Cedar House"));
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST(FirstLine, ASecondReportIsLinkedAndItsFactsAreTold) {
  World world;
  v1::ReportMissingRequest request = MissingFrom("Maple House");
  request.set_youth_id("youth-1");
  const auto first = world.Report("request-1", request);
  world.TakeSent();
  request.mutable_youth()->set_clothing("red coat");
  const auto second = world.Report("request-2", request);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->episode_id(), first->episode_id());
  EXPECT_EQ(second->result(), v1::REPORT_RESULT_LINKED_TO_OPEN_EPISODE);
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: New facts on a youth missing from care"));
  ASSERT_TRUE(world.Report("request-3", request).ok());
  EXPECT_THAT(world.TakeSent(), IsEmpty()) << "it told nothing new";
}

TEST(FirstLine, AReturnIsToldOnceAndTheNextReportIsANewEpisode) {
  World world;
  v1::ReportMissingRequest request = MissingFrom("Maple House");
  request.set_youth_id("youth-1");
  const auto reply = world.Report("request-1", request);
  world.TakeSent();
  ASSERT_TRUE(world.Return("request-2", reply->episode_id()).ok());
  EXPECT_THAT(world.TakeSent(), ElementsAre("ncmec: A youth missing from care has returned",
                                            "police: A youth missing from care has returned"));
  EXPECT_EQ(world.Return("request-3", reply->episode_id()).status().code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world.Return("request-4", "youth-1_e9").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(world.Report("request-5", request)->episode_id(), "youth-1_e2");
}

TEST(FirstLine, ADeskThatAnswers500IsTriedUntilItSaysYes) {
  World world;
  world.channel->Next("police", MemoryChannel::Retry(500));
  world.channel->Next("police", MemoryChannel::UnknownThoughArrived());
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  world.TakeSent();
  world.Advance(absl::Minutes(1));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care",
                                            "police: A youth is missing from care"));
  const v1::NotificationState state = world.Notices(reply->episode_id());
  EXPECT_EQ(state.notices(0).recipient_id(), "police");
  EXPECT_EQ(state.notices(0).state(), v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(state.notices(0).attempts(), 3u);
  EXPECT_EQ(world.channel->arrivals(state.notices(0).delivery_id()), 2);
}

TEST(FirstLine, ADeskThatRefusesIsADeadLetterUntilAPersonReplaysIt) {
  World world;
  world.channel->Next("police", MemoryChannel::Refuse(404));
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  world.Advance(absl::Hours(30));
  EXPECT_EQ(world.TakeSent().size(), 2u);
  const v1::Notice notice = world.Notices(reply->episode_id()).notices(0);
  EXPECT_EQ(notice.state(), v1::DELIVERY_STATE_DEAD);
  const States states(world.notification_rules, world.notification_store, world.keys, kPartitions);
  ASSERT_EQ(states.DeadLetters(10)->size(), 1u);
  EXPECT_EQ(states.DeadLetters(10)->front().delivery_id(), notice.delivery_id());

  ASSERT_EQ(world.Replay("request-2", notice.delivery_id()), absl::OkStatus());
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  EXPECT_EQ(states.DeadLetters(10)->size(), 0u);
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_DELIVERED);
  EXPECT_EQ(world.Replay("request-3", notice.delivery_id()).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(world.Replay("request-4", reply->episode_id() + "_dnone").code(),
            absl::StatusCode::kNotFound);
}

TEST(FirstLine, ADeskThatNeverAnswersIsGivenUpWhenItsTimeIsOver) {
  World world;
  world.channel->Always("police", MemoryChannel::Retry(503));
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  world.Advance(absl::Hours(23));
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_PENDING);
  world.Advance(absl::Hours(2));
  EXPECT_EQ(world.Notices(reply->episode_id()).notices(0).state(), v1::DELIVERY_STATE_DEAD);
  world.TakeSent();
  world.Advance(absl::Hours(10));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
}

TEST(FirstLine, WhileNobodyCanBeToldItIsTriedEveryMinute) {
  World world(std::vector<v1::Recipient>{});
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  world.Advance(absl::Minutes(10));
  EXPECT_THAT(world.TakeSent(), IsEmpty());
  world.SetDirectory({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
  world.Advance(absl::Minutes(2));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  EXPECT_TRUE(world.Notices(reply->episode_id()).untold_duty_keys().empty());
}

TEST(FirstLine, FactsThatCameWhileNobodyCouldBeToldAreAllToldLater) {
  World world(std::vector<v1::Recipient>{});
  v1::ReportMissingRequest request = MissingFrom("Maple House");
  request.set_youth_id("youth-1");
  ASSERT_TRUE(world.Report("request-1", request).ok());
  request.mutable_youth()->set_clothing("red coat");
  ASSERT_TRUE(world.Report("request-2", request).ok());
  request.mutable_youth()->set_clothing("blue scarf");
  ASSERT_TRUE(world.Report("request-3", request).ok());
  world.SetDirectory({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
  world.Advance(absl::Minutes(2));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  EXPECT_THAT(world.channel->sent()[0].outgoing.message.text(), ::testing::HasSubstr("blue scarf"));
}

TEST(FirstLine, ADrillReachesOnlyRecipientsForDrills) {
  v1::Recipient drill = TestRecipient("drill-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  drill.set_exercise_only(true);
  World world({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT), drill});
  v1::ReportMissingRequest request = MissingFrom("Maple House");
  request.set_youth_id("youth-1");
  request.set_exercise(true);
  const auto rehearsal = world.Report("request-1", request);
  EXPECT_THAT(world.TakeSent(), ElementsAre("drill-desk: A youth is missing from care"));
  request.set_exercise(false);
  const auto real = world.Report("request-2", request);
  EXPECT_NE(real->episode_id(), rehearsal->episode_id());
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  ASSERT_TRUE(world.Return("request-3", rehearsal->episode_id()).ok());
  EXPECT_THAT(world.TakeSent(), ElementsAre("drill-desk: A youth missing from care has returned"));
}

TEST(FirstLine, AfterARestartWithTheStoreGoneNothingIsLostOrSaidTwice) {
  World world;
  world.channel->Always("police", MemoryChannel::Retry(503));
  const auto reply = world.Report("request-1", MissingFrom("Maple House"));
  world.TakeSent();
  world.notification_store.WipeAll();
  world.intake_store.WipeAll();
  world.Restart();
  world.channel->Always("police", MemoryChannel::Accept());
  world.Advance(absl::Hours(1));
  EXPECT_THAT(world.TakeSent(), ElementsAre("police: A youth is missing from care"));
  EXPECT_EQ(world.Return("request-2", reply->episode_id()).status(), absl::OkStatus());
}

}  // namespace
}  // namespace porchlight::first_line_test
