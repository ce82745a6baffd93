// What the services themselves write verifies, whatever happened: failures, repetitions, refusals,
// crashes, lost races, a destroyed key.
#include "common/evidence/bundle.h"
#include "common/evidence/verify_bundle.h"
#include "common/evidence/verify_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/world.h"

namespace porchlight::evidence_world_test {
namespace {

using ::testing::HasSubstr;

// Two youths, one of whom returns; a desk that fails at first and one that refuses.
class EvidenceWorldTest : public ::testing::Test {
 protected:
  EvidenceWorldTest() {
    world_.channel->Next("police", MemoryChannel::Retry());
    world_.channel->Next("sheriff", MemoryChannel::Refuse());
    world_.channel->Next("state-police", MemoryChannel::UnknownThoughArrived());
    v1::ReportMissingRequest request;
    request.set_youth_id("youth-1");
    request.set_placement("Maple House");
    episode_ = Must(world_.Report("request-1", request)).episode_id();
    request.set_youth_id("youth-2");
    Must(world_.Report("request-2", request));
    request.set_youth_id("youth-1");
    Must(world_.Report("request-1", request));  // a repetition
    request.mutable_youth()->set_clothing("red coat");
    Must(world_.Report("request-3", request));
    world_.Restart();
    world_.Advance(absl::Minutes(10));
    for (const v1::DeliveryStatus& delivery : world_.Deliveries(episode_)) {
      if (delivery.state() != v1::DELIVERY_STATE_DEAD) continue;
      EXPECT_TRUE(world_.Replay("request-4", delivery.delivery_id()).ok());
      ++replayed_;
    }
    Must(world_.Return("request-5", episode_));
    EXPECT_FALSE(world_.Return("request-6", episode_).ok());
    world_.Advance(absl::Hours(1));
  }

  template <typename Reply>
  static Reply Must(const absl::StatusOr<Reply>& reply) {
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? *reply : Reply();
  }
  absl::StatusOr<EvidenceReport> ExportAndVerify() {
    const Key seed{};
    const absl::StatusOr<v1::EvidenceBundle> bundle =
        ExportEvidence({.log = world_.log,
                        .keys = world_.keys,
                        .services = {"intake", "screening", "mdt", "notification", "oncall"},
                        .partitions = kPartitions,
                        .signing_seed = seed,
                        .agency_id = kTestAgency},
                       episode_, world_.clock.Now());
    if (!bundle.ok()) return bundle.status();
    return VerifyEvidence(SignEvidence(*bundle, seed));
  }
  absl::StatusOr<LogReport> Verify() {
    VerifyLogOptions options{
        .services = {"intake", "screening", "mdt", "notification", "oncall", "directory"},
        .partitions = kPartitions,
        .checkpoints = {},
        .keys = &world_.keys};
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      options.checkpoints.push_back(
          {"intake", partition, world_.intake_store.Where(partition).value()});
      options.checkpoints.push_back(
          {"notification", partition, world_.notification_store.Where(partition).value()});
    }
    return VerifyLog(world_.log, options);
  }

  World world_{{TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
                TestRecipient("sheriff", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
                TestRecipient("state-police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT)}};
  std::string episode_;
  int replayed_ = 0;
};

TEST_F(EvidenceWorldTest, EverythingVerifies) {
  EXPECT_EQ(replayed_, 1);
  const absl::StatusOr<LogReport> log = Verify();
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_EQ(log->commands_waiting, 0u);
  EXPECT_GE(log->commands_repeated, 1u);
  EXPECT_GE(log->commands_decided, 6u);
  const absl::StatusOr<EvidenceReport> report = ExportAndVerify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->youth_id, "youth-1");
  EXPECT_EQ(report->commands, 5u);
  EXPECT_EQ(report->deliveries, 9u);
  EXPECT_GE(report->attempts, 12u);
  EXPECT_THAT(ToText(*report, absl::UTCTimeZone()), HasSubstr("Return recorded"));
}

TEST_F(EvidenceWorldTest, AfterTheKeyIsDestroyedTheRestStillVerifies) {
  ASSERT_TRUE(world_.keys.Destroy("youth/youth-1").ok());
  world_.Restart();
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  EXPECT_FALSE(world_.Report("request-7", request).ok());
  EXPECT_FALSE(world_.Return("request-8", episode_).ok());
  const absl::StatusOr<LogReport> log = Verify();
  ASSERT_TRUE(log.ok()) << log.status();
  EXPECT_GT(log->payloads_sealed, 0u);
  const absl::StatusOr<EvidenceReport> report = ExportAndVerify();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->sealed);
}

}  // namespace
}  // namespace porchlight::evidence_world_test
