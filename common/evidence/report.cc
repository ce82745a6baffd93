#include "common/evidence/report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/evidence/words.h"

namespace porchlight {
namespace {

constexpr size_t kColumns = 100;
constexpr size_t kTimelineIndent = 27;  // "2026-01-31 23:59:59 -0600  "

// Words of `text`, broken into lines of at most kColumns; all but the first start after `indent`
// spaces. What comes from the file was escaped before, so no byte of it can move a terminal.
void AppendWrapped(absl::string_view first, size_t indent, absl::string_view text,
                   std::string& out) {
  std::string line(first);
  bool empty = true;
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    while (!word.empty()) {
      size_t room = kColumns - line.size() - (empty ? 0 : 1);
      if (line.size() + (empty ? 0 : 1) + word.size() > kColumns && !empty) {
        absl::StrAppend(&out, line, "\n");
        line.assign(indent, ' ');
        empty = true;
        continue;
      }
      // Not in the middle of a character.
      while (room > 1 && room < word.size() && (word[room] & 0xC0) == 0x80) --room;
      const absl::string_view part = word.substr(0, room);
      absl::StrAppend(&line, empty ? "" : " ", part);
      word.remove_prefix(part.size());
      empty = false;
    }
  }
  absl::StrAppend(&out, line, "\n");
}

void AppendLine(absl::string_view text, std::string& out) { AppendWrapped("", 2, text, out); }

// Ids have no need of escapes; whatever else somebody put there is shown as what it is.
std::string Shown(absl::string_view text) {
  return text.empty() ? "(not told)" : absl::StrReplaceAll(absl::CHexEscape(text), {{" ", "_"}});
}

// "LAW_ENFORCEMENT" as "law enforcement".
std::string Plain(absl::string_view enum_name, absl::string_view prefix) {
  std::string word = absl::AsciiStrToLower(enum_name.substr(prefix.size()));
  return absl::StrReplaceAll(word, {{"_", " "}});
}

template <typename Enum>
std::string PlainEnum(Enum value, const std::string& (*name)(Enum), absl::string_view prefix) {
  const std::string& text = name(value);
  return absl::StartsWith(text, prefix) ? Plain(text, prefix)
                                        : absl::StrCat("kind ", static_cast<int>(value));
}

std::string Recipient(const TimelineEntry& entry) {
  return absl::StrCat(
      PlainEnum<v1::RecipientKind>(entry.recipient_kind, v1::RecipientKind_Name, "RECIPIENT_KIND_"),
      " ", Shown(entry.recipient_id), " by ",
      PlainEnum<v1::ChannelKind>(entry.channel, v1::ChannelKind_Name, "CHANNEL_KIND_"));
}

std::string AnswerOf(const TimelineEntry& entry) {
  std::string text;
  switch (entry.answer) {
    case v1::DELIVERY_ANSWER_ACCEPTED:
      text = "the far end accepted it";
      break;
    case v1::DELIVERY_ANSWER_RETRY:
      text = "a failure that may pass";
      break;
    case v1::DELIVERY_ANSWER_REFUSED:
      text = "the far end refused it";
      break;
    case v1::DELIVERY_ANSWER_UNKNOWN:
      text = "no answer: it may have arrived or not";
      break;
    case v1::DELIVERY_ANSWER_EXPIRED:
      text = "no attempt: the time to give up came";
      break;
    case v1::DELIVERY_ANSWER_WITHDRAWN:
      text = "no attempt: it was taken back, since nobody needed it any more";
      break;
    default:
      text = "an answer that this version doesn't know";
  }
  if (entry.code != 0) absl::StrAppend(&text, " (code ", entry.code, ")");
  if (entry.state == v1::DELIVERY_STATE_DEAD) text += "; given up";
  if (entry.state == v1::DELIVERY_STATE_PENDING) text += "; will be sent again";
  return text;
}

// Of what the services did by themselves the last line of an entry tells which.
std::string OnWhoseWord(const v1::Actor& actor) {
  if (actor.actor_id().empty() || actor.reached_by() == v1::REACHED_BY_SYSTEM) return "";
  return absl::StrCat("; on the word of ", Shown(actor.actor_id()));
}

std::string WhatHappened(const TimelineEntry& entry) {
  switch (entry.kind) {
    case TimelineKind::kCommand:
      return absl::StrCat(
          WordsOfType(entry.type), "; told by ", Shown(entry.actor.actor_id()), ", ",
          PlainEnum<v1::ReachedBy>(entry.actor.reached_by(), v1::ReachedBy_Name, "REACHED_BY_"),
          entry.outcome_code == 0 ? "" : absl::StrCat("; refused, code ", entry.outcome_code),
          entry.decided ? "" : "; nobody had decided it yet");
    case TimelineKind::kEvent:
      return absl::StrCat(WordsOfType(entry.type), OnWhoseWord(entry.actor));
    case TimelineKind::kDeliveryMade:
      return absl::StrCat("Message to ", Recipient(entry));
    case TimelineKind::kDeliveryAttempt:
      if (entry.answer == v1::DELIVERY_ANSWER_UNSPECIFIED) {
        return absl::StrCat("To be sent again to ", Recipient(entry), ", as a person asked");
      }
      return absl::StrCat("Attempt ", entry.attempt, " to ", Recipient(entry), ": ",
                          AnswerOf(entry));
  }
  return "";
}

class TextWriter {
 public:
  TextWriter(const EvidenceReport& report, absl::TimeZone time_zone)
      : report_(report), time_zone_(time_zone) {}

