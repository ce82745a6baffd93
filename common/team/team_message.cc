#include "common/team/team_message.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/time.h"
#include "common/policy/words.h"
#include "common/privacy/disclosure.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

absl::string_view Headline(v1::TeamMessageKind kind) {
  switch (kind) {
    case v1::TEAM_MESSAGE_KIND_REMINDER:
      return "Please answer: your multidisciplinary team is called together";
    case v1::TEAM_MESSAGE_KIND_ENDED:
      return "This call of your multidisciplinary team has ended; no answer is needed";
    default:
      return "Your multidisciplinary team is called together";
  }
}

std::string Why(v1::PolicyTrigger trigger) {
  switch (trigger) {
    case v1::POLICY_TRIGGER_MISSING:
      return "a youth is missing from care";
    case v1::POLICY_TRIGGER_RETURNED:
      return "a youth who was missing from care has returned";
    case v1::POLICY_TRIGGER_IDENTIFIED:
      return "a person has identified a youth as a victim of sex trafficking";
    default:
      return PlainWord(trigger);
  }
}

void AddLine(absl::string_view label, absl::string_view value, std::string& text) {
  if (!value.empty()) absl::StrAppend(&text, label, ": ", value, "\n");
}

void AddTime(absl::string_view label, bool known, const google::protobuf::Timestamp& time,
             const absl::TimeZone& zone, std::string& text) {
  if (known) AddLine(label, absl::FormatTime("%Y-%m-%d %H:%M %Z", FromProto(time), zone), text);
}

std::string TextOf(const v1::TeamPacket& packet, const absl::TimeZone& zone) {
  const v1::Episode& episode = packet.episode();
  const v1::YouthFacts& youth = episode.youth();
  std::string text;
  if (packet.exercise()) text += "THIS IS AN EXERCISE. It concerns nobody.\n\n";
  absl::StrAppend(&text, Headline(packet.kind()), ".\n\n");
  AddLine("From", packet.agency_name(), text);
  AddLine("Episode", episode.episode_id(), text);
  AddLine("Your seat", packet.role(), text);
  AddTime("To be done by", packet.has_due_at(), packet.due_at(), zone, text);
  AddLine("Why", packet.why(), text);
  AddLine("Ground", packet.citation(), text);
  text += "\n";
  AddLine("Name",
          absl::StrCat(youth.first_name(), youth.last_name().empty() ? "" : " ", youth.last_name()),
          text);
  AddLine("Is called", youth.preferred_name(), text);
  AddLine("Pronouns", youth.pronouns(), text);
  AddLine("Date of birth", youth.date_of_birth(), text);
  AddLine("Description", youth.physical_description(), text);
  AddLine("Risks", youth.endangerment(), text);
  AddLine("Health needs", youth.health(), text);
  AddLine("Placement", episode.placement(), text);
  AddLine("Last seen at", episode.last_seen_place(), text);
  AddTime("Last seen on", episode.has_last_seen_at(), episode.last_seen_at(), zone, text);
  AddLine("Circumstances", episode.circumstances(), text);
  AddLine("Contacts of the youth", youth.contacts(), text);
  AddLine("Reporter", episode.reporter_contact(), text);
  AddTime("Returned on", episode.has_returned_at(), episode.returned_at(), zone, text);
  if (packet.kind() != v1::TEAM_MESSAGE_KIND_ENDED) {
    absl::StrAppend(&text, "\nPlease tell the agency that you have this and whether you can meet. ",
                    "Say the notice's number: ", packet.notice_id(), ".\n");
  }
  absl::StrAppend(&text, "\nNotice ", packet.notice_id(),
                  ". The same message may arrive twice. You see what your seat may know; pass it ",
                  "on to nobody else.\n");
  return text;
}

}  // namespace

v1::Message MakeTeamMessage(const TeamMessageOptions& options, const v1::TeamNotice& notice,
                            const v1::TeamSeatStatus& seat, const v1::Episode& episode,
                            v1::Disclosure& disclosure) {
  v1::TeamPacket packet;
  packet.set_notice_id(notice.notice_id());
  packet.set_delivery_id(disclosure.delivery_id());
  packet.set_kind(options.kind);
  packet.set_role(seat.role());
  packet.set_agency_name(options.agency_name);
  packet.set_exercise(notice.exercise());
  *packet.mutable_made_at() = ToProto(options.made_at);
  if (notice.has_due_at()) *packet.mutable_due_at() = notice.due_at();
  packet.set_why(Why(notice.trigger()));
  packet.set_citation(notice.citation());
  *packet.mutable_episode() = episode;
  KeepOnlyKnowable(seat.kind(), packet, &disclosure);
  disclosure.set_purpose(notice.rule_id());
  disclosure.set_authority(notice.citation());

  v1::Message message;
  message.set_subject(absl::StrCat(Headline(packet.kind()), " (", notice.notice_id(), ")"));
  message.set_text(TextOf(packet, options.time_zone));
  std::string json;
  const auto printed = google::protobuf::util::MessageToJsonString(packet, &json);
  if (printed.ok()) message.set_json(json);
  v1::Attachment& attachment = *message.add_attachments();
  attachment.set_file_name("notice.json");
  attachment.set_media_type("application/json");
  attachment.set_content(json);
  return message;
}

}  // namespace porchlight
