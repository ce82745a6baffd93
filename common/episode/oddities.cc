#include "common/episode/oddities.h"

#include <algorithm>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "common/base/time.h"
#include "google/protobuf/descriptor.h"

namespace porchlight {
namespace {

constexpr absl::Duration kClockTolerance = absl::Minutes(5);
// Longer ago than this, a month or year was more likely mistyped than told so late.
constexpr absl::Duration kLastSeenLongAgo = absl::Hours(24 * 30);
// Care by choice ends at 26 at the latest (42 USC 671(a)(9)(C)(i)).
constexpr int kAgeYearsMax = 26;

void AddText(const std::string& text, std::vector<std::string>& texts) {
  if (!text.empty()) texts.push_back(text);
}

void AppendTexts(const std::vector<std::string>& more, std::vector<std::string>& texts) {
  texts.insert(texts.end(), more.begin(), more.end());
}

bool OutOfRange(uint32_t value, uint32_t least, uint32_t most) {
  return value != 0 && (value < least || value > most);
}

std::string BirthOddity(const v1::YouthFacts& facts, absl::Time now) {
  if (facts.date_of_birth().empty()) return "";
  absl::CivilDay birth;
  if (!absl::ParseCivilTime(facts.date_of_birth(), &birth)) {
    return "date_of_birth isn't a date like 2010-05-13; it was kept as told, but nothing can count "
           "with it: please tell it again";
  }
  const absl::CivilDay today = absl::ToCivilDay(now, absl::UTCTimeZone());
  if (birth > today + 1) return "date_of_birth is in the future: please check it";
  if (today.year() - birth.year() > kAgeYearsMax + 1) {
    return "date_of_birth gives an age beyond any that is in care: please check it";
  }
  return "";
}

// A fact told that isn't the one known.
bool Differs(const std::string& told, const std::string& known) {
  return !told.empty() && !known.empty() && !absl::EqualsIgnoreCase(told, known);
}

}  // namespace

v1::StatusKind StatusOf(absl::string_view word) {
  static const auto* const kinds = new std::map<std::string, v1::StatusKind>{
      {"missing", v1::STATUS_KIND_MISSING},
      {"missing child", v1::STATUS_KIND_MISSING},
      {"missing from care", v1::STATUS_KIND_MISSING},
      {"missing young adult", v1::STATUS_KIND_MISSING},
      {"whereabouts unknown", v1::STATUS_KIND_MISSING},
      {"lost", v1::STATUS_KIND_MISSING},
      {"emj", v1::STATUS_KIND_MISSING},
      {"eme", v1::STATUS_KIND_MISSING},
      {"left", v1::STATUS_KIND_LEFT},
      {"left placement", v1::STATUS_KIND_LEFT},
      {"run", v1::STATUS_KIND_LEFT},
      {"on the run", v1::STATUS_KIND_LEFT},
      {"runaway", v1::STATUS_KIND_LEFT},
      {"run away", v1::STATUS_KIND_LEFT},
      {"ran away", v1::STATUS_KIND_LEFT},
      {"absconded", v1::STATUS_KIND_LEFT},
      {"absconder", v1::STATUS_KIND_LEFT},
      {"abscond", v1::STATUS_KIND_LEFT},
      {"awol", v1::STATUS_KIND_LEFT},
      {"awolp", v1::STATUS_KIND_LEFT},
      {"absent", v1::STATUS_KIND_LEFT},
      {"absent without consent", v1::STATUS_KIND_LEFT},
      {"absent without leave", v1::STATUS_KIND_LEFT},
      {"absent without permission", v1::STATUS_KIND_LEFT},
      {"unauthorized absence", v1::STATUS_KIND_LEFT},
      {"abducted", v1::STATUS_KIND_TAKEN},
      {"abduction", v1::STATUS_KIND_TAKEN},
      {"family abduction", v1::STATUS_KIND_TAKEN},
      {"kidnapped", v1::STATUS_KIND_TAKEN},
      {"taken", v1::STATUS_KIND_TAKEN},
      {"lured", v1::STATUS_KIND_TAKEN},
      {"emi", v1::STATUS_KIND_TAKEN},
      {"unapproved placement", v1::STATUS_KIND_UNAPPROVED_PLACE},
      {"unapproved place", v1::STATUS_KIND_UNAPPROVED_PLACE},
      {"located in unapproved place", v1::STATUS_KIND_UNAPPROVED_PLACE},
      {"located in unapproved risky place", v1::STATUS_KIND_UNAPPROVED_PLACE},
  };
  std::string plain;
  for (const char c : word) {
    const bool mark = absl::ascii_isspace(c) || c == '-' || c == '_' || c == '.' || c == '/';
    if (!mark) {
      plain += absl::ascii_tolower(c);
    } else if (!plain.empty() && plain.back() != ' ') {
      plain += ' ';
    }
  }
  if (!plain.empty() && plain.back() == ' ') plain.pop_back();
  const auto found = kinds->find(plain);
  return found == kinds->end() ? v1::STATUS_KIND_NOT_KNOWN : found->second;
}

std::string FutureOddity(absl::string_view field, absl::Time time, absl::Time now) {
  if (time <= now + kClockTolerance) return "";
  return absl::StrCat(field, " is in the future: please check the date and the time zone");
}

std::vector<std::string> Oddities(const v1::YouthFacts& facts, absl::Time now) {
  std::vector<std::string> texts;
  AddText(BirthOddity(facts, now), texts);
  if (OutOfRange(facts.height_cm(), 30, 260))
    texts.push_back("height_cm isn't between 30 and 260: please check it and its unit");
  if (OutOfRange(facts.weight_kg(), 2, 400))
    texts.push_back("weight_kg isn't between 2 and 400: please check it and its unit");
  if (facts.age_years() > kAgeYearsMax)
    texts.push_back("age_years is beyond any that is in care: please check it");
  if (facts.has_photo_taken_at())
    AddText(FutureOddity("photo_taken_at", FromProto(facts.photo_taken_at()), now), texts);
  for (const auto& [name, reason] : facts.unavailable()) {
    if (name != "photo" && facts.GetDescriptor()->FindFieldByName(name) == nullptr &&
        v1::Episode::descriptor()->FindFieldByName(name) == nullptr) {
      texts.push_back(
          "unavailable names a field that there isn't; still_unknown has the names to use");
      break;
    }
  }
  return texts;
}

std::vector<std::string> Oddities(const google::protobuf::RepeatedPtrField<v1::AnchorTime>& anchors,
                                  absl::Time now) {
  std::vector<std::string> texts;
  for (const v1::AnchorTime& anchor : anchors) {
    const std::string name = absl::AsciiStrToLower(
        absl::StripPrefix(v1::PolicyAnchor_Name(anchor.anchor()), "POLICY_ANCHOR_"));
    AddText(FutureOddity(absl::StrCat("the time of ", name), FromProto(anchor.at()), now), texts);
  }
  return texts;
}

std::vector<std::string> Oddities(const v1::ReportMissingRequest& report,
                                  const v1::Episode& episode, absl::Time now) {
  std::vector<std::string> texts;
  if (report.has_last_seen_at()) {
    const absl::Time last_seen_at = FromProto(report.last_seen_at());
    AddText(FutureOddity("last_seen_at", last_seen_at, now), texts);
    if (last_seen_at < now - kLastSeenLongAgo)
      texts.push_back("last_seen_at is more than 30 days ago: please check the date");
  }
  AppendTexts(Oddities(report.youth(), now), texts);
  AppendTexts(Oddities(report.anchors(), now), texts);
  if (Differs(report.youth().first_name(), episode.youth().first_name()) ||
      Differs(report.youth().last_name(), episode.youth().last_name()) ||
      Differs(report.youth().date_of_birth(), episode.youth().date_of_birth())) {
    texts.push_back(
        "the name or date of birth isn't the one that was known of this youth id: please check "
        "that "
        "it is the right youth. What you told is used");
  }
  if (!report.status_word().empty() &&
      StatusOf(report.status_word()) == v1::STATUS_KIND_NOT_KNOWN) {
    texts.push_back(
        "status_word isn't one that is known; it was kept as told, and the youth counts as missing "
        "all the same");
  }
  return texts;
}

std::vector<std::string> Oddities(const v1::RecordReturnRequest& request,
                                  const v1::Episode& episode, absl::Time now) {
  std::vector<std::string> texts;
  if (!request.has_returned_at()) return texts;
  const absl::Time returned_at = FromProto(request.returned_at());
  AddText(FutureOddity("returned_at", returned_at, now), texts);
  if (episode.has_last_seen_at() && returned_at < FromProto(episode.last_seen_at()))
    texts.push_back("returned_at is before the youth was last seen: please check both times");
  return texts;
}

std::vector<std::string> Oddities(const v1::AddToEpisodeRequest& addition,
                                  const v1::Episode& episode, absl::Time now) {
  std::vector<std::string> texts;
  if (addition.has_occurred_at()) {
    const absl::Time occurred_at = FromProto(addition.occurred_at());
    AddText(FutureOddity("occurred_at", occurred_at, now), texts);
    const bool of_the_search = addition.kind() == v1::FACT_KIND_SIGHTING ||
                               addition.kind() == v1::FACT_KIND_CONTACT ||
                               addition.kind() == v1::FACT_KIND_LOCATED;
    if (of_the_search && episode.has_last_seen_at() &&
        occurred_at < FromProto(episode.last_seen_at())) {
      texts.push_back("occurred_at is before the youth was last seen: please check both times");
    }
  }
  AppendTexts(Oddities(addition.youth(), now), texts);
  AppendTexts(Oddities(addition.anchors(), now), texts);
  return texts;
}

}  // namespace porchlight
