#include "common/policy/pack_file.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/policy/ceilings.h"
#include "common/policy/rule_reader.h"
#include "common/policy/window_text.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

constexpr size_t kPackIdLengthMax = 64;
constexpr size_t kRuleIdLengthMax = 40;
constexpr int kRulesMax = 500;
constexpr int kHolidaysMax = 100;
constexpr absl::string_view kHolidayExpected =
    "expected such as 12-25, 2026-11-27, 3rd monday of january or last monday of may";

const std::vector<absl::string_view>& PackKeys() {
  static const auto& keys = *new std::vector<absl::string_view>{"pack",
                                                                "jurisdiction",
                                                                "name",
                                                                "extends",
                                                                "time_zone",
                                                                "business_day_ends",
                                                                "definition",
                                                                "immediately_minutes",
                                                                "holidays",
                                                                "without_holidays",
                                                                "rules",
                                                                "without_rules",
                                                                "public_release_consent"};
  return keys;
}

int PlaceOf(absl::string_view word, const std::vector<absl::string_view>& words) {
  const auto found = std::find(words.begin(), words.end(), word);
  return found == words.end() ? -1 : static_cast<int>(found - words.begin());
}

// "3rd monday of january", "last monday of may".
bool ParseWeekdayOf(absl::string_view text, v1::PolicyHoliday& holiday) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ' ');
  if (parts.size() != 4 || parts[2] != "of") return false;
  const int nth = PlaceOf(parts[0], {"1st", "2nd", "3rd", "4th", "last"});
  const int weekday = PlaceOf(
      parts[1], {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"});
  const int month =
      PlaceOf(parts[3], {"january", "february", "march", "april", "may", "june", "july", "august",
                         "september", "october", "november", "december"});
  if (nth < 0 || weekday < 0 || month < 0) return false;
  holiday.set_nth(nth == 4 ? -1 : nth + 1);
  holiday.set_weekday(static_cast<uint32_t>(weekday + 1));
  holiday.set_month(static_cast<uint32_t>(month + 1));
  return true;
}

// "12-25" of every year, "2026-11-27" of one.
bool ParseDate(absl::string_view text, v1::PolicyHoliday& holiday) {
  // 2000 was a leap year: 29 February is a day.
  const bool every_year = text.size() == 5;
  absl::CivilDay day;
  if (!absl::ParseCivilTime(every_year ? absl::StrCat("2000-", text) : text, &day)) return false;
  if (!every_year && (text.size() != 10 || day.year() < 2000 || day.year() > 2200)) return false;
  if (!every_year) holiday.set_year(static_cast<int32_t>(day.year()));
  holiday.set_month(static_cast<uint32_t>(day.month()));
  holiday.set_day(static_cast<uint32_t>(day.day()));
  return true;
}

v1::PolicyRule* FindRule(v1::PolicyPack& pack, absl::string_view rule_id) {
  for (v1::PolicyRule& rule : *pack.mutable_rules()) {
    if (rule.rule_id() == rule_id) return &rule;
  }
  return nullptr;
}

struct RuleReference {
  std::string key;  // of the rule's YAML
  std::string rule_id;
};

std::vector<RuleReference> ReferencesOf(const v1::PolicyRule& rule) {
  std::vector<RuleReference> references;
  const auto add_limit = [&](const char* key, const v1::PolicyLimit& limit) {
    for (const v1::PolicyAnchorChoice& from : limit.from()) {
      if (!from.rule_id().empty()) references.push_back({key, from.rule_id()});
    }
  };
  for (const v1::PolicyLimit& limit : rule.due()) add_limit("due", limit);
  for (const v1::PolicyLimit& limit : rule.ceilings()) add_limit("due", limit);
  add_limit("begins", rule.begins());
  for (const std::string& after : rule.after()) references.push_back({"after", after});
  if (!rule.if_done_before().empty()) {
    references.push_back({"if_done_before", rule.if_done_before()});
  }
  return references;
}

// Whether a way leads from `from` to `to`.
bool Leads(const v1::PolicyPack& pack, const std::string& from, const std::string& to,
           std::set<std::string>& seen) {
  if (from == to) return true;
  if (!seen.insert(from).second) return false;
  for (const v1::PolicyRule& rule : pack.rules()) {
    if (rule.rule_id() != from) continue;
    for (const RuleReference& reference : ReferencesOf(rule)) {
      if (Leads(pack, reference.rule_id, to, seen)) return true;
    }
  }
  return false;
}

}  // namespace

