#include "services/mdt/rules.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/policy/in_force.h"
#include "common/team/roster.h"
#include "common/team/team_message.h"
#include "common/team/team_state.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

// A clock on a phone may be a little ahead.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);
constexpr char kCall[] = "call";
constexpr absl::string_view kChase = "chase/";
constexpr absl::Duration kCallAgainEvery = absl::Minutes(1);
constexpr uint32_t kChaseAfterMinutesUsual = 60;
// Then somebody must call those who are missing.
constexpr uint32_t kChasesMax = 24;

void End(v1::TeamNoticeState state, const google::protobuf::Timestamp& at, v1::TeamNotice& notice) {
  notice.set_state(state);
  notice.clear_next_chase_at();
  *notice.mutable_ended_at() = at;
}

Decision Refuse(absl::Status why) {
  Decision decision;
  decision.refusal = std::move(why);
  return decision;
}

// One input, on the state that it finds.
class Coordinator {
 public:
  Coordinator(const v1::MdtState& state, const Input& input, const v1::Directory& directory,
              const MdtSettings& settings)
      : state_(state),
        input_(input),
        directory_(directory),
        settings_(settings),
        now_(ToProto(input.now)) {
    state_.set_episode_id(input.aggregate_id);
  }

  Decision HearEpisode(const v1::Episode& episode, std::optional<v1::TeamTrigger> trigger) {
    v1::TeamCaseHeard heard;
    const bool same = state_.episode().SerializeAsString() == episode.SerializeAsString();
    if (same && !trigger.has_value()) return {};
    if (!same) *heard.mutable_episode() = episode;
    if (trigger.has_value()) *heard.mutable_trigger() = *trigger;
    return Hear(std::move(heard));
  }

  Decision Hear(v1::TeamCaseHeard heard) {
    Add(std::move(heard));
    Follow();
    return Done();
  }

  Decision OnTimer() {
    if (absl::StartsWith(input_.timer_id, kChase)) {
      const v1::TeamNotice* notice = FindNotice(state_, input_.timer_id.substr(kChase.size()));
      if (notice != nullptr && notice->state() == v1::TEAM_NOTICE_STATE_OPEN) Chase(*notice);
    } else {
      Follow();
    }
    return Done();
  }

  Decision OnDelivery() {
    for (v1::TeamNotice notice : state_.notices()) {
      for (v1::TeamSeatStatus& seat : *notice.mutable_seats()) {
        for (v1::TeamDelivery& delivery : *seat.mutable_deliveries()) {
          if (delivery.delivery_id() != input_.delivery.delivery_id()) continue;
          delivery.set_state(input_.delivery.state());
          *delivery.mutable_settled_at() = input_.delivery.settled_at();
          v1::TeamDeliverySettled settled;
          settled.set_delivery_id(delivery.delivery_id());
          *settled.mutable_notice() = std::move(notice);
          Add(std::move(settled));
          return Done();
        }
      }
    }
    return {};
  }

  Decision Acknowledge(const v1::AcknowledgeTeamNoticeRequest& request) {
    const v1::TeamNotice* known = FindNotice(state_, request.notice_id());
    if (known == nullptr) {
      return Refuse(absl::NotFoundError(
          "there is no such notice to a team; `porchlight mdt list` lists those that are open"));
    }
    v1::TeamNotice notice = *known;
    v1::TeamSeatStatus* seat = FindSeat(request.seat_or_member(), notice);
    if (seat == nullptr) return Refuse(NoSuchSeat(notice));
    const bool understood = v1::ReachedBy_IsValid(request.how()) &&
                            request.how() != v1::REACHED_BY_UNSPECIFIED &&
                            request.how() != v1::REACHED_BY_SYSTEM;
    if (!understood) {
      return Refuse(absl::InvalidArgumentError(
          "how is missing: say how the member answered, such as by phone or in person"));
    }
    const auto at = When("answered_at", request.has_answered_at(), request.answered_at());
    if (!at.ok()) return Refuse(at.status());
    v1::TeamMemberAnswered answered;
    v1::TeamAnswer& answer = *answered.mutable_answer();
    if (request.seat_or_member() != seat->role()) answer.set_member_id(request.seat_or_member());
    answer.set_how(request.how());
    *answer.mutable_answered_at() = ToProto(*at);
    answered.set_role(seat->role());
    Warn(*at < FromProto(notice.made_at()),
         "answered_at is before the team was called: please check the time");
    Warn(seat->has_answer(), "this seat had answered before; its first answer counts");
    Warn(notice.state() != v1::TEAM_NOTICE_STATE_OPEN,
         "this call had ended before; the answer is kept, and nothing else follows from it");
    if (!seat->has_answer()) *seat->mutable_answer() = answer;
    *answered.mutable_notice() = notice;
    Add(std::move(answered), *at);
    if (notice.state() == v1::TEAM_NOTICE_STATE_OPEN && EnoughAnswered(notice)) {
      End(v1::TEAM_NOTICE_STATE_COMPLETE, now_, notice);
      *notice.mutable_informed_at() = now_;
      StopChasing(notice);
      v1::TeamComplete complete;
      *complete.mutable_notice() = notice;
      Add(std::move(complete));
    }
    *reply_.add_notices() = std::move(notice);
    return Answered(request.request_id());
  }

