#include "common/policy/explain.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/policy/window_text.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

constexpr size_t kColumnsMax = 100;
constexpr size_t kWhenColumns = 30;

// In lines of at most `columns`; a word that is longer than that is broken.
std::vector<std::string> Wrapped(absl::string_view text, size_t columns) {
  std::vector<std::string> lines(1);
  for (absl::string_view word : absl::StrSplit(text, ' ', absl::SkipEmpty())) {
    while (word.size() > columns) {
      if (!lines.back().empty()) lines.emplace_back();
      size_t cut = columns;
      while (cut > 1 && (static_cast<unsigned char>(word[cut]) & 0xC0) == 0x80) --cut;
      lines.back() = std::string(word.substr(0, cut));
      word.remove_prefix(cut);
    }
    const size_t blank = lines.back().empty() ? 0 : 1;
    if (lines.back().size() + blank + word.size() > columns) lines.emplace_back();
    absl::StrAppend(&lines.back(), lines.back().empty() ? "" : " ", word);
  }
  return lines;
}

// Two columns, each wrapped on its own.
void AddRow(const std::vector<std::string>& when, const std::vector<std::string>& what,
            std::string& out) {
  const size_t rows = std::max(when.size(), what.size());
  for (size_t i = 0; i < rows; ++i) {
    std::string line = absl::StrCat("  ", i < when.size() ? when[i] : "");
    if (i < what.size()) {
      line.resize(std::max(line.size(), kWhenColumns + 2), ' ');
      absl::StrAppend(&line, what[i]);
    }
    absl::StripTrailingAsciiWhitespace(&line);
    absl::StrAppend(&out, line, "\n");
  }
}

template <typename Enum>
std::string Listed(const google::protobuf::RepeatedField<int>& values, absl::string_view between) {
  return absl::StrJoin(values, between, [](std::string* text, int value) {
    absl::StrAppend(text, PlainWord(static_cast<Enum>(value)));
  });
}

std::string WhenText(const v1::PolicyRule& rule) {
  std::vector<v1::PolicyLimit> limits(rule.due().begin(), rule.due().end());
  for (const v1::PolicyLimit& ceiling : rule.ceilings()) {
    const bool said = std::any_of(limits.begin(), limits.end(), [&](const auto& limit) {
      return ToText(limit) == ToText(ceiling);
    });
    if (!said) limits.push_back(ceiling);
  }
  std::string text = limits.size() > 1 ? "the sooner of " : "";
  absl::StrAppend(&text, absl::StrJoin(limits, " and ", [](std::string* out, const auto& limit) {
    std::string words = ToText(limit);
    std::replace(words.begin(), words.end(), '_', ' ');
    absl::StrAppend(out, words);
  }));
  if (rule.has_repetition()) {
    absl::StrAppend(&text, ", then every ", ToText(rule.repetition().every()));
    if (rule.repetition().at_most() > 0) {
      absl::StrAppend(&text, ", ", rule.repetition().at_most(), " times in all");
    }
  }
  if (rule.basis() == v1::WINDOW_BASIS_PRACTICE) absl::StrAppend(&text, " (our practice)");
  return text;
}

std::string Told(const v1::PolicyRule& rule) {
  return absl::StrJoin(rule.recipients(), ", ", [](std::string* text, const auto& recipient) {
    absl::StrAppend(text, PlainWord(recipient.kind()));
    if (recipient.exclude_if().empty()) return;
    absl::StrAppend(text, " (not if ", Listed<v1::Circumstance>(recipient.exclude_if(), " or "),
                    ")");
  });
}

// Whom it is about, and what it waits for or doesn't.
std::vector<std::string> Conditions(const v1::PolicyRule& rule) {
  std::vector<std::string> lines;
  if (rule.has_age_from()) lines.push_back(absl::StrCat("only from age ", rule.age_from()));
  if (rule.has_age_below()) lines.push_back(absl::StrCat("only below age ", rule.age_below()));
  if (!rule.if_any().empty()) {
    lines.push_back(absl::StrCat("only if ", Listed<v1::Circumstance>(rule.if_any(), " or ")));
  }
  if (!rule.unless().empty()) {
    lines.push_back(absl::StrCat("unless ", Listed<v1::Circumstance>(rule.unless(), " or ")));
  }
  if (!rule.if_done_before().empty()) {
    lines.push_back(absl::StrCat("only if done before: ", rule.if_done_before()));
  }
  std::vector<std::string> at_once;
  if (rule.has_no_wait_below_age()) {
    at_once.push_back(absl::StrCat("age below ", rule.no_wait_below_age(), " or not known"));
  }
  if (!rule.no_wait_if().empty()) {
    at_once.push_back(Listed<v1::Circumstance>(rule.no_wait_if(), " or "));
  }
  if (!at_once.empty()) {
    lines.push_back(absl::StrCat("at once if ", absl::StrJoin(at_once, " or ")));
  }
  if (rule.has_begins()) lines.push_back(absl::StrCat("not before ", ToText(rule.begins())));
  if (!rule.after().empty()) {
    lines.push_back(absl::StrCat("after ", absl::StrJoin(rule.after(), ", "),
                                 ", for which it waits ", ToText(rule.wait_at_most()), " at most"));
  }
  if (!rule.ends_when().empty()) {
    lines.push_back(
        absl::StrCat("ends when ", Listed<v1::PolicyTrigger>(rule.ends_when(), " or ")));
  }
  if (rule.may_be_deferred())
    lines.emplace_back("may be put off by a trained person, with a reason");
  return lines;
}

