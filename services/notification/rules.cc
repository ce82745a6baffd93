#include "services/notification/rules.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/directory/directory.h"
#include "common/notice/message.h"
#include "common/notice/notice_state.h"
#include "common/notice/packet.h"
#include "common/notice/plan.h"
#include "common/notice/proof.h"
#include "common/notice/text.h"
#include "common/policy/in_force.h"
#include "common/privacy/disclosure.h"
#include "google/protobuf/util/message_differencer.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

using google::protobuf::util::MessageDifferencer;

// A clock on a phone may be a little ahead.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);
constexpr char kLook[] = "look";
// Where the directory has nobody to tell: until the duty is due; from then on ever more seldom,
// since people were told of it and it may last.
constexpr absl::Duration kTellAgainEvery = absl::Minutes(1);
constexpr absl::Duration kTellAgainLateSoonest = absl::Minutes(10);
constexpr absl::Duration kTellAgainLateLatest = absl::Hours(6);

absl::Duration TellAgainAfter(std::optional<absl::Time> due, absl::Time now) {
  if (!due.has_value() || now < *due) return kTellAgainEvery;
  return std::clamp((now - *due) / 6, kTellAgainLateSoonest, kTellAgainLateLatest);
}

Decision Refuse(absl::Status why) {
  Decision decision;
  decision.refusal = std::move(why);
  return decision;
}

template <typename... Events>
bool IsOneOf(absl::string_view type) {
  return ((type == Events::descriptor()->full_name()) || ...);
}

// The episode as intake has it, where this event came with it.
const v1::Episode* EpisodeOf(const google::protobuf::Message& event) {
  if (const auto* opened = As<v1::EpisodeOpened>(&event)) return &opened->episode();
  if (const auto* updated = As<v1::EpisodeUpdated>(&event)) return &updated->episode();
  if (const auto* returned = As<v1::YouthReturned>(&event)) return &returned->episode();
  if (const auto* closed = As<v1::EpisodeClosed>(&event)) return &closed->episode();
  return nullptr;
}

// One input, on the state that it finds.
class Desk {
 public:
  Desk(const v1::NotificationState& state, const Input& input, const v1::Directory& directory,
       const NotificationSettings& settings)
      : state_(state),
        input_(input),
        header_(input.header),
        directory_(directory),
        settings_(settings) {
    header_.set_record_id(input.input_id);
    header_.set_episode_id(input.aggregate_id);
    if (!header_.has_received_at()) *header_.mutable_received_at() = ToProto(input.now);
  }

  Decision Hear() {
    v1::NotificationHeard heard;
    if (auto change = ChangeOf(state_.case_(), header_, *input_.payload))
      *heard.mutable_change() = *std::move(change);
    const v1::Episode* episode = EpisodeOf(*input_.payload);
    if (episode != nullptr && !MessageDifferencer::Equals(*episode, state_.episode()))
      *heard.mutable_episode() = *episode;
    if (const auto* updated = As<v1::EpisodeUpdated>(input_.payload))
      *heard.mutable_changed() = updated->changed();
    if (!heard.has_change() && !heard.has_episode()) return {};
    Add(std::move(heard));
    Follow();
    return Done();
  }

  Decision OnTimer() {
    Follow();
    return Done();
  }

  Decision OnDelivery() {
    const v1::Notice* known = NoticeOfDelivery(state_, input_.delivery.delivery_id());
    if (known == nullptr) return {};
    v1::Notice notice = *known;
    notice.set_state(input_.delivery.state());
    notice.set_attempts(input_.delivery.attempts());
    *notice.mutable_settled_at() = input_.delivery.settled_at();
    if (notice.state() == v1::DELIVERY_STATE_DELIVERED) {
      v1::NoticeDelivered delivered;
      *delivered.mutable_notice() = std::move(notice);
      Add(std::move(delivered));
      Follow();
    } else {
      v1::NoticeFailed failed;
      *failed.mutable_notice() = std::move(notice);
      Add(std::move(failed));
    }
    return Done();
  }

