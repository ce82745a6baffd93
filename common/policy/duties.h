// The heart of policy: from a pack and what is known of one episode, every duty, when it is due and
// whether it is met. Pure: the service that must meet a duty and the one that watches it each call
// this with the same facts and get the same answer. Never forgets a duty because a fact is missing:
// what isn't known earns no wait and no exemption.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

struct TriggerEvent {
  v1::PolicyTrigger trigger = v1::POLICY_TRIGGER_UNSPECIFIED;
  absl::Time received_at;
  std::optional<absl::Time> occurred_at;  // as told

  bool operator==(const TriggerEvent&) const = default;
};

// Names a duty by its key; or a rule, and of its recipients one or (unspecified) all.
struct Proof {
  std::string duty_key;
  std::string rule_id;
  v1::RecipientKind recipient = v1::RECIPIENT_KIND_UNSPECIFIED;
  v1::EvidenceKind kind = v1::EVIDENCE_KIND_UNSPECIFIED;
  absl::Time at;  // when it was done, not when it was typed in

  bool operator==(const Proof&) const = default;
};

// A trained person put off a duty whose rule allows it. The last one for a duty counts.
struct Deferral {
  std::string duty_key;
  absl::Time until;

  bool operator==(const Deferral&) const = default;
};

// All that is known of one episode. Lists are in the order of the log and only grow: the n-th
// trigger of its kind is its n-th occurrence for good.
struct Facts {
  std::optional<absl::CivilDay> birth_date;
  std::optional<int> age_years;  // as told, where the birth date isn't known
  // Each with the time since when the agency knows it.
  std::map<v1::Circumstance, absl::Time> circumstances;
  // Those but RECEIVED and OCCURRED, which each trigger has for itself.
  std::map<v1::PolicyAnchor, absl::Time> anchors;
  std::vector<TriggerEvent> triggers;
  std::vector<Proof> proofs;
  std::vector<Deferral> deferrals;
  // Of a repeated rule, the duties that began until then are listed, and the next one. Nothing else
  // depends on it: whoever asks again when that next one is due misses none.
  absl::Time as_of;
};

struct Duty {
  // RULE.OCCURRENCE.REPETITION or RULE.RECIPIENT.OCCURRENCE.REPETITION, such as
  // "parties.court.1.1": the same for good, whatever becomes known. At most 110 characters of
  // [a-z0-9._-].
  std::string duty_key;
  std::string rule_id;
  std::string title;
  std::string citation;
  v1::PolicyTrigger trigger = v1::POLICY_TRIGGER_UNSPECIFIED;
  v1::DutyAction action = v1::DUTY_ACTION_UNSPECIFIED;
  // Unspecified: the agency's own duty.
  v1::RecipientKind recipient = v1::RECIPIENT_KIND_UNSPECIFIED;
  // Of this kind, those about whom one of these is known are not told.
  std::vector<v1::Circumstance> exclude_if;
  std::string by_role;
  std::string escalate_to;
  int occurrence = 1;
  int repetition = 1;

  v1::DutyState state = v1::DUTY_STATE_UNSPECIFIED;
  // Why it waits, doesn't apply, ended or is due at once, for people; no personal data. Else empty.
  std::string reason;
  // What its time counts from: "received", "done police".
  std::string anchor;
  std::optional<absl::Time> anchor_at;
  // Absent while it waits for an anchor, where it doesn't apply, and where it ended while waiting.
  std::optional<absl::Time> due_at;
  // Not to be started before; absent: at once. Never after due_at.
  std::optional<absl::Time> start_after;
  // Rules that it waits for until start_after.
  std::vector<std::string> waits_for;
  std::vector<absl::Time> warn_at;  // in order, all before due_at
  std::vector<v1::EvidenceKind> proved_by;
  bool may_be_deferred = false;
  v1::WindowBasis basis = v1::WINDOW_BASIS_UNSPECIFIED;

  std::optional<absl::Time> met_at;  // late if after due_at
  v1::EvidenceKind met_by = v1::EVIDENCE_KIND_UNSPECIFIED;
  std::optional<absl::Time> ended_at;

  bool operator==(const Duty&) const = default;
};

// In the order of the pack's rules; each duty_key once. A time zone that this machine doesn't know
// counts as UTC (the loader refuses such packs).
std::vector<Duty> DutiesOf(const v1::PolicyPack& pack, const Facts& facts);

}  // namespace porchlight
