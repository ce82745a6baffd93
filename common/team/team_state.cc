#include "common/team/team_state.h"

#include <algorithm>
#include <string>

#include "common/base/time.h"
#include "common/policy/facts.h"
#include "common/processor/rules.h"

namespace porchlight {
namespace {

void Put(const v1::TeamNotice& notice, v1::MdtState& state) {
  v1::TeamNotice* known = FindNotice(state, notice.notice_id());
  *(known != nullptr ? known : state.add_notices()) = notice;
}

void Hear(const v1::TeamCaseHeard& heard, v1::MdtState& state) {
  if (heard.has_episode()) *state.mutable_episode() = heard.episode();
  if (heard.has_risk_known_at()) *state.mutable_risk_known_at() = heard.risk_known_at();
  if (!heard.has_trigger()) return;
  for (v1::TeamTrigger& known : *state.mutable_triggers()) {
    if (known.trigger() != heard.trigger().trigger()) continue;
    // Only corrected: when the agency first knew stays.
    known.clear_occurred_at();
    if (heard.trigger().has_occurred_at())
      *known.mutable_occurred_at() = heard.trigger().occurred_at();
    return;
  }
  *state.add_triggers() = heard.trigger();
}

}  // namespace

v1::TeamNotice* FindNotice(v1::MdtState& state, absl::string_view notice_id) {
  for (v1::TeamNotice& notice : *state.mutable_notices()) {
    if (notice.notice_id() == notice_id) return &notice;
  }
  return nullptr;
}

const v1::TeamNotice* NoticeOfDuty(const v1::MdtState& state, absl::string_view duty_key) {
  for (const v1::TeamNotice& notice : state.notices()) {
    if (notice.duty_key() == duty_key) return &notice;
  }
  return nullptr;
}

const v1::TeamTrigger* FindTrigger(const v1::MdtState& state, v1::PolicyTrigger trigger) {
  for (const v1::TeamTrigger& known : state.triggers()) {
    if (known.trigger() == trigger) return &known;
  }
  return nullptr;
}

Facts FactsOf(const v1::MdtState& state, absl::Time now) {
  Facts facts = FactsOf(state.episode());
  facts.as_of = now;
  for (const v1::TeamTrigger& known : state.triggers()) {
    TriggerEvent event{.trigger = known.trigger(),
                       .received_at = FromProto(known.received_at()),
                       .occurred_at = std::nullopt};
    if (known.has_occurred_at()) event.occurred_at = FromProto(known.occurred_at());
    facts.triggers.push_back(event);
    if (known.trigger() == v1::POLICY_TRIGGER_IDENTIFIED)
      facts.circumstances[v1::CIRCUMSTANCE_TRAFFICKING_VICTIM] = event.received_at;
  }
  if (state.has_risk_known_at())
    facts.circumstances[v1::CIRCUMSTANCE_TRAFFICKING_RISK] = FromProto(state.risk_known_at());
  for (const v1::TeamNotice& notice : state.notices()) {
    if (notice.state() != v1::TEAM_NOTICE_STATE_COMPLETE) continue;
    const auto prove = [&](v1::EvidenceKind kind, const google::protobuf::Timestamp& at) {
      facts.proofs.push_back(
          {.duty_key = notice.duty_key(), .rule_id = "", .kind = kind, .at = FromProto(at)});
    };
    if (notice.has_informed_at()) prove(v1::EVIDENCE_KIND_ACKNOWLEDGEMENT, notice.informed_at());
    if (notice.has_met_at()) prove(v1::EVIDENCE_KIND_MEETING_HELD, notice.met_at());
  }
  return facts;
}

void Apply(const google::protobuf::Message& payload, v1::MdtState& state) {
  auto& without = *state.mutable_without_roster();
  const auto forget = [&](const std::string& duty_key) {
    without.erase(std::remove(without.begin(), without.end(), duty_key), without.end());
  };
  if (const auto* heard = As<v1::TeamCaseHeard>(&payload)) {
    Hear(*heard, state);
  } else if (const auto* notified = As<v1::TeamNotified>(&payload)) {
    Put(notified->notice(), state);
    forget(notified->notice().duty_key());
  } else if (const auto* roster = As<v1::TeamWithoutRoster>(&payload)) {
    forget(roster->duty_key());
    if (!roster->over()) *without.Add() = roster->duty_key();
  } else if (const auto* settled = As<v1::TeamDeliverySettled>(&payload)) {
    Put(settled->notice(), state);
  } else if (const auto* answered = As<v1::TeamMemberAnswered>(&payload)) {
    Put(answered->notice(), state);
  } else if (const auto* complete = As<v1::TeamComplete>(&payload)) {
    Put(complete->notice(), state);
  } else if (const auto* chased = As<v1::TeamChased>(&payload)) {
    Put(chased->notice(), state);
  } else if (const auto* ended = As<v1::TeamChaseEnded>(&payload)) {
    Put(ended->notice(), state);
  } else if (const auto* met = As<v1::MeetingRecorded>(&payload)) {
    *state.add_meetings() = met->meeting();
    for (const v1::TeamNotice& notice : met->notices()) Put(notice, state);
  }
}

}  // namespace porchlight