  Decision File(const v1::FileProofRequest& request) {
    const std::string& about = request.about();
    if (about.empty()) {
      return Refuse(absl::InvalidArgumentError(
          "about is missing: name the duty, rule, notice or recipient that this is a proof for"));
    }
    if (absl::Status how = CheckHow(request.how()); !how.ok()) return Refuse(how);
    const auto at = When("done_at", request.has_done_at(), request.done_at());
    if (!at.ok()) return Refuse(at.status());
    if (!v1::EvidenceKind_IsValid(request.kind())) {
      return Refuse(absl::InvalidArgumentError(
          "kind isn't one that this version knows; leave it out, or name one of the duty's"));
    }
    auto target = TargetOf(about, state_, Duties(), directory_, input_.now);
    if (!target.ok()) return Refuse(target.status());
    const auto kind = KindOfProof(request, *target);
    if (!kind.ok()) return Refuse(kind.status());

    v1::FileProofReply reply;
    for (std::string& warning : WarningsOf(request, *target, *kind, *at, state_))
      reply.add_warnings(std::move(warning));
    v1::ProofFiled filed;
    v1::ProofFiling& filing = *filed.mutable_filing();
    filing.set_filing_id(absl::StrCat(state_.episode_id(), "_f", state_.filings_size() + 1));
    for (const Duty& duty : target->duties) filing.add_duty_keys(duty.duty_key);
    filing.set_kind(*kind);
    filing.set_number(request.number());
    filing.set_told_to(request.told_to());
    filing.set_how(request.how());
    *filing.mutable_done_at() = ToProto(*at);
    *filing.mutable_received_at() = header_.received_at();
    filing.set_text(request.text());
    *filing.mutable_actor() = request.actor();
    filing.set_notice_id(target->notice_id);
    filing.set_recipient_kind(target->recipient);
    for (v1::Notice& notice : ToldByPerson(*target)) {
      notice.set_state(v1::DELIVERY_STATE_DELIVERED);
      *notice.mutable_settled_at() = filing.done_at();
      *filed.add_notices() = std::move(notice);
    }
    *reply.mutable_filing() = filing;
    Add(std::move(filed), *at);
    Follow();
    return Answer(request.request_id(), std::move(reply));
  }

  Decision RecordRefusal(const v1::RecordRefusalRequest& request) {
    if (request.by().empty()) {
      return Refuse(absl::InvalidArgumentError(
          "by is missing: name the notice or the recipient that was refused"));
    }
    if (absl::StripAsciiWhitespace(request.reason()).empty()) {
      return Refuse(absl::InvalidArgumentError(
          "reason is missing: say in their words why they would not take it; who asks next needs "
          "it"));
    }
    const auto at = When("refused_at", request.has_refused_at(), request.refused_at());
    if (!at.ok()) return Refuse(at.status());
    const std::vector<Duty> before = Duties();
    const auto target = TargetOf(request.by(), state_, before, directory_, input_.now);
    if (!target.ok()) return Refuse(target.status());
    if (target->recipient == v1::RECIPIENT_KIND_UNSPECIFIED) {
      return Refuse(absl::InvalidArgumentError(
          "by doesn't name one recipient: give a notice's id, or a recipient's kind or id"));
    }
    v1::NoticeRefused refused;
    v1::NoticeRefusal& refusal = *refused.mutable_refusal();
    refusal.set_recipient_id(target->recipient_id);
    refusal.set_recipient_kind(target->recipient);
    refusal.set_told_by(request.told_by());
    refusal.set_reason(request.reason());
    *refusal.mutable_refused_at() = ToProto(*at);
    *refusal.mutable_received_at() = header_.received_at();
    *refusal.mutable_actor() = request.actor();
    if (std::optional<v1::Notice> notice = NoticeRefusedBy(*target)) {
      notice->set_refused(true);
      refusal.set_notice_id(notice->notice_id());
      refusal.set_recipient_id(notice->recipient_id());
      if (notice->state() == v1::DELIVERY_STATE_PENDING) Withdraw(*notice);
      *refused.add_notices() = *std::move(notice);
    }
    v1::RecordRefusalReply reply;
    *reply.mutable_refusal() = refusal;
    Add(std::move(refused), *at);
    Follow();
    for (std::string& step : BegunSince(before)) reply.add_next_steps(std::move(step));
    return Answer(request.request_id(), std::move(reply));
  }

 private:
  const v1::PolicyPack& Pack() const {
    return PolicyPackFor(directory_, state_.episode().jurisdiction());
  }

  std::vector<Duty> Duties() const { return DutiesToTell(state_, Pack(), input_.now); }

