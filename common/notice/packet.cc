#include "common/notice/packet.h"

#include <algorithm>

#include "common/base/time.h"
#include "common/episode/oddities.h"
#include "common/notice/notice_state.h"

namespace porchlight {
namespace {

const v1::CaseTrigger* TriggerOf(const v1::CaseState& known, const Duty& duty) {
  int occurrence = 0;
  for (const v1::CaseTrigger& trigger : known.triggers()) {
    if (trigger.trigger() == duty.trigger && ++occurrence == duty.occurrence) return &trigger;
  }
  return nullptr;
}

void AddChanged(const std::string& name, v1::NoticePacket& packet) {
  const auto& names = packet.changed();
  if (std::find(names.begin(), names.end(), name) == names.end()) packet.add_changed(name);
}

// What is new: names of fields, and of what was added only that which these duties are for.
void KeepOnlyNew(const v1::NotificationState& state, const std::vector<Duty>& duties,
                 v1::NoticePacket& packet) {
  absl::Time since = absl::InfiniteFuture();
  for (const Duty& duty : duties) {
    if (duty.trigger == v1::POLICY_TRIGGER_POLICE_NUMBERED)
      AddChanged("police_case_number", packet);
    if (duty.trigger == v1::POLICY_TRIGGER_NCIC_ENTERED) AddChanged("ncic_number", packet);
    const v1::CaseTrigger* trigger = TriggerOf(state.case_(), duty);
    if (duty.trigger != v1::POLICY_TRIGGER_NEW_FACT || trigger == nullptr) continue;
    since = std::min(since, FromProto(trigger->received_at()));
    if (duty.occurrence > state.new_facts_size()) continue;
    for (const std::string& name : state.new_facts(duty.occurrence - 1).changed())
      AddChanged(name, packet);
  }
  auto& facts = *packet.mutable_episode()->mutable_facts();
  facts.erase(std::remove_if(
                  facts.begin(), facts.end(),
                  [&](const v1::AddedFact& fact) { return FromProto(fact.received_at()) < since; }),
              facts.end());
}

void CheckReport(absl::Time now, v1::NoticePacket& packet) {
  for (std::string& oddity : Oddities(packet.episode().youth(), now))
    packet.add_check_these(std::move(oddity));
  for (std::string& oddity : Oddities(packet.episode().anchors(), now))
    packet.add_check_these(std::move(oddity));
}

}  // namespace

bool LooksForTheYouth(v1::RecipientKind kind) {
  return kind == v1::RECIPIENT_KIND_LAW_ENFORCEMENT || kind == v1::RECIPIENT_KIND_NCMEC;
}

std::string NumberOf(const v1::NotificationState& state, v1::EvidenceKind kind) {
  std::string number;
  for (const v1::ProofFiling& filing : state.filings()) {
    if (filing.kind() == kind && !filing.number().empty()) number = filing.number();
  }
  return number;
}

v1::NoticePacket PacketOf(const v1::NotificationState& state, const PlannedNotice& planned,
                          const v1::PolicyPack& pack, const PacketOptions& options) {
  v1::NoticePacket packet;
  packet.set_kind(planned.kind);
  packet.set_agency_name(options.agency_name);
  packet.set_exercise(state.episode().exercise());
  *packet.mutable_made_at() = ToProto(options.made_at);
  *packet.mutable_episode() = state.episode();
  if (!planned.duties.empty()) {
    packet.set_why(planned.duties.front().title);
    packet.set_citation(planned.duties.front().citation);
  }
  if (const auto due = SoonestDue(planned.duties)) *packet.mutable_due_at() = ToProto(*due);
  if (planned.kind == v1::NOTICE_KIND_SUPPLEMENT) KeepOnlyNew(state, planned.duties, packet);
  packet.set_police_case_number(NumberOf(state, v1::EVIDENCE_KIND_POLICE_CASE_NUMBER));
  packet.set_ncic_number(NumberOf(state, v1::EVIDENCE_KIND_NCIC_NUMBER));
  if (!LooksForTheYouth(planned.recipient)) return packet;
  for (v1::PacketField& field : EntryFields(state.episode(), options.time_zone))
    *packet.add_fields() = std::move(field);
  CheckReport(options.made_at, packet);
  if (planned.recipient == v1::RECIPIENT_KIND_NCMEC) {
    packet.set_public_release(pack.public_release_consent() == v1::PUBLIC_RELEASE_CONSENT_NEVER
                                  ? "not given: in this jurisdiction the agency may not give it"
                                  : "not given");
  }
  return packet;
}

}  // namespace porchlight
