#include "common/policy/rule_reader.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/policy/window_text.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

constexpr absl::string_view kDefaultEscalation = "supervisor";
constexpr size_t kRoleLengthMax = 40;
constexpr int kAgeMax = 26;  // 42 USC 671(a)(9)(C)(i)(II): nobody older

template <typename Enum>
void ReadWords(YamlMap& map, absl::string_view key, Presence presence,
               google::protobuf::RepeatedField<int>* values) {
  std::vector<int> places;
  map.Words(key, presence, WordsOf<Enum>(), places);
  if (!map.Has(key)) return;
  values->Clear();
  for (int place : places) values->Add(place + 1);
}

void ReadRole(YamlMap& map, absl::string_view key, Presence presence, std::string& role) {
  map.Text(key, presence, role);
  if (map.Has(key) && !role.empty() && !IsPolicyId(role, kRoleLengthMax)) {
    map.Mistake(key, "it is no role", "expected 1 to 40 characters of a-z, 0-9 and -");
  }
}

template <typename Set>
void ReadAge(YamlMap& map, absl::string_view key, Set set) {
  if (!map.Has(key)) return;
  int64_t age = -1;
  map.Integer(key, 0, kAgeMax, age);
  if (age >= 0) set(static_cast<uint32_t>(age));
}

void ReadWindow(YamlMap& map, absl::string_view key, v1::PolicyWindow* window) {
  std::string text;
  map.Text(key, Presence::kRequired, text);
  if (!text.empty() && !ParseWindow(text, *window)) {
    map.Mistake(key, "it is no window of time", kWindowExpected);
  }
}

void ReadDue(YamlMap& map, Presence presence, v1::PolicyRule& rule) {
  std::vector<YamlText> texts;
  map.Texts("due", presence, texts);
  if (!map.Has("due")) return;
  rule.clear_due();
  for (const YamlText& text : texts) {
    if (ParseLimit(text.text, *rule.add_due())) continue;
    map.MistakeAt(text.line, "due", "it can't be understood", kLimitExpected);
  }
  if (texts.empty()) map.Mistake("due", "it is empty", kLimitExpected);
}

void ReadBegins(YamlMap& map, v1::PolicyRule& rule) {
  std::string text;
  map.Text("begins", Presence::kOptional, text);
  if (!text.empty() && !ParseLimit(text, *rule.mutable_begins())) {
    map.Mistake("begins", "it can't be understood", kLimitExpected);
  }
}

void ReadRecipients(YamlMap& map, v1::PolicyRule& rule) {
  static const auto& words = *new std::vector<std::string>(WordsOf<v1::RecipientKind>());
  if (map.Has("tell")) {
    std::vector<int> places;
    map.Words("tell", Presence::kOptional, words, places);
    rule.clear_recipients();
    for (int place : places) {
      rule.add_recipients()->set_kind(static_cast<v1::RecipientKind>(place + 1));
    }
  }
  const std::vector<absl::string_view> keys(words.begin(), words.end());
  std::optional<YamlMap> except = map.Map("except", keys);
  if (!except.has_value()) return;
  for (v1::PolicyRecipient& recipient : *rule.mutable_recipients()) {
    ReadWords<v1::Circumstance>(*except, WordOf(recipient.kind()), Presence::kOptional,
                                recipient.mutable_exclude_if());
  }
  for (const std::string& word : words) {
    const auto told = [&](const auto& recipient) { return WordOf(recipient.kind()) == word; };
    if (except->Has(word) &&
        std::none_of(rule.recipients().begin(), rule.recipients().end(), told)) {
      except->Mistake(word, "this rule doesn't tell them", "expected one that `tell` names");
    }
  }
}

void ReadOrder(YamlMap& map, v1::PolicyRule& rule) {
  std::vector<YamlText> texts;
  map.Texts("after", Presence::kOptional, texts);
  if (map.Has("after")) {
    rule.clear_after();
    rule.clear_wait_at_most();
    for (const YamlText& text : texts) rule.add_after(text.text);
  }
  if (map.Has("wait_at_most")) ReadWindow(map, "wait_at_most", rule.mutable_wait_at_most());
  if (rule.after().empty() == rule.has_wait_at_most()) {
    map.Mistake(rule.after().empty() ? "after" : "wait_at_most", "it is missing",
                "after and wait_at_most are given together, so that every wait ends");
  }
  map.Text("if_done_before", Presence::kOptional, *rule.mutable_if_done_before());
}

void ReadRepetition(YamlMap& map, v1::PolicyRule& rule) {
  if (std::optional<YamlMap> repeat = map.Map("repeat", {"every", "at_most"})) {
    rule.clear_repetition();
    ReadWindow(*repeat, "every", rule.mutable_repetition()->mutable_every());
    if (rule.repetition().every().unit() == v1::WINDOW_UNIT_IMMEDIATELY) {
      repeat->Mistake("every", "it is no window of time", kWindowExpected);
    }
    int64_t most = 0;
    repeat->Integer("at_most", 2, 1000, most);
    rule.mutable_repetition()->set_at_most(static_cast<uint32_t>(most));
  }
  if (rule.has_repetition() && rule.repetition().at_most() == 0 && rule.ends_when().empty()) {
    map.Mistake("repeat", "it never ends", "expected ends_when beside it, or at_most in it");
  }
}