  // Makes the notices that are to be made by now, and sets the time to look again.
  void Follow() {
    if (!state_.has_episode()) return;  // what came before intake's word is kept until it comes
    decision_.policy_hash = Pack().content_hash();
    const std::vector<Duty> duties = Duties();
    const NoticePlan plan = PlanOf(state_, duties, input_.now);
    std::optional<absl::Time> look_at = plan.look_again_at;
    v1::NoticesMade made;
    for (const PlannedNotice& planned : plan.notices) {
      const auto recipients =
          RecipientsFor(directory_, planned.recipient, state_.episode().jurisdiction(),
                        state_.episode().exercise());
      for (const v1::Recipient* recipient : recipients) Tell(planned, *recipient, made);
      if (!recipients.empty()) continue;
      for (const Duty& duty : planned.duties) made.add_untold_duty_keys(duty.duty_key);
      const absl::Time again = input_.now + TellAgainAfter(SoonestDue(planned.duties), input_.now);
      look_at = std::min(look_at.value_or(again), again);
    }
    if (Has(state_.case_(), v1::POLICY_TRIGGER_RETURNED))
      TellOthers(v1::NOTICE_KIND_RETURN, duties, made);
    if (state_.episode().close_reason() == v1::CLOSE_REASON_REPORTED_IN_ERROR)
      TellOthers(v1::NOTICE_KIND_CLOSED, duties, made);
    const bool same_untold =
        std::equal(made.untold_duty_keys().begin(), made.untold_duty_keys().end(),
                   state_.untold_duty_keys().begin(), state_.untold_duty_keys().end());
    if (!made.notices().empty() || !same_untold) Record(std::move(made), std::nullopt);
    LookAgain(look_at);
  }

  // Those who were told that the youth is missing.
  void TellOthers(v1::NoticeKind kind, const std::vector<Duty>& duties, v1::NoticesMade& made) {
    for (const std::string& id : AlsoToTell(state_, duties, kind)) {
      const v1::Recipient* recipient = FindRecipient(directory_, id);
      if (recipient == nullptr || recipient->exercise_only() != state_.episode().exercise())
        continue;
      Tell({.kind = kind, .recipient = recipient->kind(), .duties = {}}, *recipient, made);
    }
  }

  void Tell(const PlannedNotice& planned, const v1::Recipient& recipient, v1::NoticesMade& made) {
    const v1::Episode& episode = state_.episode();
    v1::NoticePacket packet = PacketOf(state_, planned, Pack(),
                                       {.agency_name = settings_.agency_name,
                                        .time_zone = settings_.time_zone,
                                        .made_at = input_.now});
    packet.set_notice_id(absl::StrCat(episode.episode_id(), "_n", state_.notices_size() + 1));
    const bool by_person = recipient.channel() == v1::CHANNEL_KIND_PERSON;
    if (!by_person) packet.set_delivery_id(input_.DeliveryIdFor(decision_.deliveries.size()));

    v1::Notice notice;
    notice.set_notice_id(packet.notice_id());
    notice.set_delivery_id(packet.delivery_id());
    notice.set_episode_id(episode.episode_id());
    notice.set_kind(planned.kind);
    notice.set_recipient_id(recipient.recipient_id());
    notice.set_recipient_kind(recipient.kind());
    notice.set_channel(recipient.channel());
    notice.set_state(v1::DELIVERY_STATE_PENDING);
    *notice.mutable_made_at() = ToProto(input_.now);
    for (const Duty& duty : planned.duties) notice.add_duty_keys(duty.duty_key);
    if (!planned.duties.empty()) {
      notice.set_rule_id(planned.duties.front().rule_id);
      notice.set_citation(planned.duties.front().citation);
    }
    if (packet.has_due_at()) *notice.mutable_due_at() = packet.due_at();
    KeepOnlyKnowable(recipient.kind(), packet, notice.mutable_disclosure());
    SetGround(notice);
    if (by_person) {
      notice.set_script(ScriptOf(packet, recipient, settings_.time_zone));
    } else {
      decision_.deliveries.push_back(
          {.delivery_id = packet.delivery_id(),
           .episode_id = episode.episode_id(),
           .recipient = recipient,
           .give_up_at = input_.now + settings_.give_up_after,
           .message = MessageOf(packet, recipient, settings_.time_zone)});
    }
    *state_.add_notices() = notice;
    *made.add_notices() = std::move(notice);
  }

