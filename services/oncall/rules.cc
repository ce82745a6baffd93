#include "services/oncall/rules.h"

#include <algorithm>
#include <optional>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/oncall/heard.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/page_message.h"
#include "common/oncall/paging.h"
#include "common/oncall/watch.h"
#include "common/policy/in_force.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {
namespace {

// A timer that fires later than this, and was due while nobody decided: much may have happened
// since, and that is heard first. One that only had to wait for very many others is not put off.
constexpr absl::Duration kLateAfter = absl::Seconds(5);
constexpr absl::Duration kHearFirst = absl::Seconds(2);
constexpr absl::Duration kJudgeAfter = absl::Minutes(1);
constexpr absl::Duration kOwnerMayDiffer = absl::Seconds(1);

// What one input leads to, on the state that it finds.
class Watcher {
 public:
  Watcher(const v1::OncallState& state, const Input& input, const v1::Directory& directory,
          const OncallSettings& settings)
      : alarm_(state, input, directory, settings), input_(input), directory_(directory) {}

  Decision Hear() {
    const std::string& episode_id = input_.header.episode_id();
    if (episode_id.empty()) return {};
    Told told = ReadTold(input_.header, *input_.payload);
    const v1::WatchedEpisode* known = FindEpisode(alarm_.state(), episode_id);
    v1::OncallHeard heard;
    heard.set_episode_id(episode_id);
    const v1::CaseState none;
    const auto change =
        ChangeOf(known == nullptr ? none : known->case_(), input_.header, *input_.payload);
    if (change.has_value()) *heard.mutable_change() = *change;
    std::set<std::string> seen;
    for (std::string& report_id : told.report_ids) {
      if (!HasReport(alarm_.state(), report_id) && seen.insert(report_id).second)
        heard.add_report_ids(report_id);
    }
    for (std::string& duty_key : told.begun_duty_keys) {
      const bool begun = known != nullptr && WatchedOf(*known, duty_key).owner_begun();
      if (!begun && seen.insert(duty_key).second) heard.add_begun_duty_keys(duty_key);
    }
    if (heard.has_change() || !heard.report_ids().empty() || !heard.begun_duty_keys().empty())
      alarm_.Add(std::move(heard), episode_id);
    alarm_.SetExercise(ExerciseOf(episode_id));
    Compute(episode_id);
    SilenceTold(told);
    CompareOwner(episode_id, told);
    Look(episode_id);
    for (const v1::Notice& notice : told.failed) RaiseOf(v1::ALERT_KIND_NOT_TOLD, notice);
    for (const v1::Notice& notice : told.to_call) RaiseOf(v1::ALERT_KIND_TO_CALL, notice);
    for (const std::string& duty_key : told.untold_duty_keys)
      RaiseUnlessOver(v1::ALERT_KIND_NOT_TOLD, episode_id, duty_key, "");
    return alarm_.Take();
  }

  // Of a report that is old enough to have been decided.
  Decision HearReport() {
    if (HasReport(alarm_.state(), input_.header.record_id())) return {};
    alarm_.SetExercise(input_.header.exercise());
    alarm_.Raise({.kind = v1::ALERT_KIND_UNDECIDED, .subject_id = input_.header.record_id()});
    return alarm_.Take();
  }

  Decision OnTimer() {
    absl::string_view id = input_.timer_id;
    const std::string& episode_id = input_.header.episode_id();
    alarm_.SetExercise(input_.header.exercise());
    if (absl::StartsWith(id, LookTimer(""))) {
      const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
      if (episode != nullptr && IsLate(episode->has_next_look_at(), episode->next_look_at())) {
        alarm_.SetTimer(LookAgainTimer(episode_id), input_.now + kHearFirst, episode_id);
      } else {
        LookAt(episode_id);
      }
    } else if (absl::StartsWith(id, LookAgainTimer(""))) {
      LookAt(episode_id);
    } else if (absl::StartsWith(id, JudgeTimer(""))) {
      Compute(episode_id);
      Judge(episode_id);
    } else if (absl::ConsumePrefix(&id, PageTimer(""))) {
      const v1::Alert* alert = FindAlert(alarm_.state(), id);
      if (alert != nullptr && IsLate(alert->has_next_page_at(), alert->next_page_at())) {
        alarm_.SetTimer(PageAgainTimer(id), input_.now + kHearFirst, episode_id);
      } else {
        alarm_.PageNext(id);
      }
    } else if (absl::ConsumePrefix(&id, PageAgainTimer(""))) {
      alarm_.PageNext(id);
    }
    return alarm_.Take();
  }

