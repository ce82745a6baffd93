#include "services/notification/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/privacy/disclosure.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

constexpr char kTellAgain[] = "tell-again";
constexpr absl::Duration kTellAgainEvery = absl::Minutes(1);

const v1::Notice* FindNotice(const v1::NotificationState& state, absl::string_view delivery_id) {
  for (const v1::Notice& notice : state.notices()) {
    if (notice.delivery_id() == delivery_id) return &notice;
  }
  return nullptr;
}

bool IsUntold(const v1::NotificationState& state, int kind) {
  return std::find(state.untold().begin(), state.untold().end(), kind) != state.untold().end();
}

absl::string_view Headline(v1::NoticeKind kind) {
  switch (kind) {
    case v1::NOTICE_KIND_SUPPLEMENT:
      return "New facts on a youth missing from care";
    case v1::NOTICE_KIND_RETURN:
      return "A youth missing from care has returned";
    default:
      return "A youth is missing from care";
  }
}

void AddLine(absl::string_view label, absl::string_view value, std::string& text) {
  if (!value.empty()) absl::StrAppend(&text, label, ": ", value, "\n");
}

std::string TimeText(const google::protobuf::Timestamp& time, const absl::TimeZone& zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M %Z", FromProto(time), zone);
}

std::string PacketText(const v1::NoticePacket& packet, const absl::TimeZone& zone) {
  const v1::Episode& episode = packet.episode();
  const v1::YouthFacts& youth = episode.youth();
  std::string text;
  if (packet.exercise()) text += "THIS IS AN EXERCISE. Nobody is missing.\n\n";
  absl::StrAppend(&text, Headline(packet.kind()), ".\n\n");
  AddLine("From", packet.agency_name(), text);
  AddLine("Episode", episode.episode_id(), text);
  AddLine("Known to the agency since", TimeText(episode.received_at(), zone), text);
  text += "\n";
  AddLine("Name",
          absl::StrCat(youth.first_name(), youth.last_name().empty() ? "" : " ", youth.last_name()),
          text);
  AddLine("Is called", youth.preferred_name(), text);
  AddLine("Pronouns", youth.pronouns(), text);
  AddLine("Date of birth", youth.date_of_birth(), text);
  AddLine("Description", youth.physical_description(), text);
  AddLine("Clothing when last seen", youth.clothing(), text);
  AddLine("Risks", youth.endangerment(), text);
  AddLine("Health needs", youth.health(), text);
  text += "\n";
  AddLine("Missing from", episode.placement(), text);
  AddLine("Last seen at", episode.last_seen_place(), text);
  if (episode.has_last_seen_at())
    AddLine("Last seen on", TimeText(episode.last_seen_at(), zone), text);
  AddLine("Circumstances", episode.circumstances(), text);
  AddLine("Reporter", episode.reporter_contact(), text);
  if (episode.has_returned_at())
    AddLine("Returned on", TimeText(episode.returned_at(), zone), text);
  if (!episode.still_unknown().empty() && packet.kind() != v1::NOTICE_KIND_RETURN) {
    text += "\nNot known yet:";
    for (const std::string& name : episode.still_unknown()) absl::StrAppend(&text, " ", name);
    text += "\n";
  }
  absl::StrAppend(&text, "\nNotice ", packet.notice_id(),
                  ". The same notice may arrive twice; its id then is the same.\n");
  return text;
}

}  // namespace

bool NotificationRules::Hears(absl::string_view type) const {
  return type == v1::EpisodeOpened::descriptor()->full_name() ||
         type == v1::EpisodeUpdated::descriptor()->full_name() ||
         type == v1::YouthReturned::descriptor()->full_name();
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
  Decision decision;
  if (const auto* opened = As<v1::EpisodeOpened>(input.payload)) {
    Tell(v1::NOTICE_KIND_MISSING, state, opened->episode(), input, directory, decision);
  } else if (const auto* updated = As<v1::EpisodeUpdated>(input.payload)) {
    if (updated->changed().empty()) return decision;
    Tell(v1::NOTICE_KIND_SUPPLEMENT, state, updated->episode(), input, directory, decision);
  } else if (const auto* returned = As<v1::YouthReturned>(input.payload)) {
    Tell(v1::NOTICE_KIND_RETURN, state, returned->episode(), input, directory, decision);
  } else if (input.kind == v1::INPUT_KIND_TIMER && input.timer_id == kTellAgain) {
    for (const int kind : state.untold()) {
      // Who hears only now that a youth is missing hears the new facts with it.
      if (kind == v1::NOTICE_KIND_SUPPLEMENT && IsUntold(state, v1::NOTICE_KIND_MISSING)) continue;
      Tell(static_cast<v1::NoticeKind>(kind), state, state.episode(), input, directory, decision);
    }
  } else if (input.kind == v1::INPUT_KIND_DELIVERY) {
    const v1::Notice* known = FindNotice(state, input.delivery.delivery_id());
    if (known == nullptr) return decision;
    v1::Notice notice = *known;
    notice.set_state(input.delivery.state());
    notice.set_attempts(input.delivery.attempts());
    *notice.mutable_settled_at() = input.delivery.settled_at();
    NewEvent event{
        .payload = nullptr, .episode_id = notice.episode_id(), .occurred_at = std::nullopt};
    if (input.delivery.state() == v1::DELIVERY_STATE_DELIVERED) {
      auto delivered = std::make_unique<v1::NoticeDelivered>();
      *delivered->mutable_notice() = std::move(notice);
      event.payload = std::move(delivered);
    } else {
      auto failed = std::make_unique<v1::NoticeFailed>();
      *failed->mutable_notice() = std::move(notice);
      event.payload = std::move(failed);
    }
    decision.events.push_back(std::move(event));
  }
  return decision;
}

