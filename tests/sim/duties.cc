#include "tests/sim/duties.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/directory/directory.h"
#include "common/policy/in_force.h"
#include "common/processor/rules.h"

namespace porchlight::sim {
namespace {

constexpr absl::Duration kInTime = absl::Seconds(10);
// After everything came back: deliveries of the backlog, and timers of what was missed.
constexpr absl::Duration kCaughtUp = absl::Minutes(5);
constexpr absl::Duration kLargestClockStep = absl::Hours(1);

// By episode, as all services' events tell it.
std::map<std::string, v1::CaseState> CasesOf(const Truth& truth) {
  std::map<std::string, v1::CaseState> cases;
  for (const char* service : {"intake", "screening", "mdt", "notification", "oncall"}) {
    for (const std::string& record_id : truth.events_in_order(service)) {
      const Truth::EventFact& event = truth.events().at(record_id);
      const std::string& episode_id = event.header.episode_id();
      if (episode_id.empty()) continue;
      v1::CaseState& known = cases[episode_id];
      if (const auto change = ChangeOf(known, event.header, *event.payload)) Apply(*change, known);
    }
  }
  return cases;
}

// When somebody was first alerted because the duty's time had come, by episode and duty.
std::map<std::pair<std::string, std::string>, absl::Time> AlertedAt(const Truth& truth) {
  std::map<std::pair<std::string, std::string>, absl::Time> alerted;
  for (const auto& [id, alert] : truth.alerts()) {
    if (alert.kind() != v1::ALERT_KIND_MISSED && alert.kind() != v1::ALERT_KIND_PAGE) continue;
    const std::pair key(alert.episode_id(), alert.duty_key());
    const absl::Time seen_at = truth.alerts_seen_at().at(id);
    const auto [at, added] = alerted.emplace(key, seen_at);
    if (!added) at->second = std::min(at->second, seen_at);
  }
  return alerted;
}

std::vector<Duty> DutiesAt(Environment& environment, const v1::CaseState& known, absl::Time now) {
  const v1::Directory& directory = environment.truth.directory();
  return DutiesOf(known, PolicyPackFor(directory, known.episode().jurisdiction()), now);
}

// The time until which it need not have been met, as far as it was a duty at all.
bool MetOrOver(const Duty& duty, absl::Time by, bool clocks_were_set) {
  // By a clock that was set, what met or ended it may seem to have come later than it did.
  if (duty.state == v1::DUTY_STATE_MET) return clocks_were_set || *duty.met_at <= by;
  if (duty.state == v1::DUTY_STATE_ENDED)
    return clocks_were_set || !duty.ended_at.has_value() || *duty.ended_at <= by;
  return duty.state != v1::DUTY_STATE_OPEN;
}

}  // namespace

void CheckDuties(Environment& environment, absl::Time healed_at, absl::Time now) {
  const auto alerted = AlertedAt(environment.truth);
  for (const auto& [episode_id, known] : CasesOf(environment.truth)) {
    if (!known.has_episode()) continue;
    for (const Duty& duty : DutiesAt(environment, known, now)) {
      if (!duty.due_at.has_value()) continue;
      absl::Time by = *duty.due_at > healed_at ? *duty.due_at + kInTime : healed_at + kCaughtUp;
      // What waits for a moment by a clock that is then set back waits until that moment comes
      // again.
      if (environment.options.clock_step > 0)
        by = std::max(by, healed_at + kLargestClockStep + kCaughtUp);
      if (by > now || MetOrOver(duty, by, environment.options.clock_step > 0)) continue;
      const auto at = alerted.find({episode_id, duty.duty_key});
      const bool in_time = at != alerted.end() && at->second <= by;
      environment.counters.Count("duty paged");
      if (in_time) continue;
      environment.findings.Add(
          "every duty is met or paged",
          absl::StrCat(
              duty.duty_key, " of ", episode_id, " was due ", absl::FormatTime(*duty.due_at),
              " (healed ", absl::FormatTime(healed_at), "), and ",
              at == alerted.end()
                  ? "nobody was alerted"
                  : absl::StrCat("somebody was alerted only ", absl::FormatTime(at->second))));
    }
  }
}

void CheckTold(Environment& environment, absl::Time now) {
  const Truth& truth = environment.truth;
  for (const auto& [episode_id, known] : CasesOf(truth)) {
    if (!known.has_episode()) continue;
    std::set<std::string> told;
    const auto notices = truth.notices().find(episode_id);
    if (notices != truth.notices().end()) {
      for (const v1::Notice& notice : notices->second)
        told.insert(notice.duty_keys().begin(), notice.duty_keys().end());
    }
    for (const Duty& duty : DutiesAt(environment, known, now)) {
      const bool tells =
          duty.action == v1::DUTY_ACTION_NOTIFY || duty.action == v1::DUTY_ACTION_SUPPLEMENT;
      if (!tells || duty.state != v1::DUTY_STATE_OPEN) continue;
      if (duty.start_after.has_value() && *duty.start_after > now - kCaughtUp) continue;
      if (RecipientsFor(truth.directory(), duty.recipient, known.episode().jurisdiction(),
                        known.episode().exercise())
              .empty())
        continue;
      if (told.contains(duty.duty_key)) continue;
      environment.findings.Add(
          "everybody is told",
          absl::StrCat("nobody was told for ", duty.duty_key, " of ", episode_id));
    }
  }
}

void CheckAlerts(Environment& environment, absl::Time now) {
  const std::map<std::string, v1::CaseState> cases = CasesOf(environment.truth);
  for (const auto& [id, alert] : environment.truth.alerts()) {
    if (alert.state() != v1::ALERT_STATE_OPEN) continue;
    const size_t answers = static_cast<size_t>(alert.answers_size());
    if (answers >= std::max(alert.answers_needed(), 1u) && alert.answers_needed() > 0)
      environment.findings.Add("no page after an acknowledgement",
                               absl::StrCat(id, " is open, though somebody has it"));
    const bool waits = alert.kind() == v1::ALERT_KIND_AT_RISK && !alert.has_next_page_at();
    if (!waits && (!alert.has_next_page_at() || FromProto(alert.next_page_at()) + kInTime < now))
      environment.findings.Add("paged until somebody has it",
                               absl::StrCat(id, " is open, and nobody else will be paged"));
    const auto known = cases.find(alert.episode_id());
    if (known == cases.end() || alert.duty_key().empty() || !known->second.has_episode()) continue;
    for (const Duty& duty : DutiesAt(environment, known->second, now)) {
      const bool over = duty.duty_key == alert.duty_key() && duty.state != v1::DUTY_STATE_OPEN &&
                        duty.state != v1::DUTY_STATE_WAITING;
      if (over)
        environment.findings.Add("what is done wakes nobody",
                                 absl::StrCat(id, " is open, but its duty is over"));
    }
  }
}

void CheckNoticedDead(Environment& environment, const std::string& service, absl::Time dead_since) {
  const auto is_wanted = [&](const v1::Alert& alert) {
    if (FromProto(alert.made_at()) < dead_since) return false;
    if (service == "intake") return alert.kind() == v1::ALERT_KIND_UNDECIDED;
    if (alert.kind() != v1::ALERT_KIND_OWNER_SILENT) return false;
    return absl::StartsWith(alert.duty_key(), service == "notification" ? "police."
                                              : service == "screening"  ? "return-"
                                                                        : "team.");
  };
  const auto& alerts = environment.truth.alerts();
  const bool noticed = std::any_of(alerts.begin(), alerts.end(),
                                   [&](const auto& one) { return is_wanted(one.second); });
  environment.counters.Count(absl::StrCat("dead: ", service));
  if (!noticed) {
    environment.findings.Add("a dead owner is noticed",
                             absl::StrCat(service, " did nothing since ",
                                          absl::FormatTime(dead_since), ", and nobody was woken"));
  }
}

}  // namespace porchlight::sim