  static void SetGround(v1::Notice& notice) {
    v1::Disclosure& disclosure = *notice.mutable_disclosure();
    disclosure.set_recipient_id(notice.recipient_id());
    disclosure.set_recipient_kind(notice.recipient_kind());
    disclosure.set_delivery_id(notice.delivery_id());
    disclosure.set_purpose(notice.rule_id());
    disclosure.set_authority(notice.citation());
  }

  void LookAgain(std::optional<absl::Time> at) {
    if (at.has_value()) {
      v1::Timer timer;
      timer.set_timer_id(kLook);
      *timer.mutable_due_at() = ToProto(*at);
      timer.set_episode_id(state_.episode_id());
      timer.set_exercise(state_.episode().exercise());
      timer.set_correlation_id(input_.header.correlation_id());
      decision_.timers_set = {timer};
    } else if (input_.kind != v1::INPUT_KIND_TIMER) {
      decision_.timers_removed = {kLook};
    }
  }

  absl::Status CheckHow(v1::ReachedBy how) const {
    const bool understood = v1::ReachedBy_IsValid(how) && how != v1::REACHED_BY_UNSPECIFIED &&
                            how != v1::REACHED_BY_SYSTEM;
    if (understood) return absl::OkStatus();
    return absl::InvalidArgumentError(
        "how is missing: say how they were told, such as by phone, in person or on the web");
  }

  // As told, or else when we heard of it.
  absl::StatusOr<absl::Time> When(absl::string_view field, bool told,
                                  const google::protobuf::Timestamp& time) const {
    const absl::Time received = FromProto(header_.received_at());
    if (!told) return received;
    if (FromProto(time) <= received + kClockTolerance) return FromProto(time);
    return absl::InvalidArgumentError(absl::StrCat(
        field,
        " is in the future: check the date and the time zone; what is still to come can't "
        "be recorded as done"));
  }

  // Notices that wait for a person and that this proof is for.
  std::vector<v1::Notice> ToldByPerson(const ProofTarget& target) const {
    std::vector<v1::Notice> told;
    for (const v1::Notice& notice : state_.notices()) {
      const bool waits = notice.channel() == v1::CHANNEL_KIND_PERSON &&
                         notice.state() == v1::DELIVERY_STATE_PENDING;
      const bool named = target.notice_id.empty() ? target.recipient_id.empty() ||
                                                        notice.recipient_id() == target.recipient_id
                                                  : notice.notice_id() == target.notice_id;
      const bool no_duty = !target.notice_id.empty() || target.duties.empty();
      const bool meant = no_duty
                             ? notice.recipient_kind() == target.recipient
                             : std::any_of(target.duties.begin(), target.duties.end(),
                                           [&](const Duty& duty) { return Covers(notice, duty); });
      if (waits && named && meant) told.push_back(notice);
    }
    return told;
  }

  // That which was named; or of those to this recipient that aren't refused yet the newest that
  // says the youth is missing, or else the newest.
  std::optional<v1::Notice> NoticeRefusedBy(const ProofTarget& target) const {
    std::optional<v1::Notice> found;
    for (const v1::Notice& notice : state_.notices()) {
      const bool named = target.recipient_id.empty() ? notice.recipient_kind() == target.recipient
                                                     : notice.recipient_id() == target.recipient_id;
      const bool meant = target.notice_id.empty() ? named && !notice.refused()
                                                  : notice.notice_id() == target.notice_id;
      const bool lesser = found.has_value() && found->kind() == v1::NOTICE_KIND_MISSING &&
                          notice.kind() != v1::NOTICE_KIND_MISSING;
      if (meant && !lesser) found = notice;
    }
    return found;
  }

  void Withdraw(v1::Notice& notice) {
    notice.set_state(v1::DELIVERY_STATE_WITHDRAWN);
    *notice.mutable_settled_at() = ToProto(input_.now);
    if (!notice.delivery_id().empty())
      decision_.deliveries_withdrawn.push_back(notice.delivery_id());
  }

