#include "common/oncall/page_message.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/edge/signed_link.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

constexpr size_t kTitleBytesMax = 80;
constexpr size_t kCitationBytesMax = 50;
constexpr size_t kOthersBytesMax = 30;
constexpr absl::Duration kLinkGoodFor = absl::Hours(7 * 24);

// At most so many bytes, without breaking a character.
std::string Cut(absl::string_view text, size_t bytes_max) {
  if (text.size() <= bytes_max) return std::string(text);
  size_t end = bytes_max - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "...");
}

std::string Due(const AlertAbout& about, const absl::TimeZone& zone) {
  if (about.duty == nullptr) return "";
  const std::string law = Cut(about.duty->citation, kCitationBytesMax);
  if (!about.duty->due_at.has_value()) return absl::StrCat(" (", law, ")");
  return absl::StrCat(", due ", absl::FormatTime("%a %e %b %H:%M %Z", *about.duty->due_at, zone),
                      " (", law, ")");
}

// What somebody is woken for, rather than the rule that wakes them.
std::string Happened(const Duty& duty, const absl::TimeZone& zone) {
  std::string what;
  switch (duty.trigger) {
    case v1::POLICY_TRIGGER_MISSING:
      what = "A youth is missing from care";
      break;
    case v1::POLICY_TRIGGER_POLICE_REFUSED:
      what = "Police would not take or enter the report of a youth missing from care";
      break;
    default:
      what = Cut(duty.title, kTitleBytesMax);
  }
  if (!duty.anchor_at.has_value()) return what;
  return absl::StrCat(what, ", known since ",
                      absl::FormatTime("%a %e %b %H:%M %Z", *duty.anchor_at, zone));
}

std::string HowToProve(const AlertAbout& about) {
  if (about.duty == nullptr) return "";
  return absl::StrCat("porchlight file-proof ", about.episode_id, " --about ",
                      about.duty->duty_key);
}

std::string Subject(v1::AlertKind kind) {
  switch (kind) {
    case v1::ALERT_KIND_PAGE:
      return "You are woken";
    case v1::ALERT_KIND_AT_RISK:
      return "Soon due";
    case v1::ALERT_KIND_MISSED:
      return "Overdue";
    case v1::ALERT_KIND_OWNER_SILENT:
      return "Not begun";
    case v1::ALERT_KIND_UNDECIDED:
      return "A report nobody took up";
    case v1::ALERT_KIND_NOT_TOLD:
      return "Nobody was told";
    case v1::ALERT_KIND_TO_CALL:
      return "Please call";
    case v1::ALERT_KIND_WRONG:
      return "A wrong deadline";
    default:
      return "Please look";
  }
}

// Of those paged with this person; ids say nothing about anybody.
std::string Others(const Paging& paging, const std::string& person_id) {
  std::set<std::string> others;
  for (const Paged& one : paging.people) {
    if (one.person_id != person_id) others.insert(one.person_id);
  }
  if (others.empty()) return "";
  return absl::StrCat(" Also paged: ", Cut(absl::StrJoin(others, ", "), kOthersBytesMax), ".");
}

}  // namespace

