// A log that is as it was written verifies, also while it grows and with lost races in it; every
// damage, cut, insertion, removal and swap is found, and the record is named.
#include "common/evidence/verify_log.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "gmock/gmock.h"
#include "google/protobuf/stubs/logging.h"
#include "gtest/gtest.h"
#include "tests/unit/evidence_log.h"

namespace porchlight::testing::verify_log_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class VerifyLogTest : public ::testing::Test {
 protected:
  std::string Fault(Log& log, const VerifyLogOptions& options) {
    const absl::StatusOr<LogReport> report = VerifyLog(log, options);
    if (report.ok()) return "no fault found";
    EXPECT_TRUE(absl::IsDataLoss(report.status())) << report.status();
    return std::string(report.status().message());
  }
  std::string Fault(const EvidenceLog::Content& content,
                    LostRaces lost_races = LostRaces::kNotWritten) {
    return Fault(*EvidenceLog::Restore(content, lost_races), world_.Options());
  }
  static std::string Place(const TopicPartition& where, int64_t offset) {
    return absl::StrCat("record ", offset, " of ", where.topic, "/", where.partition);
  }
  VerifyLogOptions WithCheckpoints() {
    VerifyLogOptions options = world_.Options();
    options.checkpoints = world_.Checkpoints();
    return options;
  }
  // How many commands at the start are decided.
  static size_t Decided(const TopicPartition& where) {
    return where.topic == CommandsTopic("intake") ? 5 : 1;
  }

  EvidenceLog world_;
  google::protobuf::LogSilencer silencer_;  // damaged bytes are parsed on purpose
};

TEST_F(VerifyLogTest, UntouchedVerifies) {
  const absl::StatusOr<LogReport> report = VerifyLog(*world_.log, WithCheckpoints());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->transitions, 13u);
  EXPECT_EQ(report->commands_decided, 5u);
  EXPECT_EQ(report->commands_repeated, 1u);
  EXPECT_EQ(report->commands_waiting, 1u);
  EXPECT_EQ(report->lost_races, 0u);
  EXPECT_EQ(report->payloads_sealed, 0u);
  EXPECT_GT(report->payloads_opened, 20u);
  ASSERT_EQ(report->heads.size(), 2u);
  EXPECT_EQ(report->heads[0].topic, "porchlight.intake.events");
  EXPECT_EQ(report->heads[0].sequence, 4u);
  EXPECT_EQ(report->heads[1].sequence, 9u);
}

TEST_F(VerifyLogTest, AnEmptyLogVerifies) {
  MemoryLog empty;
  EXPECT_TRUE(VerifyLog(empty, world_.Options()).ok());
}

TEST_F(VerifyLogTest, DestroyedKeysAreCountedAndLostOnesAreFound) {
  ASSERT_TRUE(world_.keys.Destroy(KeyName(world_.youth)).ok());
  const absl::StatusOr<LogReport> report = VerifyLog(*world_.log, world_.Options());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_GT(report->payloads_sealed, 15u);
  EXPECT_GT(report->payloads_opened, 0u);
  MemoryKeys lost{1};
  VerifyLogOptions options = world_.Options();
  options.keys = &lost;
  EXPECT_THAT(Fault(*world_.log, options), HasSubstr("the key of the command is lost"));
}

TEST_F(VerifyLogTest, EveryChangedByteIsFound) {
  for (const auto& [where, records] : world_.Dump()) {
    for (size_t offset = 0; offset < records.size(); ++offset) {
      std::string bytes = records[offset];
      for (size_t i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
        world_.log->Damage(where, static_cast<int64_t>(offset), bytes);
        EXPECT_THAT(Fault(*world_.log, world_.Options()),
                    HasSubstr(Place(where, static_cast<int64_t>(offset))))
            << "byte " << i;
        bytes = records[offset];
      }
      world_.log->Damage(where, static_cast<int64_t>(offset), bytes);
    }
  }
  EXPECT_TRUE(VerifyLog(*world_.log, world_.Options()).ok());
}