PackFile::PackFile(const PolicySource& source) : mistakes_(source.file) {
  const std::optional<YAML::Node> document = ParseYaml(source.yaml, mistakes_);
  if (!document.has_value()) return;
  top_.emplace(mistakes_, *document, 1, "", PackKeys());
  top_->Text("pack", Presence::kRequired, pack_id_);
  if (!pack_id_.empty() && !IsPolicyId(pack_id_, kPackIdLengthMax)) {
    Mistake("pack", "it is no id", "expected 1 to 64 characters of a-z, 0-9 and -, such as us-tx");
  }
  top_->Text("extends", Presence::kOptional, extends_);
}

void PackFile::Mistake(absl::string_view key, absl::string_view wrong, absl::string_view expected) {
  if (top_.has_value()) {
    top_->Mistake(key, wrong, expected);
  } else {
    mistakes_.Add(1, key, wrong, expected);
  }
}

v1::PolicyPack PackFile::Resolve(const v1::PolicyPack* parent) {
  v1::PolicyPack pack;
  if (parent != nullptr) pack = *parent;
  pack.clear_content_hash();
  if (!top_.has_value()) return pack;
  ReadSettings(parent, pack);
  ReadHolidays(pack);
  RemoveRules(pack);
  ReadRules(pack);
  CheckReferences(pack);
  pack.set_content_hash(ContentHash(pack));
  return pack;
}

void PackFile::ReadSettings(const v1::PolicyPack* parent, v1::PolicyPack& pack) {
  const Presence root = parent == nullptr ? Presence::kRequired : Presence::kOptional;
  pack.set_pack_id(pack_id_);
  pack.set_jurisdiction(pack_id_);
  top_->Text("jurisdiction", Presence::kOptional, *pack.mutable_jurisdiction());
  if (top_->Has("jurisdiction") && !IsPolicyId(pack.jurisdiction(), kPackIdLengthMax)) {
    Mistake("jurisdiction", "it is no id", "expected such as us-tx or us-ca-los-angeles");
  }
  top_->Text("name", Presence::kRequired, *pack.mutable_name());
  if (parent != nullptr) {
    pack.clear_extends();
    pack.add_extends(parent->pack_id());
    pack.mutable_extends()->MergeFrom(parent->extends());
  }
  top_->Text("time_zone", root, *pack.mutable_time_zone());
  absl::TimeZone zone;
  if (top_->Has("time_zone") && !absl::LoadTimeZone(pack.time_zone(), &zone)) {
    Mistake("time_zone", "this machine knows no such time zone",
            "expected a name such as America/Chicago");
  }
  std::string ends;
  top_->Text("business_day_ends", root, ends);
  if (!ends.empty()) {
    const int minute = ParseLocalMinute(ends);
    if (minute < 0) Mistake("business_day_ends", "it is no time of day", "expected such as 17:00");
    pack.set_business_day_ends_minute(static_cast<uint32_t>(std::max(minute, 0)));
  }
  if (parent == nullptr && !top_->Has("immediately_minutes")) {
    Mistake("immediately_minutes", "it is missing", "it is required");
  }
  int64_t minutes = pack.immediately_minutes();
  top_->Integer("immediately_minutes", 1, 1440, minutes);
  pack.set_immediately_minutes(static_cast<uint32_t>(minutes));
  top_->Text("definition", Presence::kOptional, *pack.mutable_definition());
  const int consent =
      top_->Word("public_release_consent", root, WordsOf<v1::PublicReleaseConsent>());
  if (consent < 0) return;
  const auto asked = static_cast<v1::PublicReleaseConsent>(consent + 1);
  if (pack.public_release_consent() == v1::PUBLIC_RELEASE_CONSENT_NEVER &&
      asked != v1::PUBLIC_RELEASE_CONSENT_NEVER) {
    Mistake("public_release_consent", "the pack that this one extends says never",
            "expected never");
  }
  pack.set_public_release_consent(asked);
}