void AddRule(const v1::PolicyRule& rule, std::string& out) {
  const size_t width = kColumnsMax - kWhenColumns - 2;
  std::vector<std::string> what = Wrapped(rule.title(), width);
  const auto add = [&](const std::string& text) {
    for (std::string& line : Wrapped(text, width - 2)) what.push_back("  " + std::move(line));
  };
  if (!rule.recipients().empty()) add(absl::StrCat("to: ", Told(rule)));
  add(absl::StrCat("by: ", rule.by_role(), "; if late: ", rule.escalate_to()));
  add(absl::StrCat("proof: ", Listed<v1::EvidenceKind>(rule.proved_by(), " or ")));
  for (const std::string& condition : Conditions(rule)) add(condition);
  add(absl::StrCat("source: ", rule.citation()));
  add(absl::StrCat("rule: ", rule.rule_id(),
                   rule.ceilings().empty() ? "" : " (a ceiling: no pack may loosen it)"));
  AddRow(Wrapped(WhenText(rule), kWhenColumns - 2), what, out);
  out += "\n";
}

std::string Heading(v1::PolicyTrigger trigger) {
  switch (trigger) {
    case v1::POLICY_TRIGGER_MISSING:
      return "Once a youth is missing";
    case v1::POLICY_TRIGGER_RETURNED:
      return "Once the youth has returned";
    case v1::POLICY_TRIGGER_IDENTIFIED:
      return "Once a person identified the youth as a victim of trafficking";
    case v1::POLICY_TRIGGER_POLICE_REFUSED:
      return "Once police would not take or enter the report";
    case v1::POLICY_TRIGGER_POLICE_NUMBERED:
      return "Once police told their case number";
    case v1::POLICY_TRIGGER_NCIC_ENTERED:
      return "Once police entered the youth in NCIC";
    case v1::POLICY_TRIGGER_NEW_FACT:
      return "Once something new is known";
    case v1::POLICY_TRIGGER_LOCATED:
      return "Once it is known where the youth is";
    case v1::POLICY_TRIGGER_CRIME_LEARNED:
      return "Once a crime against the youth is known";
    case v1::POLICY_TRIGGER_CLOSED:
      return "Once the episode ended without a return";
    case v1::POLICY_TRIGGER_PLACED:
      return "Once the youth is placed";
    default:
      return PlainWord(trigger);
  }
}

}  // namespace

std::string Explain(const v1::PolicyRule& rule) {
  std::string rows;
  AddRule(rule, rows);
  return absl::StrCat(Heading(rule.trigger()), ":\n\n", rows);
}

std::string Explain(const v1::PolicyPack& pack, v1::PolicyTrigger trigger) {
  std::string out = absl::StrCat(pack.name(), " (", pack.pack_id(), ")");
  if (!pack.extends().empty())
    absl::StrAppend(&out, ", over ", absl::StrJoin(pack.extends(), ", "));
  out = absl::StrJoin(Wrapped(out, kColumnsMax), "\n");
  absl::StrAppend(&out, "\nTimes in ", pack.time_zone(), "; a business day ends at ",
                  LocalMinuteText(pack.business_day_ends_minute()), "; \"immediately\" is ",
                  pack.immediately_minutes(), " minutes.\n");
  if (!pack.definition().empty()) {
    absl::StrAppend(&out, absl::StrJoin(Wrapped(pack.definition(), kColumnsMax), "\n"), "\n");
  }
  if (pack.public_release_consent() == v1::PUBLIC_RELEASE_CONSENT_NEVER) {
    out += "Nobody of the agency may consent that the youth is shown in public.\n";
  }
  absl::StrAppend(&out, "Version ", pack.content_hash(), "\n");
  for (int number = 1; v1::PolicyTrigger_IsValid(number); ++number) {
    const auto each = static_cast<v1::PolicyTrigger>(number);
    if (trigger != v1::POLICY_TRIGGER_UNSPECIFIED && trigger != each) continue;
    std::string rows;
    for (const v1::PolicyRule& rule : pack.rules()) {
      if (rule.trigger() == each) AddRule(rule, rows);
    }
    if (!rows.empty()) absl::StrAppend(&out, "\n", Heading(each), ":\n\n", rows);
  }
  return out;
}

}  // namespace porchlight