TEST_F(VerifyLogTest, CutShortIsFound) {
  for (const auto& [where, records] : world_.Dump()) {
    const bool commands = where == world_.IntakeCommands() || where == world_.NoticeCommands();
    const size_t seen = commands ? Decided(where) : records.size();
    for (size_t end = 0; end < seen; ++end) {
      const auto copy = EvidenceLog::Restore(world_.Dump());
      copy->CutShort(where, static_cast<int64_t>(end));
      EXPECT_THAT(Fault(*copy, WithCheckpoints()),
                  HasSubstr(Place(where, static_cast<int64_t>(end))));
    }
  }
}

TEST_F(VerifyLogTest, CutOfASourceIsFoundWithoutCheckpoints) {
  world_.log->CutShort(world_.IntakeEvents(), 3);
  EXPECT_THAT(Fault(*world_.log, world_.Options()),
              AllOf(HasSubstr(Place(world_.IntakeEvents(), 3)), HasSubstr("missing"),
                    HasSubstr(Place(world_.NoticeEvents(), 8))));
}

TEST_F(VerifyLogTest, RemovedIsFound) {
  const EvidenceLog::Content content = world_.Dump();
  for (const auto& [where, records] : content) {
    const bool commands = where == world_.IntakeCommands() || where == world_.NoticeCommands();
    // What nobody has seen can be cut off unnoticed: see the tests with checkpoints.
    const size_t seen = commands ? Decided(where) : records.size() - 1;
    for (size_t i = 0; i < seen; ++i) {
      for (LostRaces lost_races : {LostRaces::kNotWritten, LostRaces::kWritten}) {
        EvidenceLog::Content changed = content;
        changed[where].erase(changed[where].begin() + static_cast<int64_t>(i));
        EXPECT_THAT(Fault(changed, lost_races), HasSubstr(absl::StrCat(" of ", where.topic, "/")))
            << where.topic << " without " << i;
      }
    }
  }
  EvidenceLog::Content changed = content;
  changed[world_.IntakeCommands()].erase(changed[world_.IntakeCommands()].begin() + 2);
  EXPECT_THAT(Fault(changed), AllOf(HasSubstr(Place(world_.IntakeCommands(), 2)),
                                    HasSubstr("stands where command command-second-report stood"),
                                    HasSubstr("removed")));
}

TEST_F(VerifyLogTest, InsertedIsFound) {
  const EvidenceLog::Content content = world_.Dump();
  for (const auto& [where, records] : content) {
    const bool commands = where == world_.IntakeCommands() || where == world_.NoticeCommands();
    const size_t seen = commands ? Decided(where) : records.size() + 1;
    const std::string foreign =
        commands ? content.at(world_.IntakeCommands()).back() : records.back();
    for (size_t i = 0; i < seen; ++i) {
      EvidenceLog::Content changed = content;
      changed[where].insert(changed[where].begin() + static_cast<int64_t>(i), foreign);
      if (i == records.size() - 1 && !commands) continue;  // the last one, twice: as at the end
      EXPECT_THAT(Fault(changed), HasSubstr(Place(where, static_cast<int64_t>(i))));
    }
  }
}

TEST_F(VerifyLogTest, SwappedIsFound) {
  const EvidenceLog::Content content = world_.Dump();
  for (const auto& [where, records] : content) {
    const bool commands = where == world_.IntakeCommands() || where == world_.NoticeCommands();
    const size_t seen = commands ? Decided(where) : records.size();
    for (size_t i = 0; i + 1 < seen; ++i) {
      EvidenceLog::Content changed = content;
      std::swap(changed[where][i], changed[where][i + 1]);
      EXPECT_THAT(Fault(changed), HasSubstr(absl::StrCat(" of ", where.topic, "/")))
          << where.topic << " " << i;
    }
  }
}