void PackFile::ReadHolidays(v1::PolicyPack& pack) {
  auto& holidays = *pack.mutable_holidays();
  const auto remove = [&](const std::string& name) {
    const auto kept = std::remove_if(holidays.begin(), holidays.end(),
                                     [&](const auto& holiday) { return holiday.name() == name; });
    const bool found = kept != holidays.end();
    holidays.erase(kept, holidays.end());
    return found;
  };
  std::vector<YamlText> without;
  top_->Texts("without_holidays", Presence::kOptional, without);
  for (const YamlText& name : without) {
    if (remove(name.text)) continue;
    top_->MistakeAt(name.line, "without_holidays", "no holiday of this name is inherited",
                    "expected the name that the pack beneath gives it");
  }
  for (YamlMap& map : top_->Maps("holidays", {"name", "on", "plus_days", "observed"})) {
    v1::PolicyHoliday holiday;
    ReadHoliday(map, holiday);
    remove(holiday.name());
    *holidays.Add() = holiday;
  }
  if (holidays.size() > kHolidaysMax) {
    Mistake("holidays", "there are too many", absl::StrCat("expected at most ", kHolidaysMax));
  }
}

void PackFile::ReadHoliday(YamlMap& map, v1::PolicyHoliday& holiday) {
  map.Text("name", Presence::kRequired, *holiday.mutable_name());
  std::string on;
  map.Text("on", Presence::kRequired, on);
  if (!on.empty() && !ParseDate(on, holiday) && !ParseWeekdayOf(on, holiday)) {
    map.Mistake("on", "it is no day", kHolidayExpected);
  }
  int64_t plus_days = 0;
  map.Integer("plus_days", 1, 7, plus_days);
  holiday.set_plus_days(static_cast<uint32_t>(plus_days));
  const int observed = map.Word("observed", Presence::kOptional, {"that_day", "nearest_weekday"});
  holiday.set_observed_on_nearest_weekday(observed == 1);
}

void PackFile::RemoveRules(v1::PolicyPack& pack) {
  std::vector<YamlText> without;
  top_->Texts("without_rules", Presence::kOptional, without);
  for (const YamlText& id : without) {
    const v1::PolicyRule* rule = FindRule(pack, id.text);
    if (rule == nullptr) {
      top_->MistakeAt(id.line, "without_rules", "no rule of this id is inherited",
                      "expected ids of rules of the pack beneath");
    } else if (IsCeiling(*rule)) {
      top_->MistakeAt(id.line, "without_rules",
                      absl::StrCat("rule ", id.text, " is a ceiling (", rule->citation(), ")"),
                      "expected it to be kept");
    } else {
      auto& rules = *pack.mutable_rules();
      rules.erase(std::find_if(rules.begin(), rules.end(),
                               [&](const auto& one) { return one.rule_id() == id.text; }));
    }
  }
}