  Decision OnDelivery() {
    for (v1::Alert alert : alarm_.state().alerts()) {
      for (v1::AlertPage& page : *alert.mutable_pages()) {
        if (page.delivery_id() != input_.delivery.delivery_id()) continue;
        page.set_state(input_.delivery.state());
        alarm_.SetExercise(alert.exercise());
        v1::AlertPageSettled settled;
        settled.set_delivery_id(page.delivery_id());
        *settled.mutable_alert() = std::move(alert);
        alarm_.Add(std::move(settled), input_.delivery.episode_id());
        return alarm_.Take();
      }
    }
    return {};
  }

  Decision Acknowledge(const v1::AcknowledgeAlertRequest& request) {
    const v1::Alert* known = FindAlert(alarm_.state(), request.alert_id());
    if (known == nullptr) {
      alarm_.decision().refusal = absl::NotFoundError(
          "there is no such alert; `porchlight oncall alerts` lists those that are open");
      return alarm_.Take();
    }
    const bool understood = v1::ReachedBy_IsValid(request.how()) &&
                            request.how() != v1::REACHED_BY_UNSPECIFIED &&
                            request.how() != v1::REACHED_BY_SYSTEM;
    if (!understood) {
      alarm_.decision().refusal = absl::InvalidArgumentError(
          "how is missing: say how the person answered, such as by phone or in person");
      return alarm_.Take();
    }
    const v1::Alert before = *known;
    alarm_.SetExercise(before.exercise());
    auto reply = std::make_unique<v1::AcknowledgeAlertReply>();
    reply->set_request_id(request.request_id());
    Warn(before, request.person_id(), *reply);
    v1::AlertAnswer answer;
    answer.set_person_id(request.person_id());
    answer.set_how(request.how());
    *answer.mutable_answered_at() = input_.header.received_at();
    *reply->mutable_alert() = alarm_.TakeAnswer(before, std::move(answer));
    alarm_.decision().reply = std::move(reply);
    if (before.state() == v1::ALERT_STATE_OPEN) LookAt(before.episode_id());
    return alarm_.Take();
  }

  // Sets the timers that there should be; each decides by itself when it fires.
  Decision LookAgain(const v1::LookAgainRequest& request) {
    for (const v1::WatchedEpisode& episode : alarm_.state().episodes()) {
      if (!IsWatched(episode) || !episode.case_().has_episode()) continue;
      alarm_.SetExercise(ExerciseOf(episode.episode_id()));
      alarm_.SetTimer(LookAgainTimer(episode.episode_id()), input_.now, episode.episode_id());
    }
    for (const v1::Alert& alert : alarm_.state().alerts()) {
      if (alert.state() != v1::ALERT_STATE_OPEN || !alert.has_next_page_at()) continue;
      alarm_.SetExercise(alert.exercise());
      const absl::Time next = FromProto(alert.next_page_at());
      const std::string timer_id =
          next > input_.now ? PageTimer(alert.alert_id()) : PageAgainTimer(alert.alert_id());
      alarm_.SetTimer(timer_id, std::max(next, input_.now), alert.episode_id());
    }
    auto reply = std::make_unique<v1::LookAgainReply>();
    reply->set_request_id(request.request_id());
    alarm_.decision().reply = std::move(reply);
    return alarm_.Take();
  }

 private:
  bool IsLate(bool has_due, const google::protobuf::Timestamp& due) const {
    return has_due && FromProto(due) + kLateAfter < input_.now &&
           FromProto(due) < input_.deciding_since;
  }

  bool ExerciseOf(const std::string& episode_id) const {
    const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
    return episode != nullptr && episode->case_().has_episode()
               ? episode->case_().episode().exercise()
               : input_.header.exercise();
  }

