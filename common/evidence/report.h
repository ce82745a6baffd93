// What an evidence file says: counts, heads of the chains, policy packs and a timeline, and the
// same as a text for a person. What payloads say of people is in it only where whoever made it
// asked for everything (common/evidence/timeline.h); the text shows what is in it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/policy.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// The newest transition of one chain. An auditor who keeps it can later see that nothing before it
// was rewritten.
struct ChainHead {
  std::string topic;
  int32_t partition = 0;
  uint64_t sequence = 0;
  std::string hash_hex;
};

enum class TimelineKind { kCommand, kEvent, kDeliveryMade, kDeliveryAttempt };

struct TimelineEntry {
  TimelineKind kind = TimelineKind::kEvent;
  // Of a command: when it was received. Of an attempt: when it was answered. Otherwise decided_at.
  absl::Time at;
  std::optional<absl::Time> occurred_at;
  std::optional<absl::Time> received_at;
  absl::Time decided_at;
  std::string service;
  uint64_t sequence = 0;  // of the transition in its service's chain
  // Full protobuf name and id of the record; of a delivery and its attempts, the delivery id.
  std::string type;
  std::string record_id;
  // SHA-256 of the record as stored: command, event, message to send, or the far end's reply.
  std::string digest_hex;
  v1::Actor actor;
  // What the record says. Null where it can't be opened, or is of a later version.
  std::shared_ptr<const google::protobuf::Message> payload;
  std::string policy_hash;  // of the pack that was used; empty: none was
  std::string file;         // where it was written to, if it was
  // Of commands.
  int32_t outcome_code = 0;  // 0, or the gRPC code of the refusal
  std::string refusal;       // why, without personal data
  bool decided = true;       // nobody decided it yet: it was only heard of

  // Of deliveries and attempts.
  std::string recipient_id;
  v1::RecipientKind recipient_kind = v1::RECIPIENT_KIND_UNSPECIFIED;
  v1::ChannelKind channel = v1::CHANNEL_KIND_UNSPECIFIED;
  // Of attempts.
  uint32_t attempt = 0;
  std::optional<absl::Time> started_at;
  v1::DeliveryAnswer answer = v1::DELIVERY_ANSWER_UNSPECIFIED;
  int32_t code = 0;
  v1::DeliveryState state = v1::DELIVERY_STATE_UNSPECIFIED;
};

struct EvidenceReport {
  std::string episode_id;
  std::string youth_id;
  std::string agency_id;
  absl::Time exported_at;
  std::string key_fingerprint;
  // Why nothing of this can be relied on; empty where the file was verified.
  std::string fault;
  // The youth's key is not in the file: payloads can't be read, and were not checked.
  bool sealed = false;
  bool exercise = false;
  size_t links = 0;  // of all youths in these chains
  size_t transitions = 0;
  size_t commands = 0;
  size_t commands_removed = 0;  // that the log no longer had when this was exported
  size_t events = 0;
  size_t deliveries = 0;
  size_t attempts = 0;
  std::vector<ChainHead> heads;
  std::vector<TimelineEntry> timeline;  // by time
  std::vector<v1::PolicyPack> packs;
  // Content hashes that records name and that no pack of the file has.
  std::vector<std::string> packs_missing;
};

// Null: it is not in the file.
const v1::PolicyPack* FindPack(const EvidenceReport& report, absl::string_view content_hash);

// The zone of the packs that were used, which is the agency's; `otherwise` where there are none, or
// they don't agree.
absl::TimeZone ZoneOf(const EvidenceReport& report, absl::TimeZone otherwise);

// For a person: at most 100 columns, ends with a newline.
std::string ToText(const EvidenceReport& report, absl::TimeZone time_zone);

}  // namespace porchlight