  std::string Write() {
    WriteTop();
    out_ += "\nWhat happened\n";
    for (const TimelineEntry& entry : report_.timeline) WriteEntry(entry);
    out_ +=
        "\nNewest record of each chain. Keep these: whoever has them can later tell whether\n"
        "anything before them was rewritten.\n";
    for (const ChainHead& head : report_.heads) {
      AppendLine(absl::StrCat(Shown(head.topic), "/", head.partition, " sequence ", head.sequence),
                 out_);
      AppendWrapped("  ", 2, head.hash_hex, out_);
    }
    return std::move(out_);
  }

 private:
  std::string Time(absl::Time time) const { return TimeWords(time, time_zone_); }

  void WriteTop() {
    AppendLine(absl::StrCat("Evidence of episode ", Shown(report_.episode_id), " of youth ",
                            Shown(report_.youth_id), ", agency ", Shown(report_.agency_id)),
               out_);
    if (report_.exercise) AppendLine("THIS WAS AN EXERCISE: nobody was missing.", out_);
    AppendLine(absl::StrCat("Exported ", Time(report_.exported_at)), out_);
    AppendLine(
        "Signed with the key that has this fingerprint; compare it with the one that the "
        "agency has published:",
        out_);
    AppendWrapped("  ", 2, report_.key_fingerprint, out_);
    const std::string counts =
        absl::StrCat(report_.transitions, " decisions of this episode among ", report_.links,
                     " in ", report_.heads.size(), " chains, with ", report_.commands,
                     " commands, ", report_.events, " events, ", report_.deliveries,
                     " messages and ", report_.attempts, " attempts to deliver them.");
    if (report_.fault.empty()) {
      AppendLine(absl::StrCat("Verified: ", counts, " Nothing is changed, missing or added."),
                 out_);
    } else {
      AppendLine(absl::StrCat("THIS FILE DOES NOT VERIFY: ", SafeText(report_.fault)), out_);
      AppendLine("What follows is only what the file seems to say. It proves nothing.", out_);
    }
    if (report_.commands_removed > 0) {
      AppendLine(
          absl::StrCat(report_.commands_removed,
                       " commands were no longer kept when this was exported, as commands are kept "
                       "for a limited time. What was decided on each is here; more of what they "
                       "said can't be shown."),
          out_);
    }
    if (report_.sealed) {
      AppendLine(
          "The youth's key is not in the file: the record was sealed or expunged. What the "
          "records say can't be read, and was not checked.",
          out_);
    }
    WritePacks();
  }

  void WritePacks() {
    for (const v1::PolicyPack& pack : report_.packs) {
      AppendLine(absl::StrCat("By the rules of ", SafeText(pack.name()), " (",
                              Shown(pack.pack_id()), "), version ", Shown(pack.content_hash())),
                 out_);
    }
    for (const std::string& hash : report_.packs_missing) {
      AppendLine(absl::StrCat("The rules of version ", Shown(hash),
                              ", by which something was decided, are not in the file: the agency's "
                              "directory could not be read when it was exported, or they were left "
                              "out. What they said can't be seen here."),
                 out_);
    }
  }

  void Detail(absl::string_view text) {
    AppendWrapped(std::string(kTimelineIndent, ' '), kTimelineIndent, text, out_);
  }

  void WriteEntry(const TimelineEntry& entry) {
    std::string when = Time(entry.at);
    when.resize(std::max(when.size(), kTimelineIndent), ' ');
    // Years of five and more digits, which no true record has.
    if (when.size() > kTimelineIndent) when += ' ';
    AppendWrapped(when, kTimelineIndent, WhatHappened(entry), out_);
    if (!entry.refusal.empty()) Detail(absl::StrCat("because: ", SafeText(entry.refusal)));
    if (entry.payload != nullptr) {
      for (const std::string& told : DetailsOf(*entry.payload, time_zone_)) Detail(told);
    }
    if (!entry.file.empty()) Detail(absl::StrCat("file ", entry.file));
    if (entry.occurred_at) Detail(absl::StrCat("happened, as told: ", Time(*entry.occurred_at)));
    if (entry.received_at && *entry.received_at != entry.at) {
      Detail(absl::StrCat("known to the agency: ", Time(*entry.received_at)));
    }
    if (entry.started_at) Detail(absl::StrCat("started: ", Time(*entry.started_at)));
    if (entry.decided_at != entry.at) Detail(absl::StrCat("decided: ", Time(entry.decided_at)));
    Detail(absl::StrCat("id ", Shown(entry.record_id)));
    Detail(absl::StrCat(Shown(entry.service), " sequence ", entry.sequence));
    if (!entry.digest_hex.empty()) Detail(absl::StrCat("digest ", entry.digest_hex));
  }

  const EvidenceReport& report_;
  const absl::TimeZone time_zone_;
  std::string out_;
};

}  // namespace

const v1::PolicyPack* FindPack(const EvidenceReport& report, absl::string_view content_hash) {
  for (const v1::PolicyPack& pack : report.packs) {
    if (pack.content_hash() == content_hash) return &pack;
  }
  return nullptr;
}

absl::TimeZone ZoneOf(const EvidenceReport& report, absl::TimeZone otherwise) {
  absl::TimeZone zone;
  for (const v1::PolicyPack& pack : report.packs) {
    if (pack.time_zone() != report.packs[0].time_zone()) return otherwise;
  }
  if (report.packs.empty() || !absl::LoadTimeZone(report.packs[0].time_zone(), &zone)) {
    return otherwise;
  }
  return zone;
}

std::string ToText(const EvidenceReport& report, absl::TimeZone time_zone) {
  return TextWriter(report, time_zone).Write();
}

}  // namespace porchlight