  Decision Meet(const v1::RecordMeetingRequest& request) {
    if (!state_.has_episode()) {
      return Refuse(
          absl::NotFoundError("there is no such episode; `porchlight episodes --all` lists them"));
    }
    v1::MeetingRecorded recorded;
    v1::TeamMeeting& meeting = *recorded.mutable_meeting();
    meeting = request.meeting();
    if (meeting.coordinator_id().empty()) {
      return Refuse(absl::InvalidArgumentError(
          "coordinator_id is missing: give the worker id of who led the meeting"));
    }
    if (meeting.youth_voice() == v1::YOUTH_VOICE_UNSPECIFIED ||
        !v1::YouthVoice_IsValid(meeting.youth_voice())) {
      return Refuse(absl::InvalidArgumentError(
          "youth_voice is missing: say how the youth's own view came into the meeting, or that it "
          "could not"));
    }
    const auto at = When("held_at", meeting.has_held_at(), meeting.held_at());
    if (!at.ok()) return Refuse(at.status());
    *meeting.mutable_held_at() = ToProto(*at);
    for (v1::TeamNotice notice : state_.notices()) {
      if (notice.state() == v1::TEAM_NOTICE_STATE_ENDED || notice.has_met_at()) continue;
      if (*at < FromProto(notice.made_at())) {
        Warn(true, absl::StrCat("the meeting was before ", notice.notice_id(),
                                " called the team, so that call stays open"));
        continue;
      }
      if (notice.state() == v1::TEAM_NOTICE_STATE_OPEN) {
        End(v1::TEAM_NOTICE_STATE_COMPLETE, meeting.held_at(), notice);
        StopChasing(notice);
      }
      *notice.mutable_met_at() = meeting.held_at();
      *recorded.add_notices() = notice;
      *reply_.add_notices() = std::move(notice);
    }
    Add(std::move(recorded), *at);
    return Answered(request.request_id());
  }

 private:
  // Calls the team for each duty that policy has for it by now, and ends the calls that need no
  // answer any more.
  void Follow() {
    if (!state_.has_episode()) return;  // its triggers are kept until intake tells of it
    const v1::PolicyPack& pack = PolicyPackFor(directory_, state_.episode().jurisdiction());
    decision_.policy_hash = pack.content_hash();
    for (const Duty& duty : DutiesOf(pack, FactsOf(state_, input_.now))) {
      const bool ours = duty.action == v1::DUTY_ACTION_TEAM &&
                        (duty.recipient == v1::RECIPIENT_KIND_UNSPECIFIED ||
                         duty.recipient == v1::RECIPIENT_KIND_TEAM_MEMBER);
      if (ours) FollowDuty(duty, pack.content_hash());
    }
    if (call_at_.has_value()) SetTimer(kCall, *call_at_);
  }

  void FollowDuty(const Duty& duty, const std::string& policy_hash) {
    const bool back = FindTrigger(state_, v1::POLICY_TRIGGER_RETURNED) != nullptr;
    const bool over = duty.trigger == v1::POLICY_TRIGGER_MISSING && back;
    const bool wanted =
        !over && (duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING);
    if (const v1::TeamNotice* known = NoticeOfDuty(state_, duty.duty_key)) {
      if (known->state() == v1::TEAM_NOTICE_STATE_OPEN && !wanted) {
        EndCall(*known, over ? "the youth is back" : duty.reason);
      }
      return;
    }
    const auto& without = state_.without_roster();
    const bool tried = std::find(without.begin(), without.end(), duty.duty_key) != without.end();
    if (wanted && duty.start_after.has_value() && *duty.start_after > input_.now) {
      CallAt(*duty.start_after);
    } else if (wanted && !Call(duty, policy_hash)) {
      CallAt(input_.now + kCallAgainEvery);
      if (!tried) AddWithoutRoster(duty.duty_key, false);
    } else if (!wanted && tried) {
      AddWithoutRoster(duty.duty_key, true);
    }
  }