// Who writes anew a whole chain, with all its hashes, is contradicted by who has acted on it.
TEST_F(VerifyLogTest, RewrittenSourceIsFound) {
  EvidenceLog::Content content = world_.Dump();
  ChainTail tail;
  std::map<std::string, std::string> aggregates;
  for (std::string& bytes : content[world_.IntakeEvents()]) {
    v1::TransitionRecord record;
    v1::Transition transition;
    ASSERT_TRUE(record.ParseFromString(bytes) && transition.ParseFromString(record.content()));
    if (tail.sequence == 1) transition.set_active(!transition.active());
    transition.set_aggregate_previous_hash(aggregates[transition.aggregate_id()]);
    record = SealLink(tail, transition);
    aggregates[transition.aggregate_id()] = record.hash();
    tail.hash = record.hash();
    tail.sequence = record.sequence();
    bytes = record.SerializeAsString();
  }
  EXPECT_THAT(Fault(content),
              AllOf(HasSubstr(Place(world_.IntakeEvents(), 1)), HasSubstr("rewritten"),
                    HasSubstr(Place(world_.NoticeEvents(), 2))));
}

TEST_F(VerifyLogTest, OwnNewestTransitionsRewrittenAreFoundByCheckpoint) {
  EvidenceLog::Content content = world_.Dump();
  std::vector<std::string>& notices = content[world_.NoticeEvents()];
  v1::TransitionRecord before;
  v1::TransitionRecord last;
  v1::Transition transition;
  ASSERT_TRUE(before.ParseFromString(notices[7]) && last.ParseFromString(notices[8]));
  ASSERT_TRUE(transition.ParseFromString(last.content()));
  transition.set_active(!transition.active());
  notices[8] = SealLink({.hash = before.hash(), .sequence = 8, .next_offset = 8}, transition)
                   .SerializeAsString();
  EXPECT_THAT(
      Fault(*EvidenceLog::Restore(content), WithCheckpoints()),
      AllOf(HasSubstr(Place(world_.NoticeEvents(), 8)), HasSubstr("the store of notification")));
}

TEST_F(VerifyLogTest, CheckpointOfNoSuchPartitionIsRefused) {
  VerifyLogOptions options = WithCheckpoints();
  options.checkpoints[0].partition = kTestPartitions;
  EXPECT_TRUE(absl::IsInvalidArgument(VerifyLog(*world_.log, options).status()));
}

TEST_F(VerifyLogTest, LostRacesAreCountedWhereTheLogKeepsThem) {
  EvidenceLog::Content content = world_.Dump();
  std::vector<std::string>& intake = content[world_.IntakeEvents()];
  v1::TransitionRecord first;
  v1::Transition other;
  ASSERT_TRUE(first.ParseFromString(intake[0]));
  other.set_aggregate_id("somebody");
  const ChainTail after_first{.hash = first.hash(), .sequence = 1, .next_offset = 1};
  // Two of one writer's batch, after the winner's last one.
  const v1::TransitionRecord loser = SealLink(after_first, other);
  const v1::TransitionRecord next =
      SealLink({.hash = loser.hash(), .sequence = 2, .next_offset = 2}, other);
  intake.push_back(loser.SerializeAsString());
  intake.push_back(next.SerializeAsString());
  const auto kept = EvidenceLog::Restore(content, LostRaces::kWritten);
  const absl::StatusOr<LogReport> report = VerifyLog(*kept, world_.Options());
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->lost_races, 2u);
  EXPECT_EQ(report->transitions, 13u);
  EXPECT_THAT(Fault(content), HasSubstr(Place(world_.IntakeEvents(), 4)));
}

