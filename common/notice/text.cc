#include "common/notice/text.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/base/time.h"
#include "common/base/utf8.h"
#include "common/notice/packet.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

// Of one value in a short text.
constexpr size_t kShortValueCharactersMax = 60;

std::string NameOf(const v1::YouthFacts& youth) {
  const absl::string_view between =
      youth.first_name().empty() || youth.last_name().empty() ? "" : " ";
  return absl::StrCat(youth.first_name(), between, youth.last_name());
}

// At most so many characters, of which none is cut in two.
std::string Cut(absl::string_view text, size_t characters_max) {
  constexpr absl::string_view kMark = "...";
  size_t size = 0;
  size_t size_before_mark = 0;
  for (size_t taken = 0; size < text.size(); ++taken) {
    if (taken + kMark.size() == characters_max) size_before_mark = size;
    if (taken == characters_max) return absl::StrCat(text.substr(0, size_before_mark), kMark);
    size += std::max<size_t>(1, Utf8CharacterBytes(text.substr(size)));
  }
  return std::string(text);
}

std::string PlainName(absl::string_view field) {
  if (field == "facts") return "a sighting, contact or other fact";
  return absl::StrReplaceAll(field, {{"_", " "}});
}

class PacketWriter {
 public:
  PacketWriter(const v1::NoticePacket& packet, const absl::TimeZone& zone)
      : packet_(packet), zone_(zone) {}

  void Add(absl::string_view label, absl::string_view value) {
    if (!value.empty()) absl::StrAppend(&text_, label, ": ", value, "\n");
  }
  void Add(absl::string_view label, bool known, const google::protobuf::Timestamp& time) {
    if (known) Add(label, absl::FormatTime("%Y-%m-%d %H:%M %Z", FromProto(time), zone_));
  }
  template <typename... Parts>
  void Say(const Parts&... parts) {
    absl::StrAppend(&text_, parts..., "\n");
  }

  void AddWhy() {
    const v1::Episode& episode = packet_.episode();
    Add("From", packet_.agency_name());
    Add("Episode", episode.episode_id());
    Add("Known to the agency since", episode.has_received_at(), episode.received_at());
    Add("Why you are told", packet_.why());
    Add("Ground", packet_.citation());
    if (!packet_.changed().empty()) {
      Add("New", absl::StrJoin(packet_.changed(), ", ", [](std::string* out, const auto& name) {
            absl::StrAppend(out, PlainName(name));
          }));
    }
  }

  void AddNumbers() {
    Add("Police case number, as told by police", packet_.police_case_number());
    Add("NCIC number, as told by police", packet_.ncic_number());
  }

  // In NCIC's order.
  void AddFields() {
    Say("For the police entry, in NCIC's order:");
    for (const v1::PacketField& field : packet_.fields()) {
      Say(field.code(), "  ", field.label(), ": ",
          field.value().empty() ? field.not_available() : field.value());
    }
  }

  void AddYouth() {
    const v1::YouthFacts& youth = packet_.episode().youth();
    if (packet_.fields().empty()) {
      Add("Name", NameOf(youth));
      Add("Date of birth", youth.date_of_birth());
      Add("Clothing when last seen", youth.clothing());
      Add("Risks", youth.endangerment());
      Add("Health needs", youth.health());
    }
    Add("Is called", youth.preferred_name());
    Add("Pronouns", youth.pronouns());
    Add("Description", youth.physical_description());
    Add("Telephone, accounts, people close to them", youth.contacts());
    Add("Vehicle", youth.vehicle());
    for (const v1::KnownCircumstance& known : packet_.episode().circumstances_known())
      Add("Known", PlainWord(known.circumstance()));
  }

  void AddEpisode() {
    const v1::Episode& episode = packet_.episode();
    Add("Missing from", episode.placement());
    Add("Last seen at", episode.last_seen_place());
    Add("Last seen on", episode.has_last_seen_at(), episode.last_seen_at());
    if (packet_.fields().empty()) Add("Circumstances", episode.circumstances());
    Add("Reporter", episode.reporter_contact());
    for (const v1::AddedFact& fact : episode.facts()) AddFact(fact);
    Add("Returned on", episode.has_returned_at(), episode.returned_at());
    if (episode.recovered_where() != v1::RECOVERED_WHERE_UNSPECIFIED)
      Add("Found", PlainWord(episode.recovered_where()));
    if (episode.close_reason() != v1::CLOSE_REASON_UNSPECIFIED)
      Add("The agency's case ended", PlainWord(episode.close_reason()));
  }

  void AddFact(const v1::AddedFact& fact) {
    std::string line;
    if (fact.has_occurred_at())
      line = absl::FormatTime("%Y-%m-%d %H:%M %Z ", FromProto(fact.occurred_at()), zone_);
    absl::StrAppend(&line, fact.place(), fact.place().empty() || fact.text().empty() ? "" : ": ",
                    fact.text());
    if (!line.empty())
      Add(absl::StrCat("Told since (",
                       fact.kind() == v1::FACT_KIND_UNSPECIFIED ? "fact" : PlainWord(fact.kind()),
                       ")"),
          line);
  }

  void AddWhatToCheck() {
    for (const std::string& oddity : packet_.check_these()) Add("Please check", oddity);
    Add("Consent to show the youth in public", packet_.public_release());
  }