  // False: there is nobody to call.
  bool Call(const Duty& duty, const std::string& policy_hash) {
    const v1::TeamRoster* roster = RosterFor(directory_, state_.episode().jurisdiction());
    if (roster == nullptr) return false;
    v1::TeamNotice notice;
    notice.set_notice_id(absl::StrCat(state_.episode_id(), "_t", state_.notices_size() + 1));
    notice.set_episode_id(state_.episode_id());
    notice.set_duty_key(duty.duty_key);
    notice.set_rule_id(duty.rule_id);
    notice.set_citation(duty.citation);
    notice.set_trigger(duty.trigger);
    if (duty.due_at.has_value()) *notice.mutable_due_at() = ToProto(*duty.due_at);
    notice.set_policy_hash(policy_hash);
    notice.set_roster_id(roster->roster_id());
    SetAnswersNeeded(*roster, notice);
    notice.set_chase_after_minutes(roster->chase_after_minutes() == 0
                                       ? kChaseAfterMinutesUsual
                                       : roster->chase_after_minutes());
    notice.set_state(v1::TEAM_NOTICE_STATE_OPEN);
    *notice.mutable_made_at() = now_;
    notice.set_exercise(state_.episode().exercise());
    const size_t before = decision_.deliveries.size();
    for (const v1::TeamSeat& seat : roster->seats()) {
      v1::TeamSeatStatus& status = *notice.add_seats();
      status.set_role(seat.role());
      status.set_kind(seat.kind());
      status.set_required(seat.required());
      Tell(v1::TEAM_MESSAGE_KIND_CALL, notice, status);
    }
    if (decision_.deliveries.size() == before) return false;
    ChaseLater(notice);
    v1::TeamNotified notified;
    *notified.mutable_notice() = std::move(notice);
    Add(std::move(notified));
    return true;
  }

  void Chase(v1::TeamNotice notice) {
    v1::TeamChased chased;
    notice.set_chases(notice.chases() + 1);
    for (v1::TeamSeatStatus& seat : *notice.mutable_seats()) {
      if (seat.has_answer() || !Counts(notice, seat)) continue;
      if (Tell(v1::TEAM_MESSAGE_KIND_REMINDER, notice, seat)) chased.add_roles(seat.role());
    }
    const bool in_vain = notice.chases() >= kChasesMax;
    notice.clear_next_chase_at();
    if (!in_vain) ChaseLater(notice);
    *chased.mutable_notice() = notice;
    Add(std::move(chased));
    if (!in_vain) return;
    notice.set_reason(absl::StrCat("asked again ", kChasesMax,
                                   " times; somebody must call those who haven't answered"));
    v1::TeamChaseEnded ended;
    *ended.mutable_notice() = std::move(notice);
    Add(std::move(ended));
  }

  void EndCall(v1::TeamNotice notice, const std::string& reason) {
    End(v1::TEAM_NOTICE_STATE_ENDED, now_, notice);
    notice.set_reason(reason);
    StopChasing(notice);
    for (v1::TeamSeatStatus& seat : *notice.mutable_seats())
      Tell(v1::TEAM_MESSAGE_KIND_ENDED, notice, seat);
    v1::TeamChaseEnded ended;
    *ended.mutable_notice() = std::move(notice);
    Add(std::move(ended));
  }

