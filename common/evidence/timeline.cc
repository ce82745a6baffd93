#include "common/evidence/timeline.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/privacy/redaction.h"
#include "common/privacy/sealing.h"
#include "common/processor/rules.h"

namespace porchlight {
namespace {

v1::RecordHeader HeaderOf(const v1::Record& record) {
  v1::RecordHeader header;
  header.ParseFromString(record.header());
  return header;
}

class TimelineMaker {
 public:
  TimelineMaker(const TimelineSources& sources, EvidenceReport& report)
      : sources_(sources), report_(report) {
    for (const WholeTransition& whole : sources.transitions) {
      const v1::InputReference& input = whole.transition.input();
      if (input.kind() == v1::INPUT_KIND_COMMAND) decided_.insert(input.digest());
    }
  }

  void Make() {
    report_.transitions = sources_.transitions.size();
    for (const WholeTransition& whole : sources_.transitions) {
      AddCommand(whole);
      // What came of an attempt is why the events were decided.
      for (const v1::DeliveryAttempt& attempt : whole.transition.attempts()) {
        AddAttempt(whole, attempt);
      }
      for (const v1::Record& event : whole.transition.events()) {
        SetRecord(event, Add(whole, TimelineKind::kEvent));
        ++report_.events;
      }
      for (const v1::Delivery& delivery : whole.transition.deliveries()) {
        made_[delivery.delivery_id()] = &delivery;
        TimelineEntry& entry = Add(whole, TimelineKind::kDeliveryMade);
        SetPayload(delivery.message(), entry);
        entry.type = "porchlight.v1.Message";
        SetDelivery(delivery, entry);
        report_.exercise = report_.exercise || delivery.exercise();
        ++report_.deliveries;
      }
    }
    for (const auto& [digest, command] : sources_.commands) {
      report_.exercise = report_.exercise || HeaderOf(command).exercise();
    }
    // Where times are equal, as they were decided.
    std::stable_sort(report_.timeline.begin(), report_.timeline.end(),
                     [](const TimelineEntry& a, const TimelineEntry& b) { return a.at < b.at; });
  }

 private:
  TimelineEntry& Add(const WholeTransition& whole, TimelineKind kind) {
    TimelineEntry& entry = report_.timeline.emplace_back();
    entry.kind = kind;
    entry.decided_at = FromProto(whole.transition.decided_at());
    entry.at = entry.decided_at;
    entry.service = whole.transition.service();
    entry.sequence = whole.sequence;
    return entry;
  }

  std::shared_ptr<const google::protobuf::Message> Payload(const v1::Record& record) const {
    if (!sources_.key.has_value()) return nullptr;
    absl::StatusOr<OpenedRecord> opened = OpenRecord(*sources_.key, record);
    if (!opened.ok()) return nullptr;
    if (sources_.telling == Telling::kInternalOnly) KeepInternal(*opened->payload);
    return std::move(opened->payload);
  }

  void SetPayload(const v1::Record& record, TimelineEntry& entry) const {
    entry.digest_hex = absl::BytesToHexString(Sha256(record.SerializeAsString()));
    entry.policy_hash = HeaderOf(record).policy_hash();
    entry.payload = Payload(record);
  }

  void SetRecord(const v1::Record& record, TimelineEntry& entry) const {
    const v1::RecordHeader header = HeaderOf(record);
    entry.type = header.type();
    entry.record_id = header.record_id();
    entry.actor = header.actor();
    if (header.has_occurred_at()) entry.occurred_at = FromProto(header.occurred_at());
    if (header.has_received_at()) entry.received_at = FromProto(header.received_at());
    SetPayload(record, entry);
  }

  static void SetDelivery(const v1::Delivery& delivery, TimelineEntry& entry) {
    entry.record_id = delivery.delivery_id();
    entry.recipient_id = delivery.recipient_id();
    entry.recipient_kind = delivery.recipient_kind();
    entry.channel = delivery.channel();
  }

  // The command that was decided; or, where a service that watches heard of one, what nobody had
  // decided.
  void AddCommand(const WholeTransition& whole) {
    const v1::InputReference& input = whole.transition.input();
    const auto command = sources_.commands.find(input.digest());
    const bool decided = input.kind() == v1::INPUT_KIND_COMMAND;
    if (command == sources_.commands.end() || (!decided && decided_.contains(input.digest()))) {
      return;
    }
    TimelineEntry& entry = Add(whole, TimelineKind::kCommand);
    SetRecord(command->second, entry);
    if (entry.received_at) entry.at = *entry.received_at;
    entry.decided = decided;
    ++report_.commands;
    if (!decided) return;
    const v1::Outcome& outcome = whole.transition.outcome();
    entry.outcome_code = outcome.code();
    const auto body = outcome.has_body() ? Payload(outcome.body()) : nullptr;
    if (const auto* told = As<v1::OutcomeBody>(body.get())) entry.refusal = told->error();
  }

  void AddAttempt(const WholeTransition& whole, const v1::DeliveryAttempt& attempt) {
    TimelineEntry& entry = Add(whole, TimelineKind::kDeliveryAttempt);
    const auto delivery = made_.find(attempt.delivery_id());
    if (delivery != made_.end()) SetDelivery(*delivery->second, entry);
    entry.record_id = attempt.delivery_id();
    if (attempt.has_answered_at()) entry.at = FromProto(attempt.answered_at());
    if (attempt.has_started_at()) entry.started_at = FromProto(attempt.started_at());
    if (attempt.has_reply()) {
      SetPayload(attempt.reply(), entry);
      entry.type = "porchlight.v1.ChannelReply";
    }
    entry.attempt = attempt.attempt();
    entry.answer = attempt.answer();
    entry.code = attempt.code();
    entry.state = attempt.state();
    ++report_.attempts;
  }

  const TimelineSources& sources_;
  EvidenceReport& report_;
  std::set<std::string> decided_;  // digests of commands
  std::map<std::string, const v1::Delivery*> made_;
};

}  // namespace

void FillTimeline(const TimelineSources& sources, EvidenceReport& report) {
  TimelineMaker(sources, report).Make();
}

}  // namespace porchlight