  // Titles of duties that a refusal began, or that needn't wait any more.
  std::vector<std::string> BegunSince(const std::vector<Duty>& before) const {
    std::vector<std::string> titles;
    for (const Duty& duty : Duties()) {
      const auto known = std::find_if(before.begin(), before.end(), [&](const Duty& one) {
        return one.duty_key == duty.duty_key;
      });
      const bool open = duty.state == v1::DUTY_STATE_OPEN || duty.state == v1::DUTY_STATE_WAITING;
      const bool begun =
          known == before.end() || (!known->waits_for.empty() && duty.waits_for.empty());
      const bool told = std::find(titles.begin(), titles.end(), duty.title) != titles.end();
      if (open && begun && !told) titles.push_back(duty.title);
    }
    return titles;
  }

  // Puts an event into the decision and into the state.
  template <typename Event>
  void Add(Event event, std::optional<absl::Time> occurred_at = std::nullopt) {
    Apply(header_, event, state_);
    Record(std::move(event), occurred_at);
  }

  template <typename Event>
  void Record(Event event, std::optional<absl::Time> occurred_at) {
    decision_.events.push_back({.payload = std::make_unique<Event>(std::move(event)),
                                .episode_id = state_.episode_id(),
                                .occurred_at = occurred_at});
  }

  Decision Done() {
    if (state_.has_episode()) decision_.exercise = state_.episode().exercise();
    return std::move(decision_);
  }

  template <typename Reply>
  Decision Answer(const std::string& request_id, Reply reply) {
    reply.set_request_id(request_id);
    reply.set_episode_id(state_.episode_id());
    decision_.reply = std::make_unique<Reply>(std::move(reply));
    return Done();
  }

  v1::NotificationState state_;  // as the decision leaves it
  const Input& input_;
  v1::RecordHeader header_;
  const v1::Directory& directory_;
  const NotificationSettings& settings_;
  Decision decision_;
};

}  // namespace

bool NotificationRules::Hears(absl::string_view type) const {
  return IsOneOf<v1::EpisodeOpened, v1::EpisodeUpdated, v1::YouthReturned, v1::EpisodeClosed,
                 v1::ScreeningCompleted, v1::InterviewRecorded, v1::ReturnPhotoRecorded,
                 v1::ExposureRecorded, v1::MedicalOfferRecorded, v1::ScreeningDeferred,
                 v1::VictimIdentified, v1::TeamComplete, v1::MeetingRecorded>(type);
}

std::string NotificationRules::AggregateId(const v1::RecordHeader& header,
                                           const google::protobuf::Message& payload) const {
  if (const auto* replay = As<v1::ReplayDeadLetterRequest>(&payload)) {
    return std::string(AggregateOfDelivery(replay->delivery_id()));
  }
  return header.episode_id();
}

std::unique_ptr<google::protobuf::Message> NotificationRules::NewState() const {
  return std::make_unique<v1::NotificationState>();
}

Decision NotificationRules::Decide(const google::protobuf::Message& message, const Input& input,
                                   const v1::Directory& directory) const {
  const auto& state = static_cast<const v1::NotificationState&>(message);
  Desk desk(state, input, directory, settings_);
  if (input.kind == v1::INPUT_KIND_EVENT) return desk.Hear();
  if (input.kind == v1::INPUT_KIND_TIMER) return desk.OnTimer();
  if (input.kind == v1::INPUT_KIND_DELIVERY) return desk.OnDelivery();
  if (!state.has_episode()) {
    return Refuse(absl::NotFoundError(
        "there is no such episode; `porchlight episodes --all` lists them. One that was opened a "
        "moment ago may not be known here yet: call again."));
  }
  if (const auto* request = As<v1::FileProofRequest>(input.payload)) return desk.File(*request);
  if (const auto* request = As<v1::RecordRefusalRequest>(input.payload))
    return desk.RecordRefusal(*request);
  return {};
}

void NotificationRules::Evolve(google::protobuf::Message& message, const Event& event) const {
  Apply(event.header, event.payload, static_cast<v1::NotificationState&>(message));
}

bool NotificationRules::Active(const google::protobuf::Message& message) const {
  const auto& state = static_cast<const v1::NotificationState&>(message);
  const bool unsettled =
      std::any_of(state.notices().begin(), state.notices().end(), [](const v1::Notice& notice) {
        return notice.state() == v1::DELIVERY_STATE_PENDING ||
               (notice.state() == v1::DELIVERY_STATE_DEAD && !notice.refused());
      });
  return unsettled || !state.untold_duty_keys().empty() ||
         state.episode().state() == v1::EPISODE_STATE_MISSING;
}

}  // namespace porchlight