void NotificationRules::Tell(v1::NoticeKind kind, const v1::NotificationState& state,
                             const v1::Episode& episode, const Input& input,
                             const v1::Directory& directory, Decision& decision) const {
  auto made = std::make_unique<v1::NoticesMade>();
  made->set_kind(kind);
  *made->mutable_episode() = episode;
  for (const v1::Recipient& recipient : directory.recipients()) {
    if (recipient.exercise_only() != episode.exercise()) continue;
    const size_t ordinal =
        static_cast<size_t>(state.notices_size()) + decision.deliveries.size() + 1;
    v1::NoticePacket packet;
    packet.set_notice_id(absl::StrCat(episode.episode_id(), "_n", ordinal));
    packet.set_delivery_id(input.DeliveryIdFor(decision.deliveries.size()));
    packet.set_kind(kind);
    packet.set_agency_name(settings_.agency_name);
    packet.set_exercise(episode.exercise());
    *packet.mutable_made_at() = ToProto(input.now);
    *packet.mutable_episode() = episode;
    KeepOnlyKnowable(recipient.kind(), *packet.mutable_episode());

    v1::Notice& notice = *made->add_notices();
    notice.set_notice_id(packet.notice_id());
    notice.set_delivery_id(packet.delivery_id());
    notice.set_episode_id(episode.episode_id());
    notice.set_kind(kind);
    notice.set_recipient_id(recipient.recipient_id());
    notice.set_recipient_kind(recipient.kind());
    notice.set_channel(recipient.channel());
    notice.set_state(v1::DELIVERY_STATE_PENDING);
    *notice.mutable_made_at() = ToProto(input.now);
    decision.deliveries.push_back({.delivery_id = packet.delivery_id(),
                                   .episode_id = episode.episode_id(),
                                   .recipient = recipient,
                                   .give_up_at = input.now + settings_.give_up_after,
                                   .message = MakeMessage(packet)});
  }
  if (made->notices().empty()) {
    made->set_nobody_to_tell(true);
    v1::Timer timer;
    timer.set_timer_id(kTellAgain);
    *timer.mutable_due_at() = ToProto(input.now + kTellAgainEvery);
    timer.set_episode_id(episode.episode_id());
    timer.set_exercise(episode.exercise());
    timer.set_correlation_id(input.header.correlation_id());
    decision.timers_set = {timer};
    const bool known = IsUntold(state, kind);
    // A try that failed again has nothing new to record but the next one; new facts are kept for
    // it.
    if (known && input.kind == v1::INPUT_KIND_TIMER) return;
  }
  decision.events.push_back({.payload = std::move(made),
                             .episode_id = episode.episode_id(),
                             .occurred_at = std::nullopt});
}

v1::Message NotificationRules::MakeMessage(const v1::NoticePacket& packet) const {
  v1::Message message;
  message.set_subject(
      absl::StrCat(Headline(packet.kind()), " (", packet.episode().episode_id(), ")"));
  message.set_text(PacketText(packet, settings_.time_zone));
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(packet, &json);
  if (printed.ok()) message.set_json(json);
  v1::Attachment& attachment = *message.add_attachments();
  attachment.set_file_name("packet.json");
  attachment.set_media_type("application/json");
  attachment.set_content(json);
  return message;
}

void NotificationRules::Evolve(google::protobuf::Message& message, const Event& event) const {
  auto& state = static_cast<v1::NotificationState&>(message);
  const v1::Notice* settled = nullptr;
  if (const auto* delivered = As<v1::NoticeDelivered>(&event.payload))
    settled = &delivered->notice();
  if (const auto* failed = As<v1::NoticeFailed>(&event.payload)) settled = &failed->notice();
  if (settled != nullptr) {
    for (v1::Notice& notice : *state.mutable_notices()) {
      if (notice.delivery_id() == settled->delivery_id()) notice = *settled;
    }
  }
  if (const auto* made = As<v1::NoticesMade>(&event.payload)) {
    *state.mutable_episode() = made->episode();
    state.set_episode_id(made->episode().episode_id());
    state.mutable_notices()->MergeFrom(made->notices());
    auto& untold = *state.mutable_untold();
    untold.erase(std::remove_if(untold.begin(), untold.end(),
                                [&](int kind) {
                                  return kind == made->kind() ||
                                         (made->kind() == v1::NOTICE_KIND_MISSING &&
                                          kind == v1::NOTICE_KIND_SUPPLEMENT);
                                }),
                 untold.end());
    if (made->nobody_to_tell()) untold.Add(made->kind());
  }
}

bool NotificationRules::Active(const google::protobuf::Message& message) const {
  const auto& state = static_cast<const v1::NotificationState&>(message);
  const bool unsettled = std::any_of(
      state.notices().begin(), state.notices().end(),
      [](const v1::Notice& notice) { return notice.state() != v1::DELIVERY_STATE_DELIVERED; });
  return unsettled || !state.untold().empty() ||
         state.episode().state() == v1::EPISODE_STATE_MISSING;
}

}  // namespace porchlight
