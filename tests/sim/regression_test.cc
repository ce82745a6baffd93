// Bugs that the simulation found, told as the shortest scenario that shows each.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "common/base/hash.h"
#include "common/processor/projector.h"
#include "common/processor/reference.h"
#include "common/store/faulty_store.h"
#include "tests/support/world.h"

namespace porchlight {
namespace {

TEST(FoundBySimulation, NewFactsAreKeptWhileNobodyCanBeTold) {
  World world(std::vector<v1::Recipient>{});
  v1::ReportMissingRequest report;
  report.set_youth_id("youth-1");
  report.set_placement("Maple House");
  ASSERT_TRUE(world.Report("request-1", report).ok());
  report.mutable_youth()->set_clothing("red coat");
  ASSERT_TRUE(world.Report("request-2", report).ok());
  report.mutable_youth()->set_health("carries an inhaler");
  ASSERT_TRUE(world.Report("request-3", report).ok());
  world.SetDirectory({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
  world.Advance(absl::Minutes(2));
  ASSERT_FALSE(world.channel->sent().empty());
  const std::string text = world.channel->sent().back().outgoing.message.text();
  EXPECT_TRUE(absl::StrContains(text, "red coat")) << text;
  EXPECT_TRUE(absl::StrContains(text, "carries an inhaler")) << text;
}

TEST(FoundBySimulation, AStoreWipedWhileNothingIsDecidedIsMadeAgain) {
  World world;
  const auto reply = world.Report("request-1", {});
  ASSERT_TRUE(reply.ok());
  world.Advance(absl::Minutes(1));
  world.notification_store.WipeAll();
  world.Advance(absl::Minutes(1));
  EXPECT_EQ(world.Notices(reply->episode_id()).notices_size(), 1);
}

TEST(FoundBySimulation, ADirectoryChangeThatCantBeOpenedNowIsOpenedLater) {
  World world;
  Reference reference(world.log, world.keys);
  ASSERT_EQ(reference.Step(), absl::OkStatus());
  world.SetDirectory({TestRecipient("new-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)});
  world.keys.SetUnavailable(true);
  EXPECT_EQ(reference.Step().code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(reference.Find("police"), nullptr) << "what was known stays in force";
  world.keys.SetUnavailable(false);
  EXPECT_EQ(reference.Step(), absl::OkStatus());
  EXPECT_NE(reference.Find("new-desk"), nullptr);
}

// Seed 9414.
TEST(FoundBySimulation, AStoreSetBackAndForthWhileItIsBroughtUpToDateStaysRight) {
  World world;
  v1::ReportMissingRequest report;
  report.set_youth_id("youth-1");
  std::vector<MemoryStore::Contents> after;
  for (const char* request_id : {"request-1", "request-2", "request-3"}) {
    ASSERT_TRUE(world.Report(request_id, report).ok());
    after.push_back(world.intake_store.Snapshot());
  }
  bool meddle = true;
  FaultyStore store(world.intake_store, [&](StoreCall call, int32_t) {
    if (meddle && call == StoreCall::kLoad) world.intake_store.Restore(after[0]);
    if (meddle && call == StoreCall::kApply) world.intake_store.Restore(after[1]);
    return StoreFault::kNone;
  });
  world.intake_store.Restore(after[1]);
  const AggregateFolder folder(world.intake_rules, world.keys);
  const int32_t partition = PartitionOf("youth-1", kPartitions);
  Projector projector(folder, world.log, store, {EventsTopic("intake"), partition});
  EXPECT_FALSE(projector.Step(nullptr).ok());
  meddle = false;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(projector.Step(nullptr).ok());
  const auto state =
      States(world.intake_rules, world.intake_store, world.keys, kPartitions).Load("youth-1");
  ASSERT_TRUE(state.ok()) << state.status();
  const auto& intake = static_cast<const v1::IntakeState&>(*state->rules_state);
  EXPECT_EQ(intake.episodes(0).report_ids_size(), 3);
}

}  // namespace
}  // namespace porchlight
