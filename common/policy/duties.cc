#include "common/policy/duties.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/policy/calendar.h"
#include "common/policy/window_text.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

// Of one duty: over nineteen years of weeks.
constexpr int kRepetitionsMax = 1000;

// One rule, begun by one event, for one recipient (null: the agency's own duty).
struct Begun {
  const v1::PolicyRule& rule;
  const TriggerEvent& event;
  int occurrence;
  const v1::PolicyRecipient* recipient;
};

// A time and what it was counted from.
struct Counted {
  absl::Time at;
  std::string anchor;
  absl::Time anchor_at;
};

bool Wants(const v1::PolicyRule& rule, v1::EvidenceKind kind) {
  return std::find(rule.proved_by().begin(), rule.proved_by().end(), kind) !=
         rule.proved_by().end();
}

std::string KeyOf(const Begun& begun, int repetition) {
  std::string key = begun.rule.rule_id();
  if (begun.recipient != nullptr) absl::StrAppend(&key, ".", WordOf(begun.recipient->kind()));
  absl::StrAppend(&key, ".", begun.occurrence, ".", repetition);
  return key;
}

class Computer {
 public:
  Computer(const v1::PolicyPack& pack, const Facts& facts)
      : pack_(pack), facts_(facts), calendar_(pack) {
    for (const TriggerEvent& event : facts.triggers) events_[event.trigger].push_back(&event);
    for (auto& [trigger, events] : events_) {
      std::stable_sort(events.begin(), events.end(), [](const auto* a, const auto* b) {
        return a->received_at < b->received_at;
      });
    }
    for (const Proof& proof : facts.proofs) {
      (proof.duty_key.empty() ? proofs_of_rules_ : proofs_[proof.duty_key]).push_back(&proof);
    }
  }

  std::vector<Duty> Run() {
    for (const v1::PolicyRule& rule : pack_.rules()) {
      int occurrence = 0;
      for (const TriggerEvent& event : facts_.triggers) {
        if (event.trigger != rule.trigger()) continue;
        ++occurrence;
        if (rule.recipients().empty()) AddAll({rule, event, occurrence, nullptr});
        for (const v1::PolicyRecipient& recipient : rule.recipients()) {
          AddAll({rule, event, occurrence, &recipient});
        }
      }
    }
    return std::move(duties_);
  }

 private:
  // The duty and its repetitions, as Facts.as_of says how far.
  void AddAll(const Begun& begun) {
    const v1::PolicyRule& rule = begun.rule;
    const std::optional<Counted> due = Soonest(begun);
    const std::optional<absl::Time> ended = Ended(begun);
    duties_.push_back(Make(begun, 1, begun.event.received_at, due, ended));
    if (!rule.has_repetition() || !due.has_value()) return;
    const int most = rule.repetition().at_most() == 0
                         ? kRepetitionsMax
                         : std::min<int>(rule.repetition().at_most(), kRepetitionsMax);
    absl::Time begins = due->at;
    for (int repetition = 2; repetition <= most; ++repetition) {
      if (ended.has_value() && begins >= *ended) return;
      Counted next = *due;
      next.at = calendar_.After(due->at, rule.repetition().every(), repetition - 1);
      duties_.push_back(Make(begun, repetition, begins, next, ended));
      if (begins > facts_.as_of) return;
      begins = next.at;
    }
  }

  Duty Make(const Begun& begun, int repetition, absl::Time begins,
            const std::optional<Counted>& due, const std::optional<absl::Time>& ended) const {
    const v1::PolicyRule& rule = begun.rule;
    Duty duty;
    duty.duty_key = KeyOf(begun, repetition);
    duty.rule_id = rule.rule_id();
    duty.title = rule.title();
    duty.citation = rule.citation();
    duty.trigger = rule.trigger();
    duty.action = rule.action();
    if (begun.recipient != nullptr) {
      duty.recipient = begun.recipient->kind();
      for (int value : begun.recipient->exclude_if()) {
        duty.exclude_if.push_back(static_cast<v1::Circumstance>(value));
      }
    }
    duty.by_role = rule.by_role();
    duty.escalate_to = rule.escalate_to();
    duty.occurrence = begun.occurrence;
    duty.repetition = repetition;
    for (int value : rule.proved_by()) {
      duty.proved_by.push_back(static_cast<v1::EvidenceKind>(value));
    }
    duty.may_be_deferred = rule.may_be_deferred();
    duty.basis = rule.basis();
    duty.reason = NotApplicable(begun, begins);
    if (duty.reason.empty()) duty.reason = EndedBeforeItBegan(begun, ended);
    if (!duty.reason.empty()) {
      duty.state = v1::DUTY_STATE_NOT_APPLICABLE;
      return duty;
    }
    SetTimes(begun, begins, due, duty);
    SetState(begun, begins, ended, duty);
    return duty;
  }