  // All that policy has for the episode by now; nothing before intake told of it.
  void Compute(const std::string& episode_id) {
    duties_.clear();
    const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
    if (episode == nullptr || !episode->case_().has_episode()) return;
    const v1::PolicyPack& pack =
        PolicyPackFor(directory_, episode->case_().episode().jurisdiction());
    alarm_.decision().policy_hash = pack.content_hash();
    duties_ = DutiesOf(episode->case_(), pack, input_.now);
  }

  void LookAt(const std::string& episode_id) {
    Compute(episode_id);
    Look(episode_id);
  }

  void Look(const std::string& episode_id) {
    const v1::WatchedEpisode* found = FindEpisode(alarm_.state(), episode_id);
    if (found == nullptr || !found->case_().has_episode()) return;
    SilenceOver(episode_id);
    const v1::WatchedEpisode& episode = *found;  // until something of it is added
    v1::DutiesWatched watched;
    watched.set_episode_id(episode_id);
    std::vector<std::pair<v1::AlertKind, const Duty*>> to_raise;
    absl::Time next = absl::InfiniteFuture();
    for (const Duty& duty : duties_) {
      const v1::WatchedDuty before = WatchedOf(episode, duty.duty_key);
      const DutyWatch watch = WatchDuty(duty, duties_, before, episode.case_(), input_.now);
      next = std::min(next, watch.next);
      for (v1::AlertKind kind : watch.alerts) to_raise.emplace_back(kind, &duty);
      if (!Changed(episode, before, watch.after)) continue;
      *watched.add_duties() = watch.after;
    }
    const bool due = next != absl::InfiniteFuture();
    if (due) *watched.mutable_next_look_at() = ToProto(next);
    const bool moved =
        watched.next_look_at().SerializeAsString() != episode.next_look_at().SerializeAsString() ||
        due != episode.has_next_look_at();
    if (!watched.duties().empty() || moved) alarm_.Add(std::move(watched), episode_id);
    if (due && (moved || input_.kind == v1::INPUT_KIND_TIMER))
      alarm_.SetTimer(LookTimer(episode_id), next, episode_id);
    if (!due && moved) alarm_.RemoveTimer(LookTimer(episode_id));
    for (const auto& [kind, duty] : to_raise) Raise(kind, episode_id, *duty);
  }

  static bool Changed(const v1::WatchedEpisode& episode, const v1::WatchedDuty& before,
                      const v1::WatchedDuty& after) {
    if (after.over()) {
      return std::any_of(episode.duties().begin(), episode.duties().end(),
                         [&](const auto& duty) { return duty.duty_key() == after.duty_key(); });
    }
    return before.SerializeAsString() != after.SerializeAsString();
  }

  // Alerts about duties that nobody need meet any more, or whose time has moved.
  void SilenceOver(const std::string& episode_id) {
    const v1::WatchedEpisode& episode = *FindEpisode(alarm_.state(), episode_id);
    std::vector<std::pair<std::string, std::string>> over;
    for (const v1::Alert& alert : alarm_.state().alerts()) {
      if (alert.state() != v1::ALERT_STATE_OPEN || alert.episode_id() != episode_id) continue;
      if (alert.duty_key().empty()) continue;
      const std::string why = WhyOver(alert, episode);
      if (!why.empty()) over.emplace_back(alert.alert_id(), why);
    }
    for (const auto& [alert_id, why] : over) alarm_.Silence(alert_id, why);
  }

  std::string WhyOver(const v1::Alert& alert, const v1::WatchedEpisode& episode) const {
    const Duty* duty = FindDuty(duties_, alert.duty_key());
    // Its owner may know of it before we do.
    const bool expected =
        alert.kind() == v1::ALERT_KIND_NOT_TOLD || alert.kind() == v1::ALERT_KIND_TO_CALL;
    if (duty == nullptr) return expected ? "" : "policy doesn't ask for it any more";
    if (duty->state == v1::DUTY_STATE_MET) return "it was done";
    if (!IsOpen(*duty)) return duty->reason.empty() ? "it ended" : duty->reason;
    const bool moved = duty->due_at.has_value() && *duty->due_at > input_.now;
    if (alert.kind() == v1::ALERT_KIND_MISSED && moved) return "it has a later time now";
    const bool begun = WatchedOf(episode, alert.duty_key()).owner_begun();
    if (alert.kind() == v1::ALERT_KIND_OWNER_SILENT && begun) return "it was begun";
    return "";
  }

