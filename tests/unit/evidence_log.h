// A log made by hand for the tests of evidence: two services, two youths in one partition,
// commands (one of them repeated, one waiting), events, deliveries and attempts; and where packs
// are given, a directory that set them, and duties that come from them. All people are invented.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/evidence/bundle.h"
#include "common/evidence/verify_log.h"
#include "common/keys/memory_keys.h"
#include "common/log/chain.h"
#include "common/log/memory_log.h"
#include "porchlight/v1/policy.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight::testing {

inline constexpr int32_t kTestPartitions = 4;
// In payloads only.
inline constexpr absl::string_view kOwnMarker = "Own-Plaintext-Marker";
inline constexpr absl::string_view kOtherMarker = "Other-Plaintext-Marker";
// Where packs are given: the number that police told, and the duty that it meets.
inline constexpr absl::string_view kCaseNumber = "24-000117";
inline constexpr absl::string_view kDutyKey = "police.law_enforcement.1.1";

class EvidenceLog {
 public:
  // Tells the whole story. `narrative` becomes part of the first report. Of the packs, the first
  // notices name the first one, and the later ones the second.
  explicit EvidenceLog(std::string narrative = "", std::vector<v1::PolicyPack> packs = {});

  // Everything that stands in the log, so that a test can tamper with it.
  using Content = std::map<TopicPartition, std::vector<std::string>>;
  Content Dump() const;
  static std::unique_ptr<MemoryLog> Restore(const Content& content,
                                            LostRaces lost_races = LostRaces::kNotWritten);

  ExportSources Sources();
  VerifyLogOptions Options();
  // As if every store had folded all.
  std::vector<StoreCheckpoint> Checkpoints() const;

  TopicPartition IntakeEvents() const { return {EventsTopic("intake"), partition}; }
  TopicPartition IntakeCommands() const { return {CommandsTopic("intake"), partition}; }
  TopicPartition NoticeEvents() const { return {EventsTopic("notification"), partition}; }
  TopicPartition NoticeCommands() const { return {CommandsTopic("notification"), partition}; }

  const std::string youth = "youth-own";
  const std::string episode = "youth-own_e1";
  std::string other_youth;  // in the same partition
  int32_t partition = 0;
  std::unique_ptr<MemoryLog> log = std::make_unique<MemoryLog>();
  MemoryKeys keys{7};
  Key signing_seed{};
  const absl::Time start =
      absl::FromCivil(absl::CivilSecond(2026, 2, 1, 2, 10, 0), absl::UTCTimeZone());

 private:
  struct Service {
    ChainTail tail;
    std::map<std::string, std::pair<uint64_t, std::string>> aggregates;
  };

  v1::RecordHeader Header(const std::string& of_youth, const std::string& id,
                          const std::string& cause) const;
  v1::Record Sealed(const std::string& of_youth, const std::string& id, const std::string& cause,
                    const google::protobuf::Message& payload);
  // Appends a command; returns the transition that decides it, still empty otherwise.
  v1::Transition Command(const std::string& service, const std::string& aggregate,
                         const std::string& id, const google::protobuf::Message& payload);
  v1::Transition OnEvent(const std::string& aggregate, const v1::Record& event);
  v1::Transition OnAttempt(const std::string& aggregate, const std::string& delivery_id,
                           uint32_t attempt, v1::DeliveryAnswer answer, int32_t code,
                           v1::DeliveryState state);
  void AddEvent(v1::Transition& transition, const google::protobuf::Message& payload);
  void AddDelivery(v1::Transition& transition, const std::string& delivery_id,
                   const std::string& recipient, v1::RecipientKind kind, v1::ChannelKind channel);
  void AddOutcome(v1::Transition& transition);
  void Append(v1::Transition transition);
  void AppendRecord(const TopicPartition& where, std::string bytes);
  void TellIntake(const std::string& narrative);
  void TellNotification();
  void TellDirectory();
  void TellProof();
  // A service that watches intake hears of a command that nobody decided.
  void TellWatch();

  const std::vector<v1::PolicyPack> packs_;
  std::string policy_hash_;  // that records name from now on
  std::map<std::string, Service> services_;
  std::vector<v1::Record> intake_events_;  // one for each transition of intake
  absl::Time now_;
};

}  // namespace porchlight::testing
