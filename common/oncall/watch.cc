#include "common/oncall/watch.h"

#include <algorithm>

#include "common/base/time.h"
#include "common/oncall/oncall_state.h"

namespace porchlight {
namespace {

// How long an owner may take to begin; a supplement waits for more news of the same moment.
constexpr absl::Duration kOwnerBeginsWithin = absl::Minutes(2);
constexpr absl::Duration kSupplementBeginsWithin = absl::Minutes(15);
// Who missed a duty is told again: once, and then daily.
constexpr absl::Duration kMissedAgainAfter = absl::Hours(1);
constexpr absl::Duration kMissedAgainEvery = absl::Hours(24);

bool HasTrigger(const v1::CaseState& known, v1::PolicyTrigger trigger) {
  return std::any_of(known.triggers().begin(), known.triggers().end(),
                     [&](const auto& one) { return one.trigger() == trigger; });
}

bool HasProof(const v1::CaseState& known, const std::string& duty_key) {
  return std::any_of(known.proofs().begin(), known.proofs().end(),
                     [&](const auto& proof) { return proof.duty_key() == duty_key; });
}

// Somebody is woken once, as soon as policy wants it; the alert then escalates by itself.
void WatchPage(const Duty& duty, absl::Time now, DutyWatch& watch) {
  if (watch.after.has_alerted_until()) return;
  const absl::Time start = duty.start_after.value_or(absl::InfinitePast());
  if (start > now) {
    watch.next = start;
    return;
  }
  watch.alerts.push_back(v1::ALERT_KIND_PAGE);
  *watch.after.mutable_alerted_until() = ToProto(now);
}

struct Moments {
  absl::Time latest;  // not after now
  absl::Time next;
};

// Of those from `due` on, which isn't after now.
Moments MissedMoments(absl::Time due, absl::Time now) {
  const absl::Time second = due + kMissedAgainAfter;
  if (now < second) return {due, second};
  absl::Duration rest;
  const int64_t days = absl::IDivDuration(now - second, kMissedAgainEvery, &rest);
  const absl::Time latest = second + days * kMissedAgainEvery;
  return {latest, latest + kMissedAgainEvery};
}

// If several moments passed while nobody looked, there is one alert.
void WatchTimes(const Duty& duty, absl::Time now, DutyWatch& watch) {
  const absl::Time alerted_until = watch.after.has_alerted_until()
                                       ? FromProto(watch.after.alerted_until())
                                       : absl::InfinitePast();
  if (now >= *duty.due_at) {
    const Moments moments = MissedMoments(*duty.due_at, now);
    watch.next = moments.next;
    if (watch.after.missed() && moments.latest <= alerted_until) return;
    watch.alerts.push_back(v1::ALERT_KIND_MISSED);
    watch.after.set_missed(true);
    *watch.after.mutable_alerted_until() = ToProto(std::max(moments.latest, alerted_until));
    return;
  }
  watch.after.set_missed(false);
  watch.next = *duty.due_at;
  std::optional<absl::Time> latest;
  for (absl::Time warn_at : duty.warn_at) {
    if (warn_at > now) {
      watch.next = std::min(watch.next, warn_at);
    } else {
      latest = warn_at;
    }
  }
  if (!latest.has_value() || *latest <= alerted_until) return;
  watch.alerts.push_back(v1::ALERT_KIND_AT_RISK);
  *watch.after.mutable_alerted_until() = ToProto(*latest);
}

// New facts wait for the notice to the same recipient that says the youth is missing.
absl::Time BeginsAt(const Duty& duty, const std::vector<Duty>& duties) {
  absl::Time begins = duty.start_after.value_or(absl::InfinitePast());
  if (duty.action != v1::DUTY_ACTION_SUPPLEMENT) return begins;
  for (const Duty& other : duties) {
    const bool first = other.trigger == v1::POLICY_TRIGGER_MISSING && IsOpen(other) &&
                       other.action == v1::DUTY_ACTION_NOTIFY && other.recipient == duty.recipient;
    if (first) begins = std::max(begins, other.start_after.value_or(absl::InfinitePast()));
  }
  return begins;
}

void WatchOwner(const Duty& duty, absl::Time begins_at, const v1::CaseState& known, absl::Time now,
                DutyWatch& watch) {
  v1::WatchedDuty& after = watch.after;
  if (after.owner_begun() || HasProof(known, duty.duty_key) || OwnerOf(duty, known).empty()) {
    after.clear_open_since();
    return;
  }
  if (after.owner_silent()) return;
  if (!after.has_open_since()) *after.mutable_open_since() = ToProto(now);
  const absl::Time should_begin = std::max(FromProto(after.open_since()), begins_at);
  const absl::Time silent_at =
      should_begin +
      (duty.action == v1::DUTY_ACTION_SUPPLEMENT ? kSupplementBeginsWithin : kOwnerBeginsWithin);
  if (now < silent_at) {
    watch.next = std::min(watch.next, silent_at);
    return;
  }
  watch.alerts.push_back(v1::ALERT_KIND_OWNER_SILENT);
  after.set_owner_silent(true);
}

}  // namespace

bool IsOpen(const Duty& duty) {
  return duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING;
}

const Duty* FindDuty(const std::vector<Duty>& duties, absl::string_view duty_key) {
  for (const Duty& duty : duties) {
    if (duty.duty_key == duty_key) return &duty;
  }
  return nullptr;
}

absl::string_view OwnerOf(const Duty& duty, const v1::CaseState& known) {
  const bool of_return =
      duty.trigger == v1::POLICY_TRIGGER_RETURNED || duty.trigger == v1::POLICY_TRIGGER_IDENTIFIED;
  switch (duty.action) {
    case v1::DUTY_ACTION_NOTIFY:
    case v1::DUTY_ACTION_SUPPLEMENT:
      return "notification";
    case v1::DUTY_ACTION_SCREENING:
    case v1::DUTY_ACTION_INTERVIEW:
    case v1::DUTY_ACTION_MEDICAL_OFFER:
    case v1::DUTY_ACTION_DOCUMENT:
      return of_return ? "screening" : "";
    case v1::DUTY_ACTION_TEAM: {
      // A team that looks for a youth is not called once the youth is back.
      const bool too_late = duty.trigger == v1::POLICY_TRIGGER_MISSING &&
                            HasTrigger(known, v1::POLICY_TRIGGER_RETURNED);
      return too_late ? "" : "mdt";
    }
    default:
      return "";
  }
}

DutyWatch WatchDuty(const Duty& duty, const std::vector<Duty>& duties,
                    const v1::WatchedDuty& before, const v1::CaseState& known, absl::Time now) {
  DutyWatch watch;
  watch.after = before;
  if (!IsOpen(duty)) {
    watch.after.set_over(true);
    return watch;
  }
  if (duty.state == v1::DUTY_STATE_WAITING || !duty.due_at.has_value()) return watch;
  if (duty.action == v1::DUTY_ACTION_PAGE) {
    WatchPage(duty, now, watch);
    return watch;
  }
  WatchTimes(duty, now, watch);
  WatchOwner(duty, BeginsAt(duty, duties), known, now, watch);
  return watch;
}

absl::Time NextOf(const v1::WatchedEpisode& episode, const std::vector<Duty>& duties,
                  absl::Time now) {
  absl::Time next = absl::InfiniteFuture();
  for (const Duty& duty : duties) {
    const DutyWatch watch =
        WatchDuty(duty, duties, WatchedOf(episode, duty.duty_key), episode.case_(), now);
    next = std::min(next, watch.alerts.empty() ? watch.next : now);
  }
  return next;
}

}  // namespace porchlight