  void SetTimes(const Begun& begun, absl::Time begins, const std::optional<Counted>& due,
                Duty& duty) const {
    if (due.has_value()) {
      duty.due_at = due->at;
      duty.anchor = due->anchor;
      duty.anchor_at = due->anchor_at;
    }
    if (duty.repetition == 1) Hasten(begun, duty);
    if (!duty.due_at.has_value()) return;
    if (duty.may_be_deferred) Defer(duty);
    SetStart(begun, begins, duty);
    const absl::Time known = std::max(*duty.anchor_at, begins);
    for (const v1::PolicyWindow& before : begun.rule.warn_before()) {
      const absl::Time at = calendar_.Before(*duty.due_at, before);
      if (at > known && at < *duty.due_at) duty.warn_at.push_back(at);
    }
    std::sort(duty.warn_at.begin(), duty.warn_at.end());
    duty.warn_at.erase(std::unique(duty.warn_at.begin(), duty.warn_at.end()), duty.warn_at.end());
  }

  void SetState(const Begun& begun, absl::Time begins, const std::optional<absl::Time>& ended,
                Duty& duty) const {
    if (const Proof* proof = ProofOf(begun, begins, duty)) {
      duty.state = v1::DUTY_STATE_MET;
      duty.met_at = proof->at;
      duty.met_by = proof->kind;
    } else if (ended.has_value()) {
      duty.state = v1::DUTY_STATE_ENDED;
      duty.ended_at = ended;
      duty.reason = "something else ended it";
      for (int trigger : begun.rule.ends_when()) {
        if (EventAt(begun, static_cast<v1::PolicyTrigger>(trigger)) != ended) continue;
        duty.reason =
            absl::StrCat("ended by: ", PlainWord(static_cast<v1::PolicyTrigger>(trigger)));
        break;
      }
    } else if (!duty.due_at.has_value()) {
      duty.state = v1::DUTY_STATE_WAITING;
      duty.reason = WhatItWaitsFor(begun.rule);
    } else {
      duty.state = v1::DUTY_STATE_OPEN;
    }
  }

  // When an anchor of this event is known to be.
  std::optional<absl::Time> AnchorAt(const Begun& begun, const v1::PolicyAnchorChoice& from) const {
    if (!from.rule_id().empty()) return Done(from.rule_id());
    if (from.anchor() == v1::POLICY_ANCHOR_RECEIVED) return begun.event.received_at;
    if (from.anchor() == v1::POLICY_ANCHOR_OCCURRED) return begun.event.occurred_at;
    const auto found = facts_.anchors.find(from.anchor());
    if (found == facts_.anchors.end()) return std::nullopt;
    return found->second;
  }

  std::optional<Counted> CountFrom(const Begun& begun, const v1::PolicyLimit& limit) const {
    for (const v1::PolicyAnchorChoice& from : limit.from()) {
      const std::optional<absl::Time> at = AnchorAt(begun, from);
      if (at.has_value()) return Counted{calendar_.After(*at, limit.window()), ToText(from), *at};
    }
    return std::nullopt;
  }

  std::optional<Counted> Soonest(const Begun& begun) const {
    std::optional<Counted> soonest;
    for (const auto* limits : {&begun.rule.due(), &begun.rule.ceilings()}) {
      for (const v1::PolicyLimit& limit : *limits) {
        const std::optional<Counted> end = CountFrom(begun, limit);
        if (end.has_value() && (!soonest.has_value() || end->at < soonest->at)) soonest = end;
      }
    }
    return soonest;
  }

  // Where something removes any wait: due at once, from when it and the event were both known.
  void Hasten(const Begun& begun, Duty& duty) const {
    const v1::PolicyRule& rule = begun.rule;
    const absl::Time received = begun.event.received_at;
    std::optional<absl::Time> since;
    std::string why;
    if (rule.has_no_wait_below_age()) {
      const std::optional<int> age = AgeAt(received);
      if (!age.has_value() || *age < static_cast<int>(rule.no_wait_below_age())) {
        since = received;
        why = age.has_value() ? absl::StrCat("under ", rule.no_wait_below_age())
                              : "the age isn't known";
      }
    }
    for (int value : rule.no_wait_if()) {
      const auto known = facts_.circumstances.find(static_cast<v1::Circumstance>(value));
      if (known == facts_.circumstances.end()) continue;
      const absl::Time both = std::max(received, known->second);
      if (since.has_value() && *since <= both) continue;
      since = both;
      why = PlainWord(known->first);
    }
    if (!since.has_value()) return;
    v1::PolicyWindow at_once;
    at_once.set_unit(v1::WINDOW_UNIT_IMMEDIATELY);
    const absl::Time due = calendar_.After(*since, at_once);
    if (duty.due_at.has_value() && *duty.due_at <= due) return;
    duty.due_at = due;
    duty.anchor = *since == received ? "received" : why;
    duty.anchor_at = since;
    duty.reason = absl::StrCat("due at once: ", why);
  }

