#include "common/oncall/sweep.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/logger/logger.h"
#include "common/oncall/duty_status.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/watch.h"
#include "common/policy/in_force.h"

namespace porchlight {
namespace {

constexpr size_t kYouthsPerStep = 500;
constexpr absl::Duration kMayBeLater = absl::Seconds(10);
// Deciding and storing what is due takes a moment.
constexpr absl::Duration kMayBeOverdue = absl::Seconds(15);
constexpr absl::Duration kCleanFor = absl::Seconds(30);

bool IsCovered(const std::vector<v1::Timer>& timers, const std::vector<std::string>& timer_ids,
               absl::Time until) {
  return std::any_of(timers.begin(), timers.end(), [&](const v1::Timer& timer) {
    return std::find(timer_ids.begin(), timer_ids.end(), timer.timer_id()) != timer_ids.end() &&
           FromProto(timer.due_at()) <= until;
  });
}

bool ReachedNobody(const v1::Alert& alert) {
  return std::none_of(alert.pages().begin(), alert.pages().end(), [](const v1::AlertPage& page) {
    return page.state() == v1::DELIVERY_STATE_PENDING ||
           page.state() == v1::DELIVERY_STATE_DELIVERED;
  });
}

std::string WhatIsNotWatched(const v1::OncallState& state, const std::vector<v1::Timer>& timers,
                             const v1::Directory& directory, absl::Time now) {
  for (const v1::Timer& timer : timers) {
    if (FromProto(timer.due_at()) + kMayBeOverdue < now) return "a timer is overdue";
  }
  for (const v1::WatchedEpisode& episode : state.episodes()) {
    if (!episode.case_().has_episode()) continue;
    const v1::PolicyPack& pack = PolicyPackFor(directory, episode.case_().episode().jurisdiction());
    const absl::Time next = NextOf(episode, DutiesOf(episode.case_(), pack, now), now);
    if (next == absl::InfiniteFuture()) continue;
    const bool covered =
        IsCovered(timers, {LookTimer(episode.episode_id()), LookAgainTimer(episode.episode_id())},
                  std::max(next, now) + kMayBeLater);
    if (!covered) return "a duty has no timer";
  }
  for (const v1::Alert& alert : state.alerts()) {
    if (alert.state() != v1::ALERT_STATE_OPEN) continue;
    const bool told = alert.kind() == v1::ALERT_KIND_AT_RISK && !alert.has_next_page_at();
    const bool covered =
        IsCovered(timers, {PageTimer(alert.alert_id()), PageAgainTimer(alert.alert_id())},
                  std::max(FromProto(alert.next_page_at()), now) + kMayBeLater);
    if (!told && !covered) return "an alert has no timer";
  }
  return "";
}

}  // namespace

YouthVerdict Judge(const v1::OncallState& state, const std::vector<v1::Timer>& timers,
                   const v1::Directory& directory, absl::Time now) {
  const std::string not_watched = WhatIsNotWatched(state, timers, directory, now);
  if (!not_watched.empty()) return {.wrong = not_watched, .look_again = true};
  for (const v1::Alert& alert : state.alerts()) {
    if (alert.state() == v1::ALERT_STATE_OPEN && ReachedNobody(alert))
      return {.wrong = "nobody on call can be reached for an alert", .look_again = false};
  }
  return {};
}

int64_t Overdue(const v1::OncallState& state, const v1::Directory& directory, absl::Time now) {
  int64_t overdue = 0;
  for (const v1::WatchedEpisode& episode : state.episodes()) {
    for (const v1::DutyStatus& duty : DutyStatusesOf(episode, directory, DutiesShown::kOpen, now))
      overdue += duty.has_due_at() && FromProto(duty.due_at()) < now ? 1 : 0;
  }
  return overdue;
}

bool Sweep::Step() {
  const absl::Time now = ports_.clock.Now();
  const auto directory = ports_.directory.Read();
  const absl::StatusOr<StatePage> page = ports_.states.List(true, kYouthsPerStep, page_token_);
  if (!directory.ok() || !page.ok()) {
    clean_so_far_ = false;
    page_token_.clear();
  } else {
    for (const auto& [youth_id, aggregate] : page->aggregates) {
      const auto& state = static_cast<const v1::OncallState&>(*aggregate.rules_state);
      overdue_so_far_ += Overdue(state, **directory, now);
      const auto timers = ports_.states.Timers(youth_id);
      const YouthVerdict verdict =
          timers.ok() ? Judge(state, *timers, **directory, now)
                      : YouthVerdict{.wrong = "the store is away", .look_again = false};
      if (verdict.wrong.empty()) continue;
      clean_so_far_ = false;
      LogLine(LogLevel::kWarning, "the sweep found something that isn't watched",
              {{"youth", youth_id}, {"reason", verdict.wrong}});
      if (verdict.look_again) LookAgain(youth_id);
    }
    page_token_ = page->next_page_token;
  }
  if (!page_token_.empty()) return false;
  if (clean_so_far_) {
    clean_at_ = now;
    ports_.gauges.Set("last_clean_sweep_timestamp_seconds",
                      absl::ToDoubleSeconds(now - absl::UnixEpoch()));
  }
  if (!clean_so_far_) clean_at_ = absl::InfinitePast();
  clean_so_far_ = true;
  ports_.gauges.Set("duties_overdue", static_cast<double>(overdue_so_far_));
  overdue_so_far_ = 0;
  return true;
}

bool Sweep::IsClean() const { return ports_.clock.Now() - clean_at_ < kCleanFor; }

bool Sweep::HeartbeatIsDue(absl::Duration every) {
  const absl::Time now = ports_.clock.Now();
  if (!IsClean() || now - heartbeat_at_ < every) return false;
  heartbeat_at_ = now;
  return true;
}

// At most once a minute for each youth: the same request counts once.
void Sweep::LookAgain(const std::string& youth_id) {
  const absl::Time now = ports_.clock.Now();
  v1::LookAgainRequest request;
  request.set_request_id(
      DeriveId("sweep", youth_id, static_cast<uint64_t>(absl::ToUnixSeconds(now) / 60)));
  Command command{.request_id = request.request_id(), .youth_id = youth_id, .received_at = now};
  command.actor.set_actor_id("oncall");
  command.actor.set_reached_by(v1::REACHED_BY_SYSTEM);
  v1::LookAgainReply reply;
  // Not waited for: the next pass sees what came of it.
  const absl::Status ignored = ports_.commands.Submit(command, request, reply);
  static_cast<void>(ignored);
}

}  // namespace porchlight
