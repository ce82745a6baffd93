// The rules of the directory: one change, made or refused as a whole.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/directory/directory.h"
#include "porchlight/v1/intake.pb.h"
#include "services/directory/rules.h"
#include "tests/support/directory.h"

namespace porchlight::directory_rules_test {
namespace {

const DirectoryRules kRules;

v1::ChangeDirectoryRequest SetDesk(const std::string& address) {
  v1::ChangeDirectoryRequest change;
  change.set_request_id("request-1");
  v1::Recipient& desk = *change.mutable_set()->add_recipients() =
      TestRecipient("desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  desk.set_address(address);
  return change;
}

Decision Decide(const v1::Directory& state, const google::protobuf::Message& payload) {
  Input input;
  input.kind = v1::INPUT_KIND_COMMAND;
  input.input_id = "command-1";
  input.service = "directory";
  input.aggregate_id = kDirectoryAggregate;
  input.payload = &payload;
  input.now = absl::FromUnixSeconds(1'780'000'000);
  return kRules.Decide(state, input, v1::Directory());
}

v1::Directory After(const v1::Directory& state, const Decision& decision) {
  v1::Directory after = state;
  for (const NewEvent& event : decision.events) {
    kRules.Evolve(after, {v1::RecordHeader(), *event.payload});
  }
  return after;
}

TEST(DirectoryRules, AChangeIsMadeInTheRequestsWords) {
  const v1::ChangeDirectoryRequest change = SetDesk("desk");
  const Decision decision = Decide(v1::Directory(), change);
  ASSERT_EQ(decision.events.size(), 1u);
  const auto* changed = As<v1::DirectoryChanged>(decision.events[0].payload.get());
  ASSERT_NE(changed, nullptr);
  EXPECT_EQ(changed->change().SerializeAsString(), change.SerializeAsString());
  const auto* reply = As<v1::ChangeDirectoryReply>(decision.reply.get());
  ASSERT_NE(reply, nullptr);
  EXPECT_EQ(reply->request_id(), "request-1");
  EXPECT_EQ(After(v1::Directory(), decision).recipients_size(), 1);
}

TEST(DirectoryRules, ARefusedChangeChangesNothing) {
  v1::ChangeDirectoryRequest change = SetDesk("desk");
  change.mutable_set()->add_recipients()->set_recipient_id("half");
  const Decision decision = Decide(v1::Directory(), change);
  EXPECT_TRUE(decision.events.empty());
  EXPECT_EQ(decision.reply, nullptr);
  EXPECT_EQ(decision.refusal.code(), absl::StatusCode::kInvalidArgument);
}

// So a file may be imported as often as anybody likes; only the configuration's word is kept again.
TEST(DirectoryRules, WhatIsSetAsItIsIsNoChange) {
  v1::ChangeDirectoryRequest change = SetDesk("desk");
  const v1::Directory once = After(v1::Directory(), Decide(v1::Directory(), change));
  const Decision again = Decide(once, change);
  EXPECT_TRUE(again.events.empty());
  EXPECT_NE(again.reply, nullptr);
  EXPECT_EQ(Decide(once, SetDesk("moved")).events.size(), 1u);
  change.mutable_actor()->set_actor_id(kConfigurationActor);
  EXPECT_EQ(Decide(once, change).events.size(), 1u);
}

TEST(DirectoryRules, DecidesNothingElse) {
  const Decision decision = Decide(v1::Directory(), v1::ReportMissingRequest());
  EXPECT_TRUE(decision.events.empty());
  EXPECT_EQ(decision.reply, nullptr);
  EXPECT_EQ(kRules.AggregateId({}, v1::ReportMissingRequest()), kDirectoryAggregate);
}

TEST(DirectoryRules, TakesWhatEarlierVersionsWrote) {
  v1::DirectoryReplaced replaced;
  *replaced.mutable_directory()->add_recipients() =
      TestRecipient("old", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  v1::Directory state = SetDesk("desk").set();
  kRules.Evolve(state, {v1::RecordHeader(), replaced});
  ASSERT_EQ(state.recipients_size(), 1);
  EXPECT_EQ(state.recipients(0).recipient_id(), "old");
}

}  // namespace
}  // namespace porchlight::directory_rules_test
