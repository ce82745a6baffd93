#include "common/oncall/duty_status.h"

#include <algorithm>

#include "common/base/time.h"
#include "common/case/case.h"
#include "common/oncall/watch.h"
#include "common/policy/in_force.h"

namespace porchlight {
namespace {

bool Proves(const v1::CaseProof& proof, const Duty& duty) {
  if (std::find(duty.proved_by.begin(), duty.proved_by.end(), proof.kind()) ==
      duty.proved_by.end()) {
    return false;
  }
  if (!proof.duty_key().empty()) return proof.duty_key() == duty.duty_key;
  if (!proof.rule_id().empty()) {
    return proof.rule_id() == duty.rule_id &&
           (proof.recipient() == v1::RECIPIENT_KIND_UNSPECIFIED ||
            proof.recipient() == duty.recipient);
  }
  return duty.trigger == v1::POLICY_TRIGGER_RETURNED ||
         duty.trigger == v1::POLICY_TRIGGER_IDENTIFIED;
}

bool IsLate(const Duty& duty, absl::Time now) {
  if (!duty.due_at.has_value()) return false;
  const absl::Time until = duty.met_at.value_or(duty.ended_at.value_or(now));
  return (IsOpen(duty) || duty.met_at.has_value() || duty.ended_at.has_value()) &&
         until > *duty.due_at;
}

v1::DutyStatus StatusOf(const Duty& duty, const v1::CaseState& known, absl::Time now) {
  v1::DutyStatus status;
  status.set_duty_id(duty.duty_key);
  status.set_episode_id(known.episode().episode_id());
  status.set_rule(duty.rule_id);
  status.set_title(duty.title);
  status.set_citation(duty.citation);
  status.set_anchor(duty.anchor);
  if (duty.anchor_at.has_value()) *status.mutable_anchor_at() = ToProto(*duty.anchor_at);
  if (duty.due_at.has_value()) *status.mutable_due_at() = ToProto(*duty.due_at);
  status.set_state(duty.state);
  status.set_reason(duty.reason);
  if (duty.state == v1::DUTY_STATE_MET) {
    for (const v1::CaseProof& proof : known.proofs()) {
      if (!Proves(proof, duty)) continue;
      v1::DutyEvidence& evidence = *status.add_evidence();
      evidence.set_kind(proof.kind());
      *evidence.mutable_at() = proof.at();
      evidence.set_reference(proof.reference());
    }
  }
  status.set_late(IsLate(duty, now));
  status.set_action(duty.action);
  status.set_recipient(duty.recipient);
  for (v1::EvidenceKind kind : duty.proved_by) status.add_proved_by(kind);
  status.set_basis(duty.basis);
  status.set_by_role(duty.by_role);
  return status;
}

bool IsShown(const Duty& duty, DutiesShown shown) {
  switch (shown) {
    case DutiesShown::kOpen:
      return IsOpen(duty);
    case DutiesShown::kApplicable:
      return duty.state != v1::DUTY_STATE_NOT_APPLICABLE;
    case DutiesShown::kAll:
      return true;
  }
  return true;
}

}  // namespace

std::vector<v1::DutyStatus> DutyStatusesOf(const v1::WatchedEpisode& episode,
                                           const v1::Directory& directory, DutiesShown shown,
                                           absl::Time now) {
  std::vector<v1::DutyStatus> statuses;
  if (!episode.case_().has_episode()) return statuses;
  const v1::PolicyPack& pack = PolicyPackFor(directory, episode.case_().episode().jurisdiction());
  for (const Duty& duty : DutiesOf(episode.case_(), pack, now)) {
    if (!IsShown(duty, shown)) continue;
    statuses.push_back(StatusOf(duty, episode.case_(), now));
    statuses.back().set_policy_hash(pack.content_hash());
  }
  SortByDue(statuses);
  return statuses;
}

void SortByDue(std::vector<v1::DutyStatus>& duties) {
  const auto due = [](const v1::DutyStatus& duty) {
    return duty.has_due_at() ? FromProto(duty.due_at()) : absl::InfiniteFuture();
  };
  std::stable_sort(duties.begin(), duties.end(),
                   [&](const auto& a, const auto& b) { return due(a) < due(b); });
}

}  // namespace porchlight