  void AddNotKnown() {
    const auto& names = packet_.episode().still_unknown();
    const bool told = !packet_.fields().empty() || packet_.kind() == v1::NOTICE_KIND_RETURN;
    if (names.empty() || told) return;
    Say();
    Add("Not known yet", absl::StrJoin(names, ", ", [](std::string* out, const auto& name) {
          absl::StrAppend(out, PlainName(name));
        }));
  }

  std::string Take() { return std::move(text_); }

 private:
  const v1::NoticePacket& packet_;
  const absl::TimeZone& zone_;
  std::string text_;
};

// What the recipient is asked to do.
std::string RequestOf(const v1::NoticePacket& packet, v1::RecipientKind kind) {
  if (packet.exercise()) return "This is an exercise: please do nothing but answer.";
  if (kind == v1::RECIPIENT_KIND_LAW_ENFORCEMENT && packet.kind() == v1::NOTICE_KIND_MISSING) {
    return "Please take this as a report of a missing child, enter it in NCIC without waiting, and "
           "tell the agency your case number, the NCIC number and the time of the entry.";
  }
  if (kind == v1::RECIPIENT_KIND_NCMEC && packet.kind() == v1::NOTICE_KIND_MISSING)
    return "Please take this as a report and tell the agency your reference number.";
  const v1::CloseReason ended = packet.episode().close_reason();
  const bool still_missing =
      ended == v1::CLOSE_REASON_AGED_OUT || ended == v1::CLOSE_REASON_COURT_ENDED_CARE;
  if (LooksForTheYouth(kind) && packet.kind() == v1::NOTICE_KIND_CLOSED && still_missing)
    return "The youth is not back: please let every entry stand, and go on looking.";
  return "";
}

absl::string_view Exercise(const v1::NoticePacket& packet) {
  return packet.exercise() ? "THIS IS AN EXERCISE. Nobody is missing.\n\n" : "";
}

}  // namespace

std::string HeadlineOf(const v1::NoticePacket& packet) {
  switch (packet.kind()) {
    case v1::NOTICE_KIND_SUPPLEMENT:
      return "New facts on a youth missing from care";
    case v1::NOTICE_KIND_RETURN:
      return "A youth missing from care has returned";
    case v1::NOTICE_KIND_IDENTIFIED:
      return "A report on a youth in care";
    case v1::NOTICE_KIND_REFUSED:
      return "Please help with the police report of a youth missing from care";
    case v1::NOTICE_KIND_CLOSED:
      return packet.episode().close_reason() == v1::CLOSE_REASON_REPORTED_IN_ERROR
                 ? "A youth reported as missing from care was not missing"
                 : "The agency's case of a youth missing from care has ended";
    case v1::NOTICE_KIND_OTHER:
      return "News of a youth in care";
    default:
      return "A youth is missing from care";
  }
}

std::string TextOf(const v1::NoticePacket& packet, v1::RecipientKind recipient,
                   const absl::TimeZone& zone) {
  PacketWriter writer(packet, zone);
  writer.AddWhy();
  writer.Say();
  writer.AddNumbers();
  if (!packet.fields().empty()) writer.AddFields();
  writer.AddYouth();
  writer.Say();
  writer.AddEpisode();
  writer.AddWhatToCheck();
  writer.AddNotKnown();
  if (const std::string request = RequestOf(packet, recipient); !request.empty())
    writer.Say("\n", request);
  return absl::StrCat(Exercise(packet), HeadlineOf(packet), ".\n\n", writer.Take());
}

std::string ScriptOf(const v1::NoticePacket& packet, const v1::Recipient& recipient,
                     const absl::TimeZone& zone) {
  const std::string name =
      recipient.display_name().empty() ? recipient.recipient_id() : recipient.display_name();
  std::string script = absl::StrCat("Call or open: ", recipient.address(), " (", name, ")\n",
                                    "Say or type:\n\n", TextOf(packet, recipient.kind(), zone));
  absl::StrAppend(&script, "\nAsk for: the name of whom you speak to; their case or reference ",
                  "number; the time.\nThen type it in: porchlight file-proof ",
                  packet.episode().episode_id(), " --about ", packet.notice_id(),
                  " --number NUMBER --told-to NAME --how phone\nIf they won't take it: porchlight ",
                  "refuse ", packet.episode().episode_id(), " --by ", packet.notice_id(),
                  " --reason \"THEIR WORDS\"\n");
  return script;
}

std::string ShortTextOf(const v1::NoticePacket& packet, const absl::TimeZone& zone) {
  const v1::Episode& episode = packet.episode();
  const auto value = [](absl::string_view text) { return Cut(text, kShortValueCharactersMax); };
  std::string text = absl::StrCat(packet.exercise() ? "EXERCISE. " : "", HeadlineOf(packet), ".");
  const std::string called = episode.youth().preferred_name().empty()
                                 ? NameOf(episode.youth())
                                 : episode.youth().preferred_name();
  if (!called.empty()) absl::StrAppend(&text, " ", value(called), ".");
  if (!episode.last_seen_place().empty())
    absl::StrAppend(&text, " Last seen at ", value(episode.last_seen_place()), ".");
  if (packet.has_due_at()) {
    absl::StrAppend(&text, " Agency's deadline ",
                    absl::FormatTime("%Y-%m-%d %H:%M %Z", FromProto(packet.due_at()), zone), ".");
  }
  absl::StrAppend(&text, " Call ", value(packet.agency_name()), " for the full report; say ",
                  packet.notice_id(), ".");
  return Cut(text, kShortTextCharactersMax);
}

}  // namespace porchlight