void ReadWarnings(YamlMap& map, v1::PolicyRule& rule) {
  std::vector<YamlText> texts;
  map.Texts("warn_before", Presence::kOptional, texts);
  if (!map.Has("warn_before")) return;
  rule.clear_warn_before();
  for (const YamlText& text : texts) {
    v1::PolicyWindow& window = *rule.add_warn_before();
    if (!ParseWindow(text.text, window) || window.unit() == v1::WINDOW_UNIT_IMMEDIATELY ||
        window.unit() == v1::WINDOW_UNIT_NEXT_LOCAL_TIME) {
      map.MistakeAt(text.line, "warn_before", "it is no window of time",
                    "expected such as 4 hours or 1 business day");
    }
  }
}

void ReadConditions(YamlMap& map, v1::PolicyRule& rule) {
  ReadWords<v1::Circumstance>(map, "no_wait_if", Presence::kOptional, rule.mutable_no_wait_if());
  ReadAge(map, "no_wait_below_age", [&](uint32_t age) { rule.set_no_wait_below_age(age); });
  ReadAge(map, "age_from", [&](uint32_t age) { rule.set_age_from(age); });
  ReadAge(map, "age_below", [&](uint32_t age) { rule.set_age_below(age); });
  if (rule.has_age_from() && rule.has_age_below() && rule.age_from() >= rule.age_below()) {
    map.Mistake("age_below", "nobody is of such an age", "expected more than age_from");
  }
  ReadWords<v1::Circumstance>(map, "if_any", Presence::kOptional, rule.mutable_if_any());
  ReadWords<v1::Circumstance>(map, "unless", Presence::kOptional, rule.mutable_unless());
}

// Acts that somebody else takes part in.
bool NeedsRecipient(v1::DutyAction action) {
  switch (action) {
    case v1::DUTY_ACTION_NOTIFY:
    case v1::DUTY_ACTION_PAGE:
    case v1::DUTY_ACTION_SUPPLEMENT:
    case v1::DUTY_ACTION_CONFIRM:
    case v1::DUTY_ACTION_REQUEST:
    case v1::DUTY_ACTION_CONTACT:
    case v1::DUTY_ACTION_HANDOVER:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool IsPolicyId(absl::string_view id, size_t longest) {
  return !id.empty() && id.size() <= longest && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

const std::vector<absl::string_view>& RuleKeys() {
  static const auto& keys = *new std::vector<absl::string_view>{"id",
                                                                "title",
                                                                "citation",
                                                                "on",
                                                                "action",
                                                                "tell",
                                                                "except",
                                                                "by",
                                                                "escalate_to",
                                                                "due",
                                                                "ceiling",
                                                                "basis",
                                                                "no_wait_if",
                                                                "no_wait_below_age",
                                                                "age_from",
                                                                "age_below",
                                                                "if_any",
                                                                "unless",
                                                                "if_done_before",
                                                                "begins",
                                                                "after",
                                                                "wait_at_most",
                                                                "repeat",
                                                                "ends_when",
                                                                "proved_by",
                                                                "warn_before",
                                                                "may_be_deferred"};
  return keys;
}

void ReadRule(YamlMap& map, RuleOrigin origin, v1::PolicyRule& rule) {
  const Presence all = origin == RuleOrigin::kNew ? Presence::kRequired : Presence::kOptional;
  map.Text("title", all, *rule.mutable_title());
  // A change of a rule is itself law, and says which.
  rule.clear_citation();
  map.Text("citation", Presence::kRequired, *rule.mutable_citation());
  const int trigger = map.Word("on", all, WordsOf<v1::PolicyTrigger>());
  if (trigger >= 0) rule.set_trigger(static_cast<v1::PolicyTrigger>(trigger + 1));
  const int action = map.Word("action", all, WordsOf<v1::DutyAction>());
  if (action >= 0) rule.set_action(static_cast<v1::DutyAction>(action + 1));
  ReadRecipients(map, rule);
  if (NeedsRecipient(rule.action()) && rule.recipients().empty()) {
    map.Mistake("tell", "nobody is named", "expected who is told, paged or asked");
  }
  ReadRole(map, "by", all, *rule.mutable_by_role());
  if (origin == RuleOrigin::kNew) rule.set_escalate_to(std::string(kDefaultEscalation));
  ReadRole(map, "escalate_to", Presence::kOptional, *rule.mutable_escalate_to());
  ReadDue(map, all, rule);
  const int basis = map.Word("basis", Presence::kOptional, WordsOf<v1::WindowBasis>());
  if (basis >= 0) rule.set_basis(static_cast<v1::WindowBasis>(basis + 1));
  if (rule.basis() == v1::WINDOW_BASIS_UNSPECIFIED) rule.set_basis(v1::WINDOW_BASIS_LAW);
  ReadConditions(map, rule);
  ReadBegins(map, rule);
  ReadOrder(map, rule);
  ReadWords<v1::PolicyTrigger>(map, "ends_when", Presence::kOptional, rule.mutable_ends_when());
  ReadRepetition(map, rule);
  ReadWords<v1::EvidenceKind>(map, "proved_by", all, rule.mutable_proved_by());
  if (map.Has("proved_by") && rule.proved_by().empty()) {
    map.Mistake("proved_by", "it is empty", "expected what shows that the duty was met");
  }
  ReadWarnings(map, rule);
  bool may_be_deferred = rule.may_be_deferred();
  map.Boolean("may_be_deferred", may_be_deferred);
  rule.set_may_be_deferred(may_be_deferred);
}

}  // namespace porchlight
