#include "common/case/case.h"

#include <algorithm>
#include <string>

#include "common/base/time.h"
#include "common/policy/facts.h"
#include "common/processor/rules.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

using google::protobuf::Timestamp;

bool Has(const v1::CaseState& state, v1::PolicyTrigger trigger) {
  return std::any_of(state.triggers().begin(), state.triggers().end(),
                     [&](const auto& known) { return known.trigger() == trigger; });
}

// What one event changes.
class Reader {
 public:
  Reader(const v1::CaseState& known, const v1::RecordHeader& header)
      : known_(known), header_(header) {}

  void Hear(const v1::EpisodeOpened& event) {
    HearEpisode(event.episode());
    if (Has(known_, v1::POLICY_TRIGGER_MISSING)) return;
    v1::CaseTrigger& missing = Add(v1::POLICY_TRIGGER_MISSING, event.episode().received_at());
    if (event.episode().has_last_seen_at())
      *missing.mutable_occurred_at() = event.episode().last_seen_at();
  }

  void Hear(const v1::EpisodeUpdated& event) {
    HearEpisode(event.episode());
    const bool told = !event.changed().empty() || event.fact_kind() != v1::FACT_KIND_UNSPECIFIED;
    if (!told || event.episode().state() != v1::EPISODE_STATE_MISSING) return;
    if (event.fact_kind() == v1::FACT_KIND_LOCATED) AddOccurred(v1::POLICY_TRIGGER_LOCATED);
    if (event.fact_kind() == v1::FACT_KIND_CRIME_LEARNED)
      AddOccurred(v1::POLICY_TRIGGER_CRIME_LEARNED);
    AddOccurred(v1::POLICY_TRIGGER_NEW_FACT);
  }

  void Hear(const v1::YouthReturned& event) {
    HearEpisode(event.episode());
    if (event.episode().has_returned_at())
      *change_.mutable_returned_at() = event.episode().returned_at();
    if (Has(known_, v1::POLICY_TRIGGER_RETURNED)) return;
    v1::CaseTrigger& returned =
        Add(v1::POLICY_TRIGGER_RETURNED, event.episode().has_return_received_at()
                                             ? event.episode().return_received_at()
                                             : header_.received_at());
    if (event.episode().has_returned_at())
      *returned.mutable_occurred_at() = event.episode().returned_at();
  }

  void Hear(const v1::EpisodeClosed& event) {
    HearEpisode(event.episode());
    if (event.episode().close_reason() != v1::CLOSE_REASON_RETURNED)
      AddOccurred(v1::POLICY_TRIGGER_CLOSED);
  }

  void Hear(const v1::ScreeningCompleted& event) {
    Prove(v1::EVIDENCE_KIND_SCREENING_RESULT, event.result().completed_at());
    if (event.result().band() >= v1::SCREENING_BAND_POSSIBLE)
      Know(v1::CIRCUMSTANCE_TRAFFICKING_RISK, header_.received_at());
  }

  void Hear(const v1::InterviewRecorded& event) {
    Prove(v1::EVIDENCE_KIND_INTERVIEW_RECORD, event.interview().held_at());
    if (event.interview().crime_told()) AddOccurred(v1::POLICY_TRIGGER_CRIME_LEARNED);
  }

  void Hear(const v1::ReturnPhotoRecorded& event) {
    Prove(v1::EVIDENCE_KIND_PHOTO, event.photo().taken_at());
  }

  void Hear(const v1::ExposureRecorded& event) {
    Know(v1::CIRCUMSTANCE_POSSIBLE_ASSAULT, event.known_at());
    if (event.has_last_exposure_at())
      *change_.mutable_last_exposure_at() = event.last_exposure_at();
  }

  // Done when it was first made, once the youth has answered.
  void Hear(const v1::MedicalOfferRecorded& event) {
    const v1::MedicalOffer& offer = event.offer();
    Timestamp at = offer.offered_at();
    for (const v1::CaseProof& before : known_.proofs()) {
      if (before.duty_key() == offer.task_id() && FromProto(before.at()) < FromProto(at))
        at = before.at();
    }
    const bool answered = offer.answer() != v1::MEDICAL_ANSWER_OFFERED;
    Prove(answered ? v1::EVIDENCE_KIND_MEDICAL_OFFER : v1::EVIDENCE_KIND_UNSPECIFIED, at)
        .set_duty_key(offer.task_id());
  }

  void Hear(const v1::ScreeningDeferred& event) {
    for (const v1::ScreeningDeferral& deferral : event.deferrals()) {
      v1::CaseDeferral& added = *change_.add_deferrals();
      added.set_duty_key(deferral.task_id());
      *added.mutable_until() = deferral.until();
    }
  }

  void Hear(const v1::VictimIdentified& event) {
    const v1::Identification& decided = event.identification();
    *Add(v1::POLICY_TRIGGER_IDENTIFIED, decided.received_at()).mutable_occurred_at() =
        decided.decided_at();
    Know(v1::CIRCUMSTANCE_TRAFFICKING_VICTIM, decided.received_at());
  }

