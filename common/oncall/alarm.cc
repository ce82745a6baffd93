#include "common/oncall/alarm.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/page_message.h"
#include "common/oncall/paging.h"

namespace porchlight {
namespace {

constexpr absl::Duration kTryAgainEvery = absl::Minutes(1);
constexpr int kPagesKeptMax = 20;
constexpr int kAnswersKeptMax = 50;

bool IsAbout(const v1::Alert& alert, const Cause& cause) {
  const std::string& duty_key = cause.duty == nullptr ? cause.duty_key : cause.duty->duty_key;
  return alert.kind() == cause.kind && alert.episode_id() == cause.episode_id &&
         alert.duty_key() == duty_key && alert.subject_id() == cause.subject_id;
}

}  // namespace

Alarm::Alarm(v1::OncallState state, const Input& input, const v1::Directory& directory,
             const OncallSettings& settings)
    : state_(std::move(state)),
      input_(input),
      directory_(directory),
      settings_(settings),
      now_(ToProto(input.now)),
      exercise_(input.header.exercise()) {}

void Alarm::AddEvent(std::unique_ptr<google::protobuf::Message> payload,
                     const std::string& episode_id) {
  ApplyOncall(input_.header, *payload, state_);
  decision_.events.push_back(
      {.payload = std::move(payload), .episode_id = episode_id, .occurred_at = std::nullopt});
}

void Alarm::SetTimer(const std::string& timer_id, absl::Time at, const std::string& episode_id) {
  v1::Timer timer;
  timer.set_timer_id(timer_id);
  *timer.mutable_due_at() = ToProto(at);
  timer.set_episode_id(episode_id);
  timer.set_exercise(exercise_);
  timer.set_correlation_id(input_.header.correlation_id());
  decision_.timers_set.push_back(std::move(timer));
}

void Alarm::RemoveTimer(std::string timer_id) {
  auto& set = decision_.timers_set;
  set.erase(std::remove_if(set.begin(), set.end(),
                           [&](const v1::Timer& timer) { return timer.timer_id() == timer_id; }),
            set.end());
  decision_.timers_removed.push_back(std::move(timer_id));
}

bool Alarm::IsSaid(const Cause& cause) const {
  // What is told again after a while is told again although somebody had it before.
  const bool repeats = cause.kind == v1::ALERT_KIND_MISSED || cause.kind == v1::ALERT_KIND_AT_RISK;
  return std::any_of(state_.alerts().begin(), state_.alerts().end(), [&](const v1::Alert& alert) {
    if (!IsAbout(alert, cause) || cause.kind == v1::ALERT_KIND_AT_RISK) return false;
    return alert.state() == v1::ALERT_STATE_OPEN ||
           (!repeats && alert.state() == v1::ALERT_STATE_ACKNOWLEDGED);
  });
}

v1::Alert Alarm::Make(const Cause& cause) const {
  v1::Alert alert;
  alert.set_alert_id(absl::StrCat(YouthOf(input_.aggregate_id), "_a", state_.alerts_made() + 1));
  alert.set_episode_id(cause.episode_id);
  alert.set_kind(cause.kind);
  alert.set_state(v1::ALERT_STATE_OPEN);
  alert.set_duty_key(cause.duty_key);
  alert.set_subject_id(cause.subject_id);
  alert.set_role(std::string(kUsualRole));
  if (cause.duty != nullptr) {
    alert.set_duty_key(cause.duty->duty_key);
    alert.set_rule_id(cause.duty->rule_id);
    if (cause.duty->due_at.has_value()) *alert.mutable_due_at() = ToProto(*cause.duty->due_at);
    if (!cause.duty->escalate_to.empty()) alert.set_role(cause.duty->escalate_to);
  }
  *alert.mutable_made_at() = now_;
  alert.set_exercise(exercise_);
  alert.set_text(AlertText({.kind = cause.kind,
                            .episode_id = cause.episode_id,
                            .duty = cause.duty,
                            .owner = cause.owner,
                            .subject_id = cause.subject_id},
                           ZoneOf(directory_, alert.role(), settings_.time_zone)));
  return alert;
}

// One alert about a duty's time is enough: the newest.
void Alarm::SilenceWarnings(const Cause& cause) {
  if (cause.kind != v1::ALERT_KIND_MISSED && cause.kind != v1::ALERT_KIND_AT_RISK) return;
  Cause warning = cause;
  warning.kind = v1::ALERT_KIND_AT_RISK;
  std::vector<std::string> older;
  for (const v1::Alert& alert : state_.alerts()) {
    if (alert.state() == v1::ALERT_STATE_OPEN && IsAbout(alert, warning))
      older.push_back(alert.alert_id());
  }
  for (const std::string& alert_id : older) Silence(alert_id, "a newer alert tells of it");
}

void Alarm::Raise(const Cause& cause) {
  if (IsSaid(cause)) return;
  SilenceWarnings(cause);
  const v1::Alert alert = Make(cause);
  if (cause.kind == v1::ALERT_KIND_AT_RISK) {
    v1::DutyAtRisk at_risk;
    *at_risk.mutable_alert() = alert;
    Add(std::move(at_risk), cause.episode_id);
  } else if (cause.kind == v1::ALERT_KIND_MISSED) {
    v1::DutyMissed missed;
    *missed.mutable_alert() = alert;
    Add(std::move(missed), cause.episode_id);
  } else {
    v1::AlertRaised raised;
    *raised.mutable_alert() = alert;
    Add(std::move(raised), cause.episode_id);
  }
  PageNext(alert.alert_id());
}

void Alarm::PageNext(absl::string_view alert_id) {
  const v1::Alert* known = FindAlert(state_, alert_id);
  if (known == nullptr || known->state() != v1::ALERT_STATE_OPEN) return;
  v1::Alert alert = *known;
  const v1::WatchedEpisode* episode = FindEpisode(state_, alert.episode_id());
  const bool first = alert.pages().empty();
  const std::optional<Paging> paging =
      NextPaging(directory_, alert,
                 episode == nullptr ? "" : episode->case_().episode().jurisdiction(), input_.now);
  absl::Time next = input_.now + kTryAgainEvery;
  if (paging.has_value()) {
    alert.set_level(paging->level);
    alert.set_round(paging->round);
    const PageOptions options{.agency_name = settings_.agency_name,
                              .public_url = settings_.public_url,
                              .link_key = settings_.link_key,
                              .made_at = input_.now};
    for (const Paged& one : paging->people)
      AddPage(one.recipient, one.person_id, MakePage(options, alert, *paging, one), alert);
    ForgetOldPages(alert);
    next = input_.now + paging->again_after;
  }
  // Whom a warning has reached need do nothing, so nobody else need.
  const bool enough = paging.has_value() && alert.kind() == v1::ALERT_KIND_AT_RISK;
  if (paging.has_value() && !enough)
    alert.set_answers_needed(std::max(alert.answers_needed(), paging->answers_needed));
  alert.clear_next_page_at();
  if (!enough) {
    *alert.mutable_next_page_at() = ToProto(next);
    SetTimer(PageTimer(alert.alert_id()), next, alert.episode_id());
  }
  const std::string episode_id = alert.episode_id();
  if (first) {
    v1::AlertPaged paged;
    *paged.mutable_alert() = std::move(alert);
    Add(std::move(paged), episode_id);
  } else {
    v1::AlertEscalated escalated;
    *escalated.mutable_alert() = std::move(alert);
    Add(std::move(escalated), episode_id);
  }
}

void Alarm::AddPage(const v1::Recipient& recipient, const std::string& person_id,
                    v1::Message message, v1::Alert& alert) {
  Withdraw(alert,
           [&](const auto& page) { return page.recipient_id() == recipient.recipient_id(); });
  v1::AlertPage& page = *alert.add_pages();
  page.set_delivery_id(input_.DeliveryIdFor(decision_.deliveries.size()));
  page.set_recipient_id(recipient.recipient_id());
  page.set_person_id(person_id);
  page.set_level(alert.level());
  page.set_round(alert.round());
  page.set_channel(recipient.channel());
  *page.mutable_made_at() = now_;
  page.set_state(v1::DELIVERY_STATE_PENDING);
  decision_.deliveries.push_back({.delivery_id = page.delivery_id(),
                                  .episode_id = alert.episode_id(),
                                  .recipient = recipient,
                                  .give_up_at = input_.now + settings_.give_up_after,
                                  .message = std::move(message)});
}

void Alarm::Withdraw(v1::Alert& alert, absl::FunctionRef<bool(const v1::AlertPage&)> which) {
  for (v1::AlertPage& page : *alert.mutable_pages()) {
    if (page.state() != v1::DELIVERY_STATE_PENDING || !which(page)) continue;
    page.set_state(v1::DELIVERY_STATE_WITHDRAWN);
    decision_.deliveries_withdrawn.push_back(page.delivery_id());
  }
}

void Alarm::ForgetOldPages(v1::Alert& alert) {
  const int too_many = alert.pages_size() - kPagesKeptMax;
  if (too_many <= 0) return;
  int place = 0;
  Withdraw(alert, [&](const auto&) { return place++ < too_many; });
  alert.mutable_pages()->DeleteSubrange(0, too_many);
}

void Alarm::End(v1::AlertState state, const std::string& why, v1::Alert& alert) {
  alert.set_state(state);
  alert.set_reason(why);
  *alert.mutable_ended_at() = now_;
  alert.clear_next_page_at();
  Withdraw(alert, [](const auto&) { return true; });
  RemoveTimer(PageTimer(alert.alert_id()));
  RemoveTimer(PageAgainTimer(alert.alert_id()));
}

void Alarm::Silence(absl::string_view alert_id, const std::string& why) {
  const v1::Alert* known = FindAlert(state_, alert_id);
  if (known == nullptr || known->state() != v1::ALERT_STATE_OPEN) return;
  v1::AlertSilenced silenced;
  *silenced.mutable_alert() = *known;
  End(v1::ALERT_STATE_SILENCED, why, *silenced.mutable_alert());
  const std::string episode_id = silenced.alert().episode_id();
  Add(std::move(silenced), episode_id);
}

v1::Alert Alarm::TakeAnswer(v1::Alert alert, v1::AlertAnswer answer) {
  const bool first =
      std::none_of(alert.answers().begin(), alert.answers().end(),
                   [&](const auto& other) { return other.person_id() == answer.person_id(); });
  if (first && alert.answers_size() < kAnswersKeptMax) *alert.add_answers() = answer;
  if (alert.state() == v1::ALERT_STATE_OPEN) {
    Withdraw(alert, [&](const auto& page) { return page.person_id() == answer.person_id(); });
    if (static_cast<uint32_t>(alert.answers_size()) >= std::max(alert.answers_needed(), 1u))
      End(v1::ALERT_STATE_ACKNOWLEDGED, "somebody has it", alert);
  }
  v1::AlertAcknowledged acknowledged;
  *acknowledged.mutable_alert() = alert;
  *acknowledged.mutable_answer() = std::move(answer);
  Add(std::move(acknowledged), alert.episode_id());
  return alert;
}

Decision Alarm::Take() {
  decision_.exercise = exercise_;
  return std::move(decision_);
}

}  // namespace porchlight
