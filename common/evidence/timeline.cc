#include "common/evidence/timeline.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "common/base/hash.h"
#include "common/base/time.h"

namespace porchlight {
namespace {

std::string DigestHex(const v1::Record& record) {
  return absl::BytesToHexString(Sha256(record.SerializeAsString()));
}

TimelineEntry EntryAt(const WholeTransition& whole, TimelineKind kind) {
  TimelineEntry entry;
  entry.kind = kind;
  entry.decided_at = FromProto(whole.transition.decided_at());
  entry.at = entry.decided_at;
  entry.service = whole.transition.service();
  entry.sequence = whole.sequence;
  return entry;
}

void SetHeader(const v1::Record& record, TimelineEntry& entry) {
  v1::RecordHeader header;
  header.ParseFromString(record.header());
  entry.type = header.type();
  entry.record_id = header.record_id();
  entry.digest_hex = DigestHex(record);
  entry.actor = header.actor();
  if (header.has_occurred_at()) entry.occurred_at = FromProto(header.occurred_at());
  if (header.has_received_at()) entry.received_at = FromProto(header.received_at());
}

void SetDelivery(const v1::Delivery& delivery, TimelineEntry& entry) {
  entry.record_id = delivery.delivery_id();
  entry.recipient_id = delivery.recipient_id();
  entry.recipient_kind = delivery.recipient_kind();
  entry.channel = delivery.channel();
}

void AddCommand(const WholeTransition& whole, const CommandsByDigest& commands,
                EvidenceReport& report) {
  const auto command = commands.find(whole.transition.input().digest());
  if (whole.transition.input().kind() != v1::INPUT_KIND_COMMAND || command == commands.end()) {
    return;
  }
  TimelineEntry entry = EntryAt(whole, TimelineKind::kCommand);
  SetHeader(command->second, entry);
  if (entry.received_at) entry.at = *entry.received_at;
  entry.outcome_code = whole.transition.outcome().code();
  report.timeline.push_back(std::move(entry));
  ++report.commands;
}

void AddAttempt(const WholeTransition& whole, const v1::DeliveryAttempt& attempt,
                const std::map<std::string, v1::Delivery>& made, EvidenceReport& report) {
  TimelineEntry entry = EntryAt(whole, TimelineKind::kDeliveryAttempt);
  const auto delivery = made.find(attempt.delivery_id());
  if (delivery != made.end()) SetDelivery(delivery->second, entry);
  entry.record_id = attempt.delivery_id();
  if (attempt.has_answered_at()) entry.at = FromProto(attempt.answered_at());
  if (attempt.has_started_at()) entry.started_at = FromProto(attempt.started_at());
  if (attempt.has_reply()) {
    entry.type = "porchlight.v1.ChannelReply";
    entry.digest_hex = DigestHex(attempt.reply());
  }
  entry.attempt = attempt.attempt();
  entry.answer = attempt.answer();
  entry.code = attempt.code();
  entry.state = attempt.state();
  report.timeline.push_back(std::move(entry));
  ++report.attempts;
}

}  // namespace

void FillTimeline(const std::vector<WholeTransition>& transitions, const CommandsByDigest& commands,
                  EvidenceReport& report) {
  std::map<std::string, v1::Delivery> made;
  report.transitions = transitions.size();
  for (const WholeTransition& whole : transitions) {
    AddCommand(whole, commands, report);
    // What came of an attempt is why the events were decided.
    for (const v1::DeliveryAttempt& attempt : whole.transition.attempts()) {
      AddAttempt(whole, attempt, made, report);
    }
    for (const v1::Record& event : whole.transition.events()) {
      TimelineEntry entry = EntryAt(whole, TimelineKind::kEvent);
      SetHeader(event, entry);
      report.timeline.push_back(std::move(entry));
      ++report.events;
    }
    for (const v1::Delivery& delivery : whole.transition.deliveries()) {
      made[delivery.delivery_id()] = delivery;
      TimelineEntry entry = EntryAt(whole, TimelineKind::kDeliveryMade);
      SetDelivery(delivery, entry);
      entry.type = "porchlight.v1.Message";
      entry.digest_hex = DigestHex(delivery.message());
      report.exercise = report.exercise || delivery.exercise();
      report.timeline.push_back(std::move(entry));
      ++report.deliveries;
    }
  }
  for (const auto& [digest, command] : commands) {
    v1::RecordHeader header;
    header.ParseFromString(command.header());
    report.exercise = report.exercise || header.exercise();
  }
  // Where times are equal, as they were decided.
  std::stable_sort(report.timeline.begin(), report.timeline.end(),
                   [](const TimelineEntry& a, const TimelineEntry& b) { return a.at < b.at; });
}

}  // namespace porchlight