  void SilenceTold(const Told& told) {
    const auto has = [](const auto& list, const std::string& id) {
      return !id.empty() && std::find(list.begin(), list.end(), id) != list.end();
    };
    std::vector<std::pair<std::string, std::string>> over;
    for (const v1::Alert& alert : alarm_.state().alerts()) {
      if (alert.state() != v1::ALERT_STATE_OPEN) continue;
      const bool here = alert.episode_id() == input_.header.episode_id();
      if (alert.kind() == v1::ALERT_KIND_UNDECIDED && has(told.report_ids, alert.subject_id())) {
        over.emplace_back(alert.alert_id(), "it was decided");
      } else if (has(told.settled_notice_ids, alert.subject_id())) {
        over.emplace_back(alert.alert_id(), "they were told");
      } else if (here && alert.kind() == v1::ALERT_KIND_NOT_TOLD &&
                 has(told.told_duty_keys, alert.duty_key())) {
        over.emplace_back(alert.alert_id(), "there is somebody to tell, or they were told");
      }
    }
    for (const auto& [alert_id, why] : over) alarm_.Silence(alert_id, why);
  }

  // Notes owners that mean to meet a duty later than policy has it.
  void CompareOwner(const std::string& episode_id, const Told& told) {
    const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
    if (episode == nullptr) return;
    v1::DutiesWatched watched;
    watched.set_episode_id(episode_id);
    if (episode->has_next_look_at()) *watched.mutable_next_look_at() = episode->next_look_at();
    for (const auto& [duty_key, due_at] : told.owner_due) {
      const Duty* duty = FindDuty(duties_, duty_key);
      if (duty != nullptr && !IsOpen(*duty)) continue;
      v1::WatchedDuty kept = WatchedOf(*episode, duty_key);
      const bool later = duty == nullptr || IsLater(due_at, *duty);
      if (!later && !kept.has_owner_due_at()) continue;
      kept.clear_owner_due_at();
      if (later) *kept.mutable_owner_due_at() = ToProto(due_at);
      *watched.add_duties() = std::move(kept);
    }
    if (watched.duties().empty()) return;
    alarm_.Add(std::move(watched), episode_id);
    alarm_.SetTimer(JudgeTimer(episode_id), input_.now + kJudgeAfter, episode_id);
  }

  static bool IsLater(absl::Time owner_due_at, const Duty& duty) {
    return duty.due_at.has_value() && owner_due_at > *duty.due_at + kOwnerMayDiffer;
  }

  void Judge(const std::string& episode_id) {
    const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
    if (episode == nullptr) return;
    v1::DutiesWatched watched;
    watched.set_episode_id(episode_id);
    if (episode->has_next_look_at()) *watched.mutable_next_look_at() = episode->next_look_at();
    std::vector<const Duty*> wrong;
    for (v1::WatchedDuty kept : episode->duties()) {
      if (!kept.has_owner_due_at()) continue;
      const Duty* duty = FindDuty(duties_, kept.duty_key());
      if (duty != nullptr && IsOpen(*duty) && IsLater(FromProto(kept.owner_due_at()), *duty))
        wrong.push_back(duty);
      kept.clear_owner_due_at();
      *watched.add_duties() = std::move(kept);
    }
    if (!watched.duties().empty()) alarm_.Add(std::move(watched), episode_id);
    for (const Duty* duty : wrong) Raise(v1::ALERT_KIND_WRONG, episode_id, *duty);
  }