  void Defer(Duty& duty) const {
    std::optional<absl::Time> until;
    for (const Deferral& deferral : facts_.deferrals) {
      if (deferral.duty_key == duty.duty_key) until = deferral.until;
    }
    if (!until.has_value() || *until <= *duty.due_at) return;
    duty.due_at = until;
    duty.reason = "deferred by a trained person";
  }

  void SetStart(const Begun& begun, absl::Time begins, Duty& duty) const {
    const v1::PolicyRule& rule = begun.rule;
    absl::Time start = begins;
    if (rule.has_begins()) {
      const std::optional<Counted> not_before = CountFrom(begun, rule.begins());
      if (not_before.has_value()) start = std::max(start, not_before->at);
    }
    for (const std::string& before : rule.after()) {
      if (!Done(before).has_value() && CanComeFirst(before, begun.event)) {
        duty.waits_for.push_back(before);
      }
    }
    if (PoliceRefused(begun.event)) duty.waits_for.clear();
    if (!duty.waits_for.empty()) {
      start = std::max(start, calendar_.After(begun.event.received_at, rule.wait_at_most()));
    }
    if (start > begun.event.received_at) duty.start_after = std::min(start, *duty.due_at);
  }

  bool PoliceRefused(const TriggerEvent& since) const {
    return std::any_of(facts_.triggers.begin(), facts_.triggers.end(), [&](const auto& event) {
      return event.trigger == v1::POLICY_TRIGGER_POLICE_REFUSED &&
             event.received_at >= since.received_at;
    });
  }

  // Whether that rule asks for anything at all after this event: nobody waits for one that doesn't.
  bool CanComeFirst(const std::string& rule_id, const TriggerEvent& event) const {
    for (const v1::PolicyRule& rule : pack_.rules()) {
      if (rule.rule_id() != rule_id || rule.trigger() != event.trigger) continue;
      return NotApplicable({rule, event, 1, nullptr}, event.received_at).empty();
    }
    return false;
  }

  std::optional<int> AgeAt(absl::Time at) const {
    if (facts_.birth_date.has_value()) return calendar_.AgeAt(*facts_.birth_date, at);
    return facts_.age_years;
  }

  bool IsKnown(int circumstance) const {
    return facts_.circumstances.count(static_cast<v1::Circumstance>(circumstance)) > 0;
  }

  // Why the rule asks for nothing here; empty if it does.
  std::string NotApplicable(const Begun& begun, absl::Time at) const {
    const v1::PolicyRule& rule = begun.rule;
    const std::optional<int> age = AgeAt(at);
    if (age.has_value() && rule.has_age_from() && *age < static_cast<int>(rule.age_from())) {
      return absl::StrCat("for ages from ", rule.age_from());
    }
    if (age.has_value() && rule.has_age_below() && *age >= static_cast<int>(rule.age_below())) {
      return absl::StrCat("for ages below ", rule.age_below());
    }
    const auto known = [this](int circumstance) { return IsKnown(circumstance); };
    if (!rule.if_any().empty() && std::none_of(rule.if_any().begin(), rule.if_any().end(), known)) {
      return absl::StrCat("not known: ", Listed(rule.if_any(), " or "));
    }
    for (int circumstance : rule.unless()) {
      if (IsKnown(circumstance)) return Excluded(circumstance);
    }
    if (begun.recipient != nullptr) {
      for (int circumstance : begun.recipient->exclude_if()) {
        if (IsKnown(circumstance)) return Excluded(circumstance);
      }
    }
    if (!rule.if_done_before().empty()) {
      const std::optional<absl::Time> done = Done(rule.if_done_before());
      if (!done.has_value() || *done >= begun.event.received_at) {
        return absl::StrCat("rule ", rule.if_done_before(), " was not met before");
      }
    }
    return "";
  }

