#include "tests/support/oncall_desk.h"

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/policy/words.h"
#include "tests/support/directory.h"

namespace porchlight {

v1::PolicyRule DeskRule(const std::string& rule_id, v1::PolicyTrigger trigger,
                        v1::DutyAction action, uint32_t due_minutes, v1::EvidenceKind proved_by) {
  v1::PolicyRule rule;
  rule.set_rule_id(rule_id);
  rule.set_title(absl::StrCat("Do ", rule_id));
  rule.set_citation("Example Code 1");
  rule.set_trigger(trigger);
  rule.set_action(action);
  v1::PolicyLimit& due = *rule.add_due();
  due.mutable_window()->set_unit(v1::WINDOW_UNIT_MINUTES);
  due.mutable_window()->set_count(due_minutes);
  due.add_from()->set_anchor(v1::POLICY_ANCHOR_RECEIVED);
  rule.add_proved_by(proved_by);
  if (trigger == v1::POLICY_TRIGGER_MISSING) rule.add_ends_when(v1::POLICY_TRIGGER_RETURNED);
  return rule;
}

v1::PolicyPack DeskPack(const std::vector<v1::PolicyRule>& rules) {
  v1::PolicyPack pack;
  pack.set_pack_id("us");
  pack.set_jurisdiction("us");
  pack.set_time_zone("America/Chicago");
  pack.set_immediately_minutes(30);
  pack.set_business_day_ends_minute(17 * 60);
  pack.set_content_hash("hash-of-the-pack");
  for (const v1::PolicyRule& rule : rules) *pack.add_rules() = rule;
  return pack;
}

v1::Directory DeskDirectory(const std::vector<v1::PolicyRule>& rules) {
  v1::Directory directory =
      DirectoryOf(TestRota("supervisor", {{TestShift({"first"}, "2026-01-05", 7, 480)},
                                          {TestShift({"second"}, "2026-01-05", 7, 480)}}));
  *directory.add_recipients() = TestWayOf("first");
  *directory.add_recipients() = TestWayOf("second");
  *directory.add_packs() = DeskPack(rules);
  return directory;
}

OncallDesk::OncallDesk(v1::Directory with)
    : directory(std::move(with)),
      rules({.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}) {}

v1::Episode OncallDesk::Robin(v1::EpisodeState as) const {
  v1::Episode episode;
  episode.set_episode_id(kDeskEpisode);
  episode.set_youth_id("youth-1");
  episode.set_state(as);
  episode.set_exercise(exercise);
  episode.set_jurisdiction(jurisdiction);
  episode.mutable_youth()->set_first_name("first-marker");
  episode.mutable_youth()->set_last_name("last-marker");
  *episode.mutable_received_at() = ToProto(now);
  if (as == v1::EPISODE_STATE_RETURNED) *episode.mutable_return_received_at() = ToProto(now);
  return episode;
}

Decision OncallDesk::Opened() {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = Robin();
  opened.mutable_episode()->add_report_ids("report-1");
  return Hear(opened);
}

Decision OncallDesk::Returned() {
  v1::YouthReturned returned;
  *returned.mutable_episode() = Robin(v1::EPISODE_STATE_RETURNED);
  return Hear(returned);
}

Decision OncallDesk::Hear(const google::protobuf::Message& event) {
  Input input;
  input.kind = v1::INPUT_KIND_EVENT;
  input.payload = &event;
  input.header.set_episode_id(kDeskEpisode);
  return Decide(std::move(input));
}

Decision OncallDesk::HearReport(const std::string& record_id) {
  const v1::ReportMissingRequest request;
  Input input;
  input.kind = v1::INPUT_KIND_EVENT;
  input.payload = &request;
  input.header.set_record_id(record_id);
  return Decide(std::move(input));
}

Decision OncallDesk::Proved(const std::string& duty_key, v1::EvidenceKind kind) {
  v1::ProofFiled filed;
  filed.mutable_filing()->set_filing_id("filing-1");
  filed.mutable_filing()->add_duty_keys(duty_key);
  filed.mutable_filing()->set_kind(kind);
  *filed.mutable_filing()->mutable_done_at() = ToProto(now);
  *filed.mutable_filing()->mutable_received_at() = ToProto(now);
  return Hear(filed);
}

Decision OncallDesk::Begun(const std::string& duty_key) {
  v1::NoticesMade made;
  v1::Notice& notice = *made.add_notices();
  notice.set_notice_id(absl::StrCat("notice-of-", duty_key));
  notice.add_duty_keys(duty_key);
  return Hear(made);
}

Decision OncallDesk::Acknowledge(const std::string& alert_id, const std::string& person_id,
                                 v1::ReachedBy how) {
  v1::AcknowledgeAlertRequest request;
  request.set_request_id("request-1");
  request.set_alert_id(alert_id);
  request.set_person_id(person_id);
  request.set_how(how);
  Input input;
  input.kind = v1::INPUT_KIND_COMMAND;
  input.payload = &request;
  return Decide(std::move(input));
}

Decision OncallDesk::LookAgain() {
  v1::LookAgainRequest request;
  request.set_request_id("request-2");
  Input input;
  input.kind = v1::INPUT_KIND_COMMAND;
  input.payload = &request;
  return Decide(std::move(input));
}

Decision OncallDesk::Settle(const std::string& delivery_id, v1::DeliveryState settled) {
  Input input;
  input.kind = v1::INPUT_KIND_DELIVERY;
  input.delivery.set_delivery_id(delivery_id);
  input.delivery.set_state(settled);
  return Decide(std::move(input));
}

Decision OncallDesk::Decide(Input input) {
  input.input_id = absl::StrCat("input-", ++inputs_);
  input.service = "oncall";
  input.aggregate_id = "youth-1";
  input.header.set_youth_id("youth-1");
  input.header.set_exercise(exercise);
  if (input.header.record_id().empty()) input.header.set_record_id(input.input_id);
  *input.header.mutable_received_at() = ToProto(now);
  input.now = now;
  input.deciding_since = deciding_since_;
  Decision decision = rules.Decide(state, input, directory);
  for (const NewEvent& event : decision.events)
    rules.Evolve(state, {.header = input.header, .payload = *event.payload});
  for (const std::string& timer_id : decision.timers_removed) timers.erase(timer_id);
  for (const v1::Timer& timer : decision.timers_set) timers[timer.timer_id()] = timer;
  for (const NewDelivery& delivery : decision.deliveries) deliveries.push_back(delivery);
  for (const std::string& delivery_id : decision.deliveries_withdrawn)
    withdrawn.push_back(delivery_id);
  return decision;
}

void OncallDesk::FireDue() {
  while (true) {
    const v1::Timer* due = nullptr;
    for (const auto& [timer_id, timer] : timers) {
      if (FromProto(timer.due_at()) > now) continue;
      if (due == nullptr || FromProto(timer.due_at()) < FromProto(due->due_at())) due = &timer;
    }
    if (due == nullptr) return;
    Input input;
    input.kind = v1::INPUT_KIND_TIMER;
    input.timer_id = due->timer_id();
    input.header.set_episode_id(due->episode_id());
    timers.erase(input.timer_id);
    Decide(std::move(input));
  }
}

void OncallDesk::Advance(absl::Duration by) {
  const absl::Time until = now + by;
  while (true) {
    FireDue();
    absl::Time next = absl::InfiniteFuture();
    for (const auto& [timer_id, timer] : timers) next = std::min(next, FromProto(timer.due_at()));
    if (next > until) break;
    now = next;
  }
  now = until;
}

void OncallDesk::SleepThrough(absl::Duration by) {
  now += by;
  FireDue();
}

void OncallDesk::WaitBehindOthers(absl::Duration by) {
  deciding_since_ = now;
  SleepThrough(by);
}

std::vector<std::string> OncallDesk::TakePages() {
  std::vector<std::string> lines;
  for (; pages_seen_ < deliveries.size(); ++pages_seen_) {
    const NewDelivery& delivery = deliveries[pages_seen_];
    const std::string& subject = delivery.message.subject();
    lines.push_back(absl::StrCat(delivery.recipient.recipient_id(), ": ",
                                 subject.substr(0, subject.find(" ("))));
  }
  return lines;
}

std::vector<std::string> OncallDesk::Open() const {
  std::vector<std::string> lines;
  for (const v1::Alert& alert : state.alerts()) {
    if (alert.state() != v1::ALERT_STATE_OPEN) continue;
    lines.push_back(absl::StrCat(WordOf(alert.kind()), " ",
                                 alert.duty_key().empty() ? alert.subject_id() : alert.duty_key()));
  }
  return lines;
}

}  // namespace porchlight