  // A deadline is said to be wrong, or a duty to be untouched, by the name of who should know it.
  void Raise(v1::AlertKind kind, const std::string& episode_id, const Duty& duty) {
    const v1::WatchedEpisode* episode = FindEpisode(alarm_.state(), episode_id);
    const v1::CaseState none;
    alarm_.Raise(
        {.kind = kind,
         .episode_id = episode_id,
         .duty = &duty,
         .owner = std::string(OwnerOf(duty, episode == nullptr ? none : episode->case_()))});
  }

  void RaiseOf(v1::AlertKind kind, const v1::Notice& notice) {
    RaiseUnlessOver(kind, input_.header.episode_id(),
                    notice.duty_keys().empty() ? "" : notice.duty_keys(0), notice.notice_id());
  }

  void RaiseUnlessOver(v1::AlertKind kind, const std::string& episode_id,
                       const std::string& duty_key, const std::string& subject_id) {
    const Duty* duty = FindDuty(duties_, duty_key);
    if (duty != nullptr && !IsOpen(*duty)) return;
    alarm_.Raise({.kind = kind,
                  .episode_id = episode_id,
                  .duty = duty,
                  .duty_key = duty_key,
                  .subject_id = subject_id});
  }

  void Warn(const v1::Alert& alert, const std::string& person_id,
            v1::AcknowledgeAlertReply& reply) const {
    const bool paged = std::any_of(alert.pages().begin(), alert.pages().end(),
                                   [&](auto& page) { return page.person_id() == person_id; });
    const bool answered =
        std::any_of(alert.answers().begin(), alert.answers().end(),
                    [&](auto& answer) { return answer.person_id() == person_id; });
    if (!paged) {
      reply.add_warnings(KnowsPerson(directory_, person_id)
                             ? "this person was not paged for it; the answer counts all the same"
                             : "the directory knows nobody of this id; the answer counts all the "
                               "same: please check the id");
    }
    if (answered) reply.add_warnings("this person had answered before; the first answer counts");
    if (alert.state() != v1::ALERT_STATE_OPEN) {
      reply.add_warnings(absl::StrCat("it was over before, since ", alert.reason(),
                                      "; the answer is kept, and nothing else follows from it"));
    }
  }

  Alarm alarm_;
  const Input& input_;
  const v1::Directory& directory_;
  // Of the episode that is looked at.
  std::vector<Duty> duties_;
};

}  // namespace

bool OncallRules::Hears(absl::string_view type) const {
  return IsHeardByOncall(type) || type == v1::ReportMissingRequest::descriptor()->full_name();
}

std::string OncallRules::AggregateId(const v1::RecordHeader& header,
                                     const google::protobuf::Message&) const {
  return header.youth_id();
}

std::unique_ptr<google::protobuf::Message> OncallRules::NewState() const {
  return std::make_unique<v1::OncallState>();
}

Decision OncallRules::Decide(const google::protobuf::Message& message, const Input& input,
                             const v1::Directory& directory) const {
  Watcher watcher(static_cast<const v1::OncallState&>(message), input, directory, settings_);
  if (input.kind == v1::INPUT_KIND_TIMER) return watcher.OnTimer();
  if (input.kind == v1::INPUT_KIND_DELIVERY) return watcher.OnDelivery();
  if (As<v1::ReportMissingRequest>(input.payload) != nullptr) return watcher.HearReport();
  if (input.kind == v1::INPUT_KIND_EVENT) return watcher.Hear();
  if (const auto* request = As<v1::AcknowledgeAlertRequest>(input.payload))
    return watcher.Acknowledge(*request);
  if (const auto* request = As<v1::LookAgainRequest>(input.payload))
    return watcher.LookAgain(*request);
  return {};
}

void OncallRules::Evolve(google::protobuf::Message& message, const Event& event) const {
  ApplyOncall(event.header, event.payload, static_cast<v1::OncallState&>(message));
}

bool OncallRules::Active(const google::protobuf::Message& message) const {
  const auto& state = static_cast<const v1::OncallState&>(message);
  return std::any_of(state.episodes().begin(), state.episodes().end(), IsWatched) ||
         std::any_of(state.alerts().begin(), state.alerts().end(),
                     [](const auto& alert) { return alert.state() == v1::ALERT_STATE_OPEN; });
}

}  // namespace porchlight