  // Sends to each recipient of the seat that this message is for. False: to nobody.
  bool Tell(v1::TeamMessageKind kind, const v1::TeamNotice& notice, v1::TeamSeatStatus& seat) {
    bool told = false;
    for (const v1::Recipient& recipient : RecipientsOf(directory_, notice, seat)) {
      const auto known = std::find_if(
          seat.mutable_deliveries()->begin(), seat.mutable_deliveries()->end(),
          [&](const auto& other) { return other.recipient_id() == recipient.recipient_id(); });
      const bool first = known == seat.mutable_deliveries()->end();
      // Who was never told need not hear that it ended; what is still being tried needs no
      // reminder.
      if (kind == v1::TEAM_MESSAGE_KIND_ENDED && first) continue;
      if (kind == v1::TEAM_MESSAGE_KIND_REMINDER && !first &&
          known->state() == v1::DELIVERY_STATE_PENDING)
        continue;
      v1::TeamDelivery& delivery = first ? *seat.add_deliveries() : *known;
      delivery.set_delivery_id(input_.DeliveryIdFor(decision_.deliveries.size()));
      delivery.set_recipient_id(recipient.recipient_id());
      delivery.set_channel(recipient.channel());
      delivery.set_state(v1::DELIVERY_STATE_PENDING);
      *delivery.mutable_made_at() = now_;
      delivery.clear_settled_at();
      delivery.clear_disclosure();
      v1::Disclosure& disclosure = *delivery.mutable_disclosure();
      disclosure.set_recipient_id(recipient.recipient_id());
      disclosure.set_recipient_kind(seat.kind());
      disclosure.set_delivery_id(delivery.delivery_id());
      decision_.deliveries.push_back(
          {.delivery_id = delivery.delivery_id(),
           .episode_id = state_.episode_id(),
           .recipient = recipient,
           .give_up_at = input_.now + settings_.give_up_after,
           .message = MakeTeamMessage({.kind = kind,
                                       .agency_name = settings_.agency_name,
                                       .time_zone = settings_.time_zone,
                                       .made_at = input_.now},
                                      notice, seat, state_.episode(), disclosure)});
      told = true;
    }
    return told;
  }

  // By its role, or by one of its people.
  v1::TeamSeatStatus* FindSeat(const std::string& asked, v1::TeamNotice& notice) const {
    for (v1::TeamSeatStatus& seat : *notice.mutable_seats()) {
      if (seat.role() == asked) return &seat;
    }
    for (v1::TeamSeatStatus& seat : *notice.mutable_seats()) {
      for (const v1::TeamDelivery& delivery : seat.deliveries()) {
        if (delivery.recipient_id() == asked) return &seat;
      }
    }
    return nullptr;
  }

  static absl::Status NoSuchSeat(const v1::TeamNotice& notice) {
    return absl::NotFoundError(
        absl::StrCat("this team has no such seat or member; its seats are ",
                     absl::StrJoin(notice.seats(), ", ", [](std::string* out, const auto& seat) {
                       absl::StrAppend(out, seat.role());
                     })));
  }

  void ChaseLater(v1::TeamNotice& notice) {
    const absl::Time at = input_.now + absl::Minutes(notice.chase_after_minutes());
    *notice.mutable_next_chase_at() = ToProto(at);
    SetTimer(absl::StrCat(kChase, notice.notice_id()), at);
  }

  void StopChasing(const v1::TeamNotice& notice) {
    decision_.timers_removed.push_back(absl::StrCat(kChase, notice.notice_id()));
  }

  void CallAt(absl::Time at) { call_at_ = std::min(at, call_at_.value_or(at)); }

  void SetTimer(const std::string& timer_id, absl::Time at) {
    v1::Timer timer;
    timer.set_timer_id(timer_id);
    *timer.mutable_due_at() = ToProto(at);
    timer.set_episode_id(state_.episode_id());
    timer.set_exercise(state_.episode().exercise());
    timer.set_correlation_id(input_.header.correlation_id());
    decision_.timers_set.push_back(std::move(timer));
  }

  void AddWithoutRoster(const std::string& duty_key, bool over) {
    v1::TeamWithoutRoster without;
    without.set_duty_key(duty_key);
    without.set_over(over);
    Add(std::move(without));
  }

  // As told, or else when we heard of it.
  absl::StatusOr<absl::Time> When(absl::string_view field, bool told,
                                  const google::protobuf::Timestamp& time) const {
    const absl::Time received = FromProto(input_.header.received_at());
    if (!told) return received;
    if (FromProto(time) <= received + kClockTolerance) return FromProto(time);
    return absl::InvalidArgumentError(
        absl::StrCat(field, " is in the future: check the date and the time zone"));
  }

  void Warn(bool odd, absl::string_view text) {
    if (odd) reply_.add_warnings(std::string(text));
  }

  template <typename Payload>
  void Add(Payload payload, std::optional<absl::Time> occurred_at = std::nullopt) {
    Apply(payload, state_);
    decision_.events.push_back({.payload = std::make_unique<Payload>(std::move(payload)),
                                .episode_id = state_.episode_id(),
                                .occurred_at = occurred_at});
  }