  void Hear(const v1::TeamComplete& event) {
    if (event.notice().has_informed_at())
      ProveTeam(v1::EVIDENCE_KIND_ACKNOWLEDGEMENT, event.notice(), event.notice().informed_at());
  }

  void Hear(const v1::MeetingRecorded& event) {
    for (const v1::TeamNotice& notice : event.notices()) {
      if (notice.has_met_at()) ProveTeam(v1::EVIDENCE_KIND_MEETING_HELD, notice, notice.met_at());
    }
  }

  void Hear(const v1::NoticeDelivered& event) {
    for (const std::string& duty_key : event.notice().duty_keys()) {
      v1::CaseProof& proof = Prove(v1::EVIDENCE_KIND_DELIVERY_RECEIPT, event.notice().settled_at());
      proof.set_duty_key(duty_key);
      proof.set_reference(event.notice().notice_id());
    }
  }

  void Hear(const v1::ProofFiled& event) {
    const v1::ProofFiling& filing = event.filing();
    for (const std::string& duty_key : filing.duty_keys()) {
      v1::CaseProof& proof = Prove(filing.kind(), filing.done_at());
      proof.set_duty_key(duty_key);
      proof.set_reference(filing.filing_id());
    }
    if (filing.kind() == v1::EVIDENCE_KIND_POLICE_CASE_NUMBER &&
        !Has(known_, v1::POLICY_TRIGGER_POLICE_NUMBERED)) {
      *Add(v1::POLICY_TRIGGER_POLICE_NUMBERED, filing.received_at()).mutable_occurred_at() =
          filing.done_at();
    }
    if (filing.kind() == v1::EVIDENCE_KIND_NCIC_NUMBER &&
        !Has(known_, v1::POLICY_TRIGGER_NCIC_ENTERED)) {
      *Add(v1::POLICY_TRIGGER_NCIC_ENTERED, filing.received_at()).mutable_occurred_at() =
          filing.done_at();
    }
  }

  void Hear(const v1::NoticeRefused& event) {
    if (event.refusal().recipient_kind() != v1::RECIPIENT_KIND_LAW_ENFORCEMENT) return;
    *Add(v1::POLICY_TRIGGER_POLICE_REFUSED, event.refusal().received_at()).mutable_occurred_at() =
        event.refusal().refused_at();
  }

  void Hear(const v1::AlertAcknowledged& event) {
    if (event.alert().kind() != v1::ALERT_KIND_PAGE || event.alert().duty_key().empty()) return;
    if (event.alert().state() != v1::ALERT_STATE_ACKNOWLEDGED) return;
    v1::CaseProof& proof = Prove(v1::EVIDENCE_KIND_ACKNOWLEDGEMENT, event.answer().answered_at());
    proof.set_duty_key(event.alert().duty_key());
    proof.set_reference(event.alert().alert_id());
  }

  v1::CaseState Take() { return std::move(change_); }

 private:
  void HearEpisode(const v1::Episode& episode) {
    v1::Episode pruned = PolicyPartOf(episode);
    if (pruned.SerializeAsString() != known_.episode().SerializeAsString())
      *change_.mutable_episode() = std::move(pruned);
  }

  v1::CaseTrigger& Add(v1::PolicyTrigger trigger, const Timestamp& received_at) {
    v1::CaseTrigger& added = *change_.add_triggers();
    added.set_trigger(trigger);
    *added.mutable_received_at() = received_at;
    added.set_cause_id(header_.record_id());
    return added;
  }

  // At the event's own times.
  void AddOccurred(v1::PolicyTrigger trigger) {
    v1::CaseTrigger& added = Add(trigger, header_.received_at());
    if (header_.has_occurred_at()) *added.mutable_occurred_at() = header_.occurred_at();
  }

  v1::CaseProof& Prove(v1::EvidenceKind kind, const Timestamp& at) {
    v1::CaseProof& proof = *change_.add_proofs();
    proof.set_kind(kind);
    *proof.mutable_at() = at;
    proof.set_reference(header_.record_id());
    return proof;
  }

  void ProveTeam(v1::EvidenceKind kind, const v1::TeamNotice& notice, const Timestamp& at) {
    v1::CaseProof& proof = Prove(kind, at);
    proof.set_duty_key(notice.duty_key());
    proof.set_reference(notice.notice_id());
  }

  void Know(v1::Circumstance circumstance, const Timestamp& since) {
    v1::KnownCircumstance& known = *change_.add_circumstances();
    known.set_circumstance(circumstance);
    *known.mutable_known_since() = since;
  }

  const v1::CaseState& known_;
  const v1::RecordHeader& header_;
  v1::CaseState change_;
};

template <typename Event>
bool HearAs(const google::protobuf::Message& event, Reader& reader) {
  const auto* heard = As<Event>(&event);
  if (heard != nullptr) reader.Hear(*heard);
  return heard != nullptr;
}

template <typename... Events>
void HearAnyOf(const google::protobuf::Message& event, Reader& reader) {
  (HearAs<Events>(event, reader) || ...);
}

