// What an earlier version sealed must still open, what it chained must still follow, and evidence
// that it signed must still verify: these files were made once and are never made again.
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/evidence/bundle.h"
#include "common/evidence/verify_bundle.h"
#include "common/log/chain.h"
#include "common/privacy/sealing.h"
#include "gtest/gtest.h"
#include "porchlight/v1/intake.pb.h"
#include "tests/golden/golden_files.h"

namespace porchlight::testing::evidence_test {
namespace {

constexpr absl::string_view kSealedName = "sealed/record.bin";
constexpr absl::string_view kChainName = "sealed/chain_link.bin";
constexpr absl::string_view kEvidenceName = "sealed/episode.evidence";

Key GoldenKey() {
  Key key;
  for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<unsigned char>(i);
  return key;
}

v1::RecordHeader Header(const std::string& id, const std::string& cause) {
  v1::RecordHeader header;
  header.set_record_id(id);
  header.set_agency_id("example-agency");
  header.set_youth_id("youth-1");
  header.set_episode_id("youth-1_e1");
  header.set_cause_id(cause);
  header.mutable_received_at()->set_seconds(1'769'911'800);
  header.mutable_actor()->set_actor_id("worker-7");
  header.mutable_actor()->set_reached_by(v1::REACHED_BY_PHONE);
  return header;
}

v1::ReportMissingRequest Report() {
  v1::ReportMissingRequest report;
  report.set_request_id("golden-request");
  report.mutable_youth()->set_first_name("Invented");
  return report;
}

TEST(GoldenEvidenceTest, SealedRecordStillOpens) {
  const std::string name(kSealedName);
  if (!GoldenExists(name)) {
    WriteGolden(
        name, MakeRecord(GoldenKey(), Header("golden-command", ""), Report()).SerializeAsString());
  }
  v1::Record record;
  ASSERT_TRUE(record.ParseFromString(ReadGolden(name)));
  const absl::StatusOr<OpenedRecord> opened = OpenRecord(GoldenKey(), record);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->header.record_id(), "golden-command");
  EXPECT_EQ(opened->header.type(), "porchlight.v1.ReportMissingRequest");
  EXPECT_EQ(opened->payload->SerializeAsString(), Report().SerializeAsString());
}

// The command of the record above, and the episode that it opened, with one delivery.
v1::TransitionRecord MakeLink(const v1::Record& command) {
  v1::Transition transition;
  transition.set_service("intake");
  transition.set_agency_id("example-agency");
  transition.set_aggregate_id("youth-1");
  transition.set_youth_id("youth-1");
  transition.set_aggregate_sequence(1);
  transition.set_aggregate_previous_offset(-1);
  transition.mutable_input()->set_kind(v1::INPUT_KIND_COMMAND);
  transition.mutable_input()->set_input_id("golden-command");
  transition.mutable_input()->set_type("porchlight.v1.ReportMissingRequest");
  transition.mutable_input()->set_digest(Sha256(command.SerializeAsString()));
  transition.mutable_decided_at()->set_seconds(1'769'911'801);
  *transition.add_events() =
      MakeRecord(GoldenKey(), Header("golden-event", "golden-command"), v1::EpisodeOpened());
  v1::Delivery& delivery = *transition.add_deliveries();
  delivery.set_delivery_id("youth-1_e1_dgolden");
  delivery.set_recipient_id("desk-1");
  delivery.set_recipient_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  delivery.set_channel(v1::CHANNEL_KIND_FOLDER);
  *delivery.mutable_message() =
      MakeRecord(GoldenKey(), Header("golden-message", "golden-command"), v1::Message());
  return SealLink({}, transition);
}

TEST(GoldenEvidenceTest, ChainedTransitionStillCounts) {
  const std::string name(kChainName);
  if (!GoldenExists(name)) {
    v1::Record command;
    ASSERT_TRUE(command.ParseFromString(ReadGolden(std::string(kSealedName))));
    WriteGolden(name, MakeLink(command).SerializeAsString());
  }
  v1::TransitionRecord record;
  ASSERT_TRUE(record.ParseFromString(ReadGolden(name)));
  const absl::StatusOr<Link> link = CheckLink({}, record);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(*link, Link::kCounts);
  EXPECT_EQ(record.aggregate_tag(), AggregateTag("youth-1"));
}

TEST(GoldenEvidenceTest, SignedEvidenceStillVerifies) {
  const std::string name(kEvidenceName);
  if (!GoldenExists(name)) {
    v1::EvidenceBundle bundle;
    bundle.set_episode_id("youth-1_e1");
    bundle.set_youth_id("youth-1");
    bundle.set_agency_id("example-agency");
    bundle.mutable_exported_at()->set_seconds(1'769'998'200);
    const Key key = GoldenKey();
    bundle.set_youth_key(std::string(key.begin(), key.end()));
    ASSERT_TRUE(bundle.add_commands()->ParseFromString(ReadGolden(std::string(kSealedName))));
    v1::TransitionRecord record;
    ASSERT_TRUE(record.ParseFromString(ReadGolden(std::string(kChainName))));
    v1::EvidenceChain& chain = *bundle.add_chains();
    chain.set_topic(EventsTopic("intake"));
    v1::EvidenceLink& link = *chain.add_links();
    link.set_aggregate_tag(record.aggregate_tag());
    link.set_content(record.content());
    link.set_content_digest(Sha256(record.content()));
    link.set_hash(record.hash());
    WriteGolden(name, SignEvidence(bundle, key));
  }
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(ReadGolden(name));
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->episode_id, "youth-1_e1");
  EXPECT_EQ(report->key_fingerprint,
            "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c");
  EXPECT_EQ(report->commands, 1u);
  EXPECT_EQ(report->events, 1u);
  EXPECT_EQ(report->deliveries, 1u);
  ASSERT_EQ(report->timeline.size(), 3u);
  EXPECT_EQ(report->timeline[0].at, absl::FromUnixSeconds(1'769'911'800));
}

}  // namespace
}  // namespace porchlight::testing::evidence_test