  Decision Answered(const std::string& request_id) {
    reply_.set_request_id(request_id);
    reply_.set_episode_id(state_.episode_id());
    decision_.reply = std::make_unique<v1::TeamNoticeReply>(std::move(reply_));
    return Done();
  }

  Decision Done() {
    if (state_.has_episode()) decision_.exercise = state_.episode().exercise();
    return std::move(decision_);
  }

  v1::MdtState state_;
  const Input& input_;
  const v1::Directory& directory_;
  const MdtSettings& settings_;
  const google::protobuf::Timestamp now_;
  std::optional<absl::Time> call_at_;
  Decision decision_;
  v1::TeamNoticeReply reply_;
};

}  // namespace

bool MdtRules::Hears(absl::string_view type) const {
  return type == v1::EpisodeOpened::descriptor()->full_name() ||
         type == v1::EpisodeUpdated::descriptor()->full_name() ||
         type == v1::YouthReturned::descriptor()->full_name() ||
         type == v1::ScreeningCompleted::descriptor()->full_name() ||
         type == v1::VictimIdentified::descriptor()->full_name();
}

std::string MdtRules::AggregateId(const v1::RecordHeader& header,
                                  const google::protobuf::Message&) const {
  return header.episode_id();
}

std::unique_ptr<google::protobuf::Message> MdtRules::NewState() const {
  return std::make_unique<v1::MdtState>();
}

Decision MdtRules::Decide(const google::protobuf::Message& message, const Input& input,
                          const v1::Directory& directory) const {
  const auto& state = static_cast<const v1::MdtState&>(message);
  Coordinator coordinator(state, input, directory, settings_);
  if (input.kind == v1::INPUT_KIND_TIMER) return coordinator.OnTimer();
  if (input.kind == v1::INPUT_KIND_DELIVERY) return coordinator.OnDelivery();
  if (const auto* opened = As<v1::EpisodeOpened>(input.payload))
    return coordinator.HearEpisode(opened->episode(), std::nullopt);
  if (const auto* updated = As<v1::EpisodeUpdated>(input.payload))
    return coordinator.HearEpisode(updated->episode(), std::nullopt);
  if (const auto* returned = As<v1::YouthReturned>(input.payload)) {
    v1::TeamTrigger trigger;
    trigger.set_trigger(v1::POLICY_TRIGGER_RETURNED);
    *trigger.mutable_received_at() = input.header.received_at();
    if (returned->episode().has_returned_at())
      *trigger.mutable_occurred_at() = returned->episode().returned_at();
    return coordinator.HearEpisode(returned->episode(), trigger);
  }
  if (const auto* completed = As<v1::ScreeningCompleted>(input.payload)) {
    if (completed->result().band() < v1::SCREENING_BAND_POSSIBLE || state.has_risk_known_at())
      return {};
    v1::TeamCaseHeard heard;
    *heard.mutable_risk_known_at() = input.header.received_at();
    return coordinator.Hear(std::move(heard));
  }
  if (const auto* identified = As<v1::VictimIdentified>(input.payload)) {
    v1::TeamCaseHeard heard;
    heard.mutable_trigger()->set_trigger(v1::POLICY_TRIGGER_IDENTIFIED);
    *heard.mutable_trigger()->mutable_received_at() = identified->identification().received_at();
    *heard.mutable_trigger()->mutable_occurred_at() = identified->identification().decided_at();
    return coordinator.Hear(std::move(heard));
  }
  if (const auto* request = As<v1::AcknowledgeTeamNoticeRequest>(input.payload))
    return coordinator.Acknowledge(*request);
  if (const auto* request = As<v1::RecordMeetingRequest>(input.payload))
    return coordinator.Meet(*request);
  return {};
}

void MdtRules::Evolve(google::protobuf::Message& message, const Event& event) const {
  auto& state = static_cast<v1::MdtState&>(message);
  state.set_episode_id(event.header.episode_id());
  Apply(event.payload, state);
}

bool MdtRules::Active(const google::protobuf::Message& message) const {
  const auto& state = static_cast<const v1::MdtState&>(message);
  return !state.without_roster().empty() ||
         std::any_of(state.notices().begin(), state.notices().end(), [](const auto& notice) {
           return notice.state() == v1::TEAM_NOTICE_STATE_OPEN;
         });
}

}  // namespace porchlight