  static std::string Excluded(int circumstance) {
    return absl::StrCat("excluded: ", PlainWord(static_cast<v1::Circumstance>(circumstance)));
  }

  template <typename Values>
  static std::string Listed(const Values& values, absl::string_view between) {
    return absl::StrJoin(values, between, [](std::string* out, int value) {
      absl::StrAppend(out, PlainWord(static_cast<v1::Circumstance>(value)));
    });
  }

  std::string EndedBeforeItBegan(const Begun& begun, const std::optional<absl::Time>& ended) const {
    if (!begun.rule.has_begins() || !ended.has_value()) return "";
    const std::optional<Counted> begins = CountFrom(begun, begun.rule.begins());
    if (begins.has_value() && begins->at <= *ended) return "";
    return "it would have begun later";
  }

  // When the first such event after this one was received.
  std::optional<absl::Time> EventAt(const Begun& begun, v1::PolicyTrigger trigger) const {
    const auto found = events_.find(trigger);
    if (found == events_.end()) return std::nullopt;
    const std::vector<const TriggerEvent*>& events = found->second;
    auto event = std::lower_bound(
        events.begin(), events.end(), begun.event.received_at,
        [](const TriggerEvent* one, absl::Time at) { return one->received_at < at; });
    if (event != events.end() && *event == &begun.event) ++event;
    if (event == events.end()) return std::nullopt;
    return (*event)->received_at;
  }

  std::optional<absl::Time> Ended(const Begun& begun) const {
    std::optional<absl::Time> ended;
    for (int trigger : begun.rule.ends_when()) {
      const auto at = EventAt(begun, static_cast<v1::PolicyTrigger>(trigger));
      if (at.has_value() && (!ended.has_value() || *at < *ended)) ended = at;
    }
    return ended;
  }

  // When the rule was first met, for any recipient.
  std::optional<absl::Time> Done(const std::string& rule_id) const {
    std::optional<absl::Time> done;
    for (const v1::PolicyRule& rule : pack_.rules()) {
      if (rule.rule_id() != rule_id) continue;
      for (const Proof& proof : facts_.proofs) {
        const bool named = proof.duty_key.empty()
                               ? proof.rule_id == rule_id
                               : absl::StartsWith(proof.duty_key, absl::StrCat(rule_id, "."));
        if (!named || !Wants(rule, proof.kind)) continue;
        if (!done.has_value() || proof.at < *done) done = proof.at;
      }
    }
    return done;
  }

  // The first proof that meets the duty. One that names only the rule meets no duty that began
  // after it: but the first may have been met before the agency knew, by a caregiver who called.
  const Proof* ProofOf(const Begun& begun, absl::Time begins, const Duty& duty) const {
    const bool first = duty.occurrence == 1 && duty.repetition == 1;
    const Proof* earliest = nullptr;
    const auto take = [&](const Proof& proof) {
      if (!Wants(begun.rule, proof.kind)) return;
      if (earliest == nullptr || proof.at < earliest->at) earliest = &proof;
    };
    if (const auto named = proofs_.find(duty.duty_key); named != proofs_.end()) {
      for (const Proof* proof : named->second) take(*proof);
    }
    for (const Proof* proof : proofs_of_rules_) {
      const bool for_rule = proof->rule_id == duty.rule_id &&
                            (proof->recipient == v1::RECIPIENT_KIND_UNSPECIFIED ||
                             proof->recipient == duty.recipient) &&
                            (first || proof->at >= begins);
      if (for_rule) take(*proof);
    }
    return earliest;
  }

  static std::string WhatItWaitsFor(const v1::PolicyRule& rule) {
    std::vector<std::string> anchors;
    for (const v1::PolicyLimit& limit : rule.due()) {
      for (const v1::PolicyAnchorChoice& from : limit.from()) anchors.push_back(ToText(from));
    }
    return absl::StrCat("not known yet when: ", absl::StrJoin(anchors, " or "));
  }

  const v1::PolicyPack& pack_;
  const Facts& facts_;
  const Calendar calendar_;
  // An episode may have a thousand facts: none of them is looked for among all.
  std::map<v1::PolicyTrigger, std::vector<const TriggerEvent*>> events_;  // by received_at
  std::unordered_map<std::string, std::vector<const Proof*>> proofs_;     // by duty
  std::vector<const Proof*> proofs_of_rules_;
  std::vector<Duty> duties_;
};

}  // namespace

std::vector<Duty> DutiesOf(const v1::PolicyPack& pack, const Facts& facts) {
  return Computer(pack, facts).Run();
}

}  // namespace porchlight
