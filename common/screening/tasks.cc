#include "common/screening/tasks.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/base/time.h"
#include "common/policy/facts.h"

namespace porchlight {
namespace {

void Earliest(const google::protobuf::Timestamp& time, std::optional<absl::Time>& earliest) {
  const absl::Time at = FromProto(time);
  if (!earliest.has_value() || at < *earliest) earliest = at;
}

// When what the task asks for was done; nothing if it wasn't. A medical offer is done when it was
// first made, once the youth has answered it.
std::optional<absl::Time> DoneAt(const v1::ScreeningState& state, v1::DutyAction action,
                                 absl::string_view task_id) {
  std::optional<absl::Time> done;
  switch (action) {
    case v1::DUTY_ACTION_SCREENING:
      for (const auto& result : state.results()) Earliest(result.completed_at(), done);
      return done;
    case v1::DUTY_ACTION_INTERVIEW:
      for (const auto& interview : state.interviews()) Earliest(interview.held_at(), done);
      return done;
    case v1::DUTY_ACTION_DOCUMENT:
      for (const auto& photo : state.photos()) Earliest(photo.taken_at(), done);
      return done;
    case v1::DUTY_ACTION_MEDICAL_OFFER: {
      bool answered = false;
      for (const auto& offer : state.offers()) {
        if (offer.task_id() != task_id) continue;
        Earliest(offer.offered_at(), done);
        answered = answered || offer.answer() != v1::MEDICAL_ANSWER_OFFERED;
      }
      return answered ? done : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

v1::EvidenceKind ProofOf(v1::DutyAction action) {
  switch (action) {
    case v1::DUTY_ACTION_SCREENING:
      return v1::EVIDENCE_KIND_SCREENING_RESULT;
    case v1::DUTY_ACTION_INTERVIEW:
      return v1::EVIDENCE_KIND_INTERVIEW_RECORD;
    case v1::DUTY_ACTION_DOCUMENT:
      return v1::EVIDENCE_KIND_PHOTO;
    default:
      return v1::EVIDENCE_KIND_MEDICAL_OFFER;
  }
}

bool IsOurs(v1::PolicyTrigger trigger, v1::DutyAction action) {
  return (trigger == v1::POLICY_TRIGGER_RETURNED || trigger == v1::POLICY_TRIGGER_IDENTIFIED) &&
         (action == v1::DUTY_ACTION_SCREENING || action == v1::DUTY_ACTION_INTERVIEW ||
          action == v1::DUTY_ACTION_MEDICAL_OFFER || action == v1::DUTY_ACTION_DOCUMENT);
}

void AddProofs(const v1::ScreeningState& state, const v1::PolicyPack& pack, Facts& facts) {
  for (const v1::PolicyRule& rule : pack.rules()) {
    if (!IsOurs(rule.trigger(), rule.action())) continue;
    if (rule.action() == v1::DUTY_ACTION_MEDICAL_OFFER) continue;
    const std::optional<absl::Time> done = DoneAt(state, rule.action(), "");
    if (!done.has_value()) continue;
    facts.proofs.push_back(
        {.duty_key = "", .rule_id = rule.rule_id(), .kind = ProofOf(rule.action()), .at = *done});
  }
  for (const v1::MedicalOffer& offer : state.offers()) {
    const auto done = DoneAt(state, v1::DUTY_ACTION_MEDICAL_OFFER, offer.task_id());
    if (!done.has_value()) continue;
    facts.proofs.push_back({.duty_key = offer.task_id(),
                            .rule_id = "",
                            .kind = v1::EVIDENCE_KIND_MEDICAL_OFFER,
                            .at = *done});
  }
}

Facts AllFacts(const v1::ScreeningState& state, const v1::PolicyPack& pack, absl::Time now) {
  Facts facts = FactsOf(state.episode());
  facts.as_of = now;
  if (state.has_return_received_at()) {
    TriggerEvent returned{.trigger = v1::POLICY_TRIGGER_RETURNED,
                          .received_at = FromProto(state.return_received_at()),
                          .occurred_at = std::nullopt};
    if (state.episode().has_returned_at())
      returned.occurred_at = FromProto(state.episode().returned_at());
    facts.triggers.push_back(returned);
  }
  for (const v1::Identification& one : state.identifications()) {
    if (one.decision() != v1::IDENTIFICATION_DECISION_IDENTIFIED) continue;
    const absl::Time received = FromProto(one.received_at());
    facts.triggers.push_back({.trigger = v1::POLICY_TRIGGER_IDENTIFIED,
                              .received_at = received,
                              .occurred_at = FromProto(one.decided_at())});
    facts.circumstances[v1::CIRCUMSTANCE_TRAFFICKING_VICTIM] = received;
  }
  if (state.has_exposure_known_at()) {
    facts.circumstances[v1::CIRCUMSTANCE_POSSIBLE_ASSAULT] = FromProto(state.exposure_known_at());
  }
  if (state.has_last_exposure_at()) {
    facts.anchors[v1::POLICY_ANCHOR_LAST_EXPOSURE] = FromProto(state.last_exposure_at());
  }
  for (const v1::ScreeningDeferral& deferral : state.deferrals()) {
    facts.deferrals.push_back({deferral.task_id(), FromProto(deferral.until())});
  }
  AddProofs(state, pack, facts);
  return facts;
}

void SetDeferral(const v1::ScreeningState& state, v1::ScreeningTask& task) {
  for (const v1::ScreeningDeferral& deferral : state.deferrals()) {
    if (deferral.task_id() == task.task_id()) *task.mutable_deferred_until() = deferral.until();
  }
}

v1::ScreeningTask TaskFrom(const Duty& duty, const std::string& policy_hash) {
  v1::ScreeningTask task;
  task.set_task_id(duty.duty_key);
  task.set_rule_id(duty.rule_id);
  task.set_title(duty.title);
  task.set_citation(duty.citation);
  task.set_action(duty.action);
  task.set_state(duty.state);
  task.set_reason(duty.reason);
  task.set_anchor(duty.anchor);
  if (duty.anchor_at.has_value()) *task.mutable_anchor_at() = ToProto(*duty.anchor_at);
  if (duty.due_at.has_value()) *task.mutable_due_at() = ToProto(*duty.due_at);
  task.set_may_be_deferred(duty.may_be_deferred);
  if (duty.met_at.has_value()) *task.mutable_met_at() = ToProto(*duty.met_at);
  task.set_policy_hash(policy_hash);
  return task;
}

// For a return where no pack asks for a screening: federal law does, and gives no number.
v1::ScreeningTask ScreeningOfItsOwn() {
  v1::ScreeningTask task;
  task.set_task_id("screening.1.1");
  task.set_rule_id("screening");
  task.set_title("Screen for sex trafficking, when a trained person judges it right");
  task.set_citation("42 USC 671(a)(35)(A)(iii)");
  task.set_action(v1::DUTY_ACTION_SCREENING);
  task.set_state(v1::DUTY_STATE_OPEN);
  task.set_reason("the policy pack sets no time");
  task.set_may_be_deferred(true);
  return task;
}

// A task that the pack doesn't have, as the facts leave it.
v1::ScreeningTask Settled(v1::ScreeningTask task, const v1::ScreeningState& state) {
  SetDeferral(state, task);
  if (task.has_deferred_until() &&
      (!task.has_due_at() || FromProto(task.deferred_until()) > FromProto(task.due_at()))) {
    *task.mutable_due_at() = task.deferred_until();
  }
  const auto done = DoneAt(state, task.action(), task.task_id());
  if (!done.has_value()) return task;
  task.set_state(v1::DUTY_STATE_MET);
  *task.mutable_met_at() = ToProto(*done);
  return task;
}

template <typename Tasks>
bool Has(const Tasks& tasks, const std::string& task_id) {
  return std::any_of(tasks.begin(), tasks.end(),
                     [&](const v1::ScreeningTask& task) { return task.task_id() == task_id; });
}

}  // namespace

bool IsOpen(const v1::ScreeningTask& task) {
  return task.state() == v1::DUTY_STATE_OPEN || task.state() == v1::DUTY_STATE_WAITING;
}

void MergeTasks(const google::protobuf::RepeatedPtrField<v1::ScreeningTask>& changed,
                v1::ScreeningState& state) {
  for (const v1::ScreeningTask& task : changed) {
    const auto known = std::find_if(
        state.mutable_tasks()->begin(), state.mutable_tasks()->end(),
        [&](const v1::ScreeningTask& other) { return other.task_id() == task.task_id(); });
    *(known != state.mutable_tasks()->end() ? &*known : state.add_tasks()) = task;
  }
}

std::vector<v1::ScreeningTask> TasksOf(const v1::ScreeningState& state, const v1::PolicyPack& pack,
                                       absl::Time now) {
  std::vector<v1::ScreeningTask> tasks;
  for (const Duty& duty : DutiesOf(pack, AllFacts(state, pack, now))) {
    if (!IsOurs(duty.trigger, duty.action)) continue;
    tasks.push_back(TaskFrom(duty, pack.content_hash()));
    SetDeferral(state, tasks.back());
  }
  for (const v1::ScreeningTask& known : state.tasks()) {
    if (!Has(tasks, known.task_id())) tasks.push_back(Settled(known, state));
  }
  const bool screened = std::any_of(tasks.begin(), tasks.end(), [](const auto& task) {
    return task.action() == v1::DUTY_ACTION_SCREENING;
  });
  if (state.has_return_received_at() && !screened)
    tasks.push_back(Settled(ScreeningOfItsOwn(), state));
  return tasks;
}

}  // namespace porchlight