std::string AlertText(const AlertAbout& about, const absl::TimeZone& zone) {
  const std::string title = about.duty == nullptr ? std::string(about.subject_id)
                                                  : Cut(about.duty->title, kTitleBytesMax);
  const std::string what = absl::StrCat(title, Due(about, zone));
  const std::string prove = HowToProve(about);
  switch (about.kind) {
    case v1::ALERT_KIND_PAGE:
      return absl::StrCat(about.duty == nullptr ? what : Happened(*about.duty, zone),
                          ". Say that you have it, then look: porchlight episode ",
                          about.episode_id);
    case v1::ALERT_KIND_AT_RISK:
      return absl::StrCat("SOON DUE: ", what, ". No proof of it yet. Done? ", prove);
    case v1::ALERT_KIND_MISSED:
      return absl::StrCat("OVERDUE: ", what, ". Have it done now, then: ", prove);
    case v1::ALERT_KIND_OWNER_SILENT:
      return absl::StrCat("NOT BEGUN: ", what, ". The ", about.owner,
                          " service does nothing. Have a person do it, then: ", prove);
    case v1::ALERT_KIND_UNDECIDED:
      return absl::StrCat("A report was accepted and nobody decided it: request record ",
                          about.subject_id,
                          ". Act on it by telephone, and have intake looked after.");
    case v1::ALERT_KIND_NOT_TOLD:
      return absl::StrCat("NOT TOLD: ", what, ". It could not be sent",
                          about.duty == nullptr ? "" : ", or there is nobody to send it to",
                          ". Tell them in another way", prove.empty() ? "" : ", then: ", prove);
    case v1::ALERT_KIND_TO_CALL:
      return absl::StrCat("TO CALL: ", what, ". A person must tell them; `porchlight notices ",
                          about.episode_id, "` has what to say",
                          prove.empty() ? "" : ". Then: ", prove);
    case v1::ALERT_KIND_WRONG:
      return absl::StrCat("WRONG DEADLINE: ", what, ". The ", about.owner,
                          " service says a later time. Keep to this one.");
    default:
      return what;
  }
}

v1::Message MakePage(const PageOptions& options, const v1::Alert& alert, const Paging& paging,
                     const Paged& to) {
  const bool spoken = to.recipient.channel() == v1::CHANNEL_KIND_VOICE;
  const bool short_text = spoken || to.recipient.channel() == v1::CHANNEL_KIND_SMS;
  const std::string episode =
      alert.episode_id().empty() ? "" : absl::StrCat("Episode ", alert.episode_id(), ". ");
  std::string text = absl::StrCat(alert.exercise() ? "THIS IS AN EXERCISE. " : "",
                                  "Porchlight: ", episode, alert.text());
  if (text.back() != '.' && spoken) text += ".";
  text += Others(paging, to.person_id);
  v1::Message message;
  message.set_subject(absl::StrCat(Subject(alert.kind()), " (", alert.alert_id(), ")"));
  const bool wants_answer = alert.kind() != v1::ALERT_KIND_AT_RISK;
  std::string token;
  if (!options.public_url.empty()) {
    token = MakeLink(options.link_key, kAcknowledgePurpose,
                     {.subject_id = alert.alert_id(),
                      .recipient_id = to.person_id,
                      .expires = options.made_at + kLinkGoodFor});
  }
  if (wants_answer && spoken && !token.empty()) {
    message.set_acknowledge_url(absl::StrCat(options.public_url, "/callbacks/voice/", token));
  } else if (wants_answer && !spoken) {
    if (to.recipient.channel() == v1::CHANNEL_KIND_SMS) {
      absl::StrAppend(
          &text, " Answer ACK if you have it",
          token.empty() ? "." : absl::StrCat(", or: ", options.public_url, "/acknowledge/", token));
    } else if (!token.empty()) {
      absl::StrAppend(&text, "\n\nSay that you have it: ", options.public_url, "/acknowledge/",
                      token);
    }
  }
  if (!short_text) {
    absl::StrAppend(&text, "\n\n",
                    wants_answer ? absl::StrCat("Or: porchlight ack ", alert.alert_id(),
                                                " --person ", to.person_id, "\n")
                                 : "",
                    "From ", options.agency_name, ". All of this episode's duties: porchlight ",
                    "duties --episode ", alert.episode_id().empty() ? "ID" : alert.episode_id(),
                    "\nThe same message may arrive twice.\n");
  }
  message.set_text(text);
  if (to.recipient.channel() == v1::CHANNEL_KIND_WEBHOOK) {
    std::string json;
    if (google::protobuf::util::MessageToJsonString(message, &json).ok()) message.set_json(json);
  }
  return message;
}

}  // namespace porchlight