// Evidence that names no duty is for those of the return that it meets.
void AddProofs(const v1::CaseProof& proof, const v1::PolicyPack& pack, Facts& facts) {
  Proof fact{.duty_key = proof.duty_key(),
             .rule_id = proof.rule_id(),
             .recipient = proof.recipient(),
             .kind = proof.kind(),
             .at = FromProto(proof.at())};
  if (!fact.duty_key.empty() || !fact.rule_id.empty()) {
    facts.proofs.push_back(fact);
    return;
  }
  for (const v1::PolicyRule& rule : pack.rules()) {
    const bool of_return = rule.trigger() == v1::POLICY_TRIGGER_RETURNED ||
                           rule.trigger() == v1::POLICY_TRIGGER_IDENTIFIED;
    const bool wanted = std::find(rule.proved_by().begin(), rule.proved_by().end(), proof.kind()) !=
                        rule.proved_by().end();
    if (!of_return || !wanted) continue;
    fact.rule_id = rule.rule_id();
    facts.proofs.push_back(fact);
  }
}

// Why none of an episode's duties need be met any more; empty: they need be.
std::string WhyOver(const v1::Episode& episode) {
  if (!episode.same_as_episode_id().empty())
    return "the same youth's earlier episode counts in its place";
  if (episode.close_reason() == v1::CLOSE_REASON_REPORTED_IN_ERROR)
    return "it was reported in error";
  return "";
}

}  // namespace

std::optional<v1::CaseState> ChangeOf(const v1::CaseState& known, const v1::RecordHeader& header,
                                      const google::protobuf::Message& event) {
  Reader reader(known, header);
  HearAnyOf<v1::EpisodeOpened, v1::EpisodeUpdated, v1::YouthReturned, v1::EpisodeClosed,
            v1::ScreeningCompleted, v1::InterviewRecorded, v1::ReturnPhotoRecorded,
            v1::ExposureRecorded, v1::MedicalOfferRecorded, v1::ScreeningDeferred,
            v1::VictimIdentified, v1::TeamComplete, v1::MeetingRecorded, v1::NoticeDelivered,
            v1::ProofFiled, v1::NoticeRefused, v1::AlertAcknowledged>(event, reader);
  v1::CaseState change = reader.Take();
  if (change.ByteSizeLong() == 0) return std::nullopt;
  return change;
}

void Apply(const v1::CaseState& change, v1::CaseState& state) {
  if (change.has_episode()) *state.mutable_episode() = change.episode();
  state.mutable_triggers()->MergeFrom(change.triggers());
  state.mutable_proofs()->MergeFrom(change.proofs());
  state.mutable_deferrals()->MergeFrom(change.deferrals());
  state.mutable_circumstances()->MergeFrom(change.circumstances());
  if (change.has_last_exposure_at()) *state.mutable_last_exposure_at() = change.last_exposure_at();
  if (!change.has_returned_at()) return;
  *state.mutable_returned_at() = change.returned_at();
  for (v1::CaseTrigger& known : *state.mutable_triggers()) {
    if (known.trigger() == v1::POLICY_TRIGGER_RETURNED)
      *known.mutable_occurred_at() = change.returned_at();
  }
}

Facts FactsOf(const v1::CaseState& state, const v1::PolicyPack& pack, absl::Time now) {
  Facts facts = FactsOf(state.episode());
  facts.triggers.clear();
  for (const v1::CaseTrigger& known : state.triggers()) {
    TriggerEvent event{.trigger = known.trigger(),
                       .received_at = FromProto(known.received_at()),
                       .occurred_at = std::nullopt};
    if (known.has_occurred_at()) event.occurred_at = FromProto(known.occurred_at());
    // A correction of when the youth was last seen.
    if (known.trigger() == v1::POLICY_TRIGGER_MISSING && state.episode().has_last_seen_at())
      event.occurred_at = FromProto(state.episode().last_seen_at());
    facts.triggers.push_back(event);
  }
  for (const v1::KnownCircumstance& known : state.circumstances()) {
    const absl::Time since = FromProto(known.known_since());
    const auto [at, added] = facts.circumstances.try_emplace(known.circumstance(), since);
    if (!added) at->second = std::min(at->second, since);
  }
  if (state.has_last_exposure_at())
    facts.anchors[v1::POLICY_ANCHOR_LAST_EXPOSURE] = FromProto(state.last_exposure_at());
  for (const v1::CaseProof& proof : state.proofs()) AddProofs(proof, pack, facts);
  for (const v1::CaseDeferral& deferral : state.deferrals())
    facts.deferrals.push_back({deferral.duty_key(), FromProto(deferral.until())});
  facts.as_of = now;
  return facts;
}

std::vector<Duty> DutiesOf(const v1::CaseState& state, const v1::PolicyPack& pack, absl::Time now) {
  std::vector<Duty> duties = DutiesOf(pack, FactsOf(state, pack, now));
  const std::string over = WhyOver(state.episode());
  if (over.empty()) return duties;
  for (Duty& duty : duties) {
    const bool open = duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING;
    // Whoever was told must hear that it was an error.
    if (!open || duty.trigger == v1::POLICY_TRIGGER_CLOSED) continue;
    duty.state = v1::DUTY_STATE_ENDED;
    duty.reason = over;
  }
  return duties;
}

}  // namespace porchlight