void PackFile::ReadRules(v1::PolicyPack& pack) {
  for (YamlMap& map : top_->Maps("rules", RuleKeys())) {
    std::string id;
    map.Text("id", Presence::kRequired, id);
    if (!IsPolicyId(id, kRuleIdLengthMax)) {
      if (!id.empty()) {
        map.Mistake("id", "it is no id", "expected 1 to 40 characters of a-z, 0-9 and -");
      }
      continue;
    }
    if (!rule_maps_.emplace(id, map).second) {
      map.Mistake("id", "another rule before it has the same", "expected its own");
      continue;
    }
    v1::PolicyRule* const inherited = FindRule(pack, id);
    v1::PolicyRule rule;
    if (inherited != nullptr) rule = *inherited;
    rule.set_rule_id(id);
    ReadRule(map, inherited == nullptr ? RuleOrigin::kNew : RuleOrigin::kInherited, rule);
    ReadCeiling(map, inherited, rule);
    if (inherited != nullptr && IsCeiling(*inherited)) {
      NoteLoosened(*inherited, rule, pack.immediately_minutes(), map);
    }
    (inherited == nullptr ? *pack.add_rules() : *inherited) = rule;
  }
  if (pack.rules_size() > kRulesMax) {
    Mistake("rules", "there are too many", absl::StrCat("expected at most ", kRulesMax));
  }
}

void PackFile::ReadCeiling(YamlMap& map, const v1::PolicyRule* parent, v1::PolicyRule& rule) {
  const bool inherited = parent != nullptr && IsCeiling(*parent);
  bool ceiling = inherited;
  map.Boolean("ceiling", ceiling);
  if (inherited && !ceiling) {
    map.Mistake("ceiling", "the pack that this one extends says that it is one", "expected true");
  }
  if (ceiling && map.Has("ceiling")) rule.mutable_ceilings()->MergeFrom(rule.due());
  if (ceiling && !inherited && rule.may_be_deferred()) {
    map.Mistake("may_be_deferred", "nobody may put off a duty that is a ceiling", "expected false");
  }
}

void PackFile::NoteLoosened(const v1::PolicyRule& ceiling, const v1::PolicyRule& rule,
                            uint32_t immediately_minutes, YamlMap& map) {
  for (const Loosening& loosening : Loosened(ceiling, rule, immediately_minutes)) {
    map.Mistake(loosening.key, loosening.wrong, loosening.expected);
  }
}

void PackFile::CheckAgainst(const v1::PolicyPack& federal, const v1::PolicyPack& pack) {
  for (const v1::PolicyRule& ceiling : federal.rules()) {
    if (!IsCeiling(ceiling)) continue;
    const auto same = std::find_if(pack.rules().begin(), pack.rules().end(), [&](const auto& rule) {
      return rule.rule_id() == ceiling.rule_id();
    });
    if (same == pack.rules().end()) {
      Mistake("rules", absl::StrCat("rule ", ceiling.rule_id(), " is missing"),
              absl::StrCat("expected it: it is a ceiling (", ceiling.citation(), ")"));
      continue;
    }
    NoteLoosened(ceiling, *same, pack.immediately_minutes(), MapOf(same->rule_id()));
  }
}

YamlMap& PackFile::MapOf(const std::string& rule_id) {
  const auto found = rule_maps_.find(rule_id);
  return found == rule_maps_.end() ? *top_ : found->second;
}

void PackFile::CheckReferences(const v1::PolicyPack& pack) {
  std::set<std::string> ids;
  for (const v1::PolicyRule& rule : pack.rules()) ids.insert(rule.rule_id());
  for (const v1::PolicyRule& rule : pack.rules()) {
    const bool own = rule_maps_.count(rule.rule_id()) > 0;
    for (const RuleReference& reference : ReferencesOf(rule)) {
      const std::string key = own ? reference.key : "without_rules";
      YamlMap& map = MapOf(rule.rule_id());
      std::set<std::string> seen;
      if (ids.count(reference.rule_id) == 0) {
        map.Mistake(key,
                    own ? "it names a rule that isn't in this pack"
                        : absl::StrCat("rule ", rule.rule_id(), " needs ", reference.rule_id),
                    own ? "expected the id of another rule" : "expected it to be kept");
      } else if (own && Leads(pack, reference.rule_id, rule.rule_id(), seen)) {
        map.Mistake(key, "it comes back to this rule", "expected an order without a circle");
      }
    }
  }
}

}  // namespace porchlight