// Earlier versions told the directory from the configuration, without a command. No other service,
// and nothing after the first command, may decide one without saying where it stands.
TEST_F(VerifyLogTest, DecidedFromTheConfiguration) {
  v1::Transition set;
  set.set_service("directory");
  set.set_aggregate_id("directory");
  set.set_aggregate_sequence(1);
  set.mutable_input()->set_kind(v1::INPUT_KIND_COMMAND);
  set.mutable_input()->set_input_id("directory/1");
  const std::string record = SealLink({}, set).SerializeAsString();
  world_.log->Append({{{EventsTopic("directory"), 0}, {record}, {}}});
  VerifyLogOptions options = world_.Options();
  options.services.push_back("directory");
  const absl::StatusOr<LogReport> report = VerifyLog(*world_.log, options);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->transitions, 14u);

  const auto after = [&](const std::string& service, const std::vector<v1::Transition>& all,
                         const std::string& command) {
    MemoryLog log;
    if (!command.empty()) log.Append({{{CommandsTopic(service), 0}, {command}, {}}});
    ChainTail tail;
    for (const v1::Transition& transition : all) {
      const v1::TransitionRecord link = SealLink(tail, transition);
      log.Append({{{EventsTopic(service), 0}, {link.SerializeAsString()}, {}}});
      tail = {link.hash(), link.sequence(), tail.next_offset + 1};
    }
    VerifyLogOptions one{.services = {service}, .partitions = 1, .checkpoints = {}};
    return Fault(log, one);
  };
  EXPECT_THAT(after("intake", {set}, ""), AllOf(HasSubstr("record 0 of porchlight.intake.events/0"),
                                                HasSubstr("doesn't say where")));
  v1::RecordHeader header;
  header.set_record_id("command-1");
  v1::Record command;
  command.set_header(header.SerializeAsString());
  v1::Transition decided = set;
  decided.mutable_input()->set_input_id("command-1");
  decided.mutable_input()->set_digest(Sha256(command.SerializeAsString()));
  v1::Position& position = *decided.add_positions();
  position.set_topic(CommandsTopic("directory"));
  position.set_next_offset(1);
  set.set_aggregate_id("another");
  EXPECT_EQ(after("directory", {set, decided}, command.SerializeAsString()), "no fault found");
  EXPECT_THAT(after("directory", {decided, set}, command.SerializeAsString()),
              AllOf(HasSubstr("record 1 of porchlight.directory.events/0"),
                    HasSubstr("doesn't say where")));
}

// One service's chain made by hand: what a faulty writer could claim.
TEST_F(VerifyLogTest, PositionsNeverGoBackOrBeyondTheEnd) {
  const auto transition = [](int64_t next_offset, uint64_t number, const std::string& previous) {
    v1::Transition t;
    t.set_service("intake");
    t.set_aggregate_id("youth");
    t.set_aggregate_sequence(number);
    t.set_aggregate_previous_hash(previous);
    v1::Position& position = *t.add_positions();
    position.set_topic("porchlight.elsewhere.events");
    position.set_next_offset(next_offset);
    return t;
  };
  const auto verify = [&](int64_t first_offset, int64_t second_offset) {
    MemoryLog log;
    log.Append({{{"porchlight.elsewhere.events", 0}, {"a", "b", "c"}, {}}});
    const v1::TransitionRecord first = SealLink({}, transition(first_offset, 1, ""));
    const v1::TransitionRecord second =
        SealLink({.hash = first.hash(), .sequence = 1, .next_offset = 1},
                 transition(second_offset, 2, first.hash()));
    log.Append({{{"porchlight.intake.events", 0},
                 {first.SerializeAsString(), second.SerializeAsString()},
                 {}}});
    VerifyLogOptions options = world_.Options();
    options.services = {"intake"};
    options.partitions = 1;
    return Fault(log, options);
  };
  EXPECT_EQ(verify(1, 3), "no fault found");
  EXPECT_EQ(verify(3, 3), "no fault found");
  EXPECT_THAT(verify(2, 1),
              AllOf(HasSubstr("record 1 of porchlight.intake.events/0"), HasSubstr("goes back")));
  EXPECT_THAT(verify(1, 4), AllOf(HasSubstr("record 3 of porchlight.elsewhere.events/0"),
                                  HasSubstr("cut short")));
}

}  // namespace
}  // namespace porchlight::testing::verify_log_test
