#include "common/oncall/oncall_state.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/processor/rules.h"

namespace porchlight {
namespace {

constexpr int kReportIdsKeptMax = 200;
constexpr int kQuietEpisodesKeptMax = 20;
constexpr int kEndedAlertsKeptMax = 100;

v1::WatchedDuty& DutyIn(const std::string& duty_key, v1::WatchedEpisode& episode) {
  for (v1::WatchedDuty& known : *episode.mutable_duties()) {
    if (known.duty_key() == duty_key) return known;
  }
  v1::WatchedDuty& added = *episode.add_duties();
  added.set_duty_key(duty_key);
  return added;
}

// Of more than enough episodes with nothing open, the oldest go.
void ForgetQuiet(v1::OncallState& state) {
  auto& episodes = *state.mutable_episodes();
  auto quiet = std::count_if(episodes.begin(), episodes.end(),
                             [](const auto& episode) { return !IsWatched(episode); });
  for (int i = 0; quiet > kQuietEpisodesKeptMax; ++i) {
    if (IsWatched(episodes[i])) continue;
    episodes.DeleteSubrange(i--, 1);
    --quiet;
  }
}

v1::WatchedEpisode& EpisodeIn(const std::string& episode_id, v1::OncallState& state) {
  for (v1::WatchedEpisode& known : *state.mutable_episodes()) {
    if (known.episode_id() == episode_id) return known;
  }
  ForgetQuiet(state);
  v1::WatchedEpisode& added = *state.add_episodes();
  added.set_episode_id(episode_id);
  return added;
}

void Hear(const v1::OncallHeard& heard, v1::OncallState& state) {
  v1::WatchedEpisode& episode = EpisodeIn(heard.episode_id(), state);
  Apply(heard.change(), *episode.mutable_case_());
  episode.mutable_report_ids()->MergeFrom(heard.report_ids());
  const int too_many = episode.report_ids_size() - kReportIdsKeptMax;
  if (too_many > 0) episode.mutable_report_ids()->DeleteSubrange(0, too_many);
  for (const std::string& duty_key : heard.begun_duty_keys()) {
    v1::WatchedDuty& duty = DutyIn(duty_key, episode);
    duty.set_owner_begun(true);
    duty.clear_open_since();
  }
}

void Watch(const v1::DutiesWatched& watched, v1::OncallState& state) {
  v1::WatchedEpisode& episode = EpisodeIn(watched.episode_id(), state);
  for (const v1::WatchedDuty& duty : watched.duties()) DutyIn(duty.duty_key(), episode) = duty;
  auto& duties = *episode.mutable_duties();
  duties.erase(std::remove_if(duties.begin(), duties.end(), [](auto& duty) { return duty.over(); }),
               duties.end());
  episode.clear_next_look_at();
  if (watched.has_next_look_at()) *episode.mutable_next_look_at() = watched.next_look_at();
}

void Keep(const v1::Alert& alert, v1::OncallState& state) {
  auto& alerts = *state.mutable_alerts();
  const auto known = std::find_if(alerts.begin(), alerts.end(), [&](const v1::Alert& other) {
    return other.alert_id() == alert.alert_id();
  });
  if (known == alerts.end()) {
    *state.add_alerts() = alert;
    state.set_alerts_made(state.alerts_made() + 1);
  } else {
    *known = alert;
  }
  auto ended = std::count_if(alerts.begin(), alerts.end(), [](const v1::Alert& one) {
    return one.state() != v1::ALERT_STATE_OPEN;
  });
  for (int i = 0; ended > kEndedAlertsKeptMax; ++i) {
    if (alerts[i].state() == v1::ALERT_STATE_OPEN) continue;
    alerts.DeleteSubrange(i--, 1);
    --ended;
  }
}

template <typename AlertEvent>
bool KeepOf(const google::protobuf::Message& event, v1::OncallState& state) {
  const auto* of_alert = As<AlertEvent>(&event);
  if (of_alert != nullptr) Keep(of_alert->alert(), state);
  return of_alert != nullptr;
}

template <typename... AlertEvents>
void KeepOfAny(const google::protobuf::Message& event, v1::OncallState& state) {
  (KeepOf<AlertEvents>(event, state) || ...);
}

}  // namespace

void ApplyOncall(const v1::RecordHeader& header, const google::protobuf::Message& event,
                 v1::OncallState& state) {
  if (const auto* heard = As<v1::OncallHeard>(&event)) return Hear(*heard, state);
  if (const auto* watched = As<v1::DutiesWatched>(&event)) return Watch(*watched, state);
  KeepOfAny<v1::DutyAtRisk, v1::DutyMissed, v1::AlertRaised, v1::AlertPaged, v1::AlertEscalated,
            v1::AlertPageSettled, v1::AlertAcknowledged, v1::AlertSilenced>(event, state);
  const auto* acknowledged = As<v1::AlertAcknowledged>(&event);
  if (acknowledged == nullptr || acknowledged->alert().episode_id().empty()) return;
  v1::WatchedEpisode& episode = EpisodeIn(acknowledged->alert().episode_id(), state);
  const auto change = ChangeOf(episode.case_(), header, event);
  if (change.has_value()) Apply(*change, *episode.mutable_case_());
}

const v1::WatchedEpisode* FindEpisode(const v1::OncallState& state, absl::string_view episode_id) {
  for (const v1::WatchedEpisode& episode : state.episodes()) {
    if (episode.episode_id() == episode_id) return &episode;
  }
  return nullptr;
}

const v1::Alert* FindAlert(const v1::OncallState& state, absl::string_view alert_id) {
  for (const v1::Alert& alert : state.alerts()) {
    if (alert.alert_id() == alert_id) return &alert;
  }
  return nullptr;
}

v1::WatchedDuty WatchedOf(const v1::WatchedEpisode& episode, absl::string_view duty_key) {
  for (const v1::WatchedDuty& duty : episode.duties()) {
    if (duty.duty_key() == duty_key) return duty;
  }
  v1::WatchedDuty none;
  none.set_duty_key(std::string(duty_key));
  return none;
}

bool IsWatched(const v1::WatchedEpisode& episode) {
  // Of one that intake hasn't told of yet, it will.
  return episode.has_next_look_at() || !episode.case_().has_episode() ||
         episode.case_().episode().state() == v1::EPISODE_STATE_MISSING;
}

bool HasReport(const v1::OncallState& state, absl::string_view report_id) {
  for (const v1::WatchedEpisode& episode : state.episodes()) {
    for (const std::string& known : episode.report_ids()) {
      if (known == report_id) return true;
    }
  }
  return false;
}

std::string LookTimer(absl::string_view episode_id) { return absl::StrCat("look/", episode_id); }
std::string LookAgainTimer(absl::string_view episode_id) {
  return absl::StrCat("look-again/", episode_id);
}
std::string JudgeTimer(absl::string_view episode_id) { return absl::StrCat("judge/", episode_id); }
std::string PageTimer(absl::string_view alert_id) { return absl::StrCat("page/", alert_id); }
std::string PageAgainTimer(absl::string_view alert_id) {
  return absl::StrCat("page-again/", alert_id);
}

}  // namespace porchlight
