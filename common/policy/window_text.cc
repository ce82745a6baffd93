#include "common/policy/window_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/policy/words.h"

namespace porchlight {
namespace {

struct Unit {
  absl::string_view word;  // of one; of more it ends in s
  v1::WindowUnit unit;
  uint32_t each;
  uint32_t most;
};

// No window is longer than some years: what is longer is a slip of the hand.
constexpr Unit kUnits[] = {{"minute", v1::WINDOW_UNIT_MINUTES, 1, 100'000},
                           {"hour", v1::WINDOW_UNIT_HOURS, 1, 10'000},
                           {"business day", v1::WINDOW_UNIT_BUSINESS_DAYS, 1, 100},
                           {"day", v1::WINDOW_UNIT_DAYS, 1, 1000},
                           {"week", v1::WINDOW_UNIT_DAYS, 7, 100},
                           {"month", v1::WINDOW_UNIT_MONTHS, 1, 60}};

bool ParseAnchor(absl::string_view text, v1::PolicyAnchorChoice& choice) {
  if (absl::ConsumePrefix(&text, "done ")) {
    choice.set_rule_id(std::string(text));
    return !text.empty() && text.find(' ') == absl::string_view::npos;
  }
  const std::vector<std::string> words = WordsOf<v1::PolicyAnchor>();
  const auto found = std::find(words.begin(), words.end(), text);
  if (found == words.end()) return false;
  choice.set_anchor(static_cast<v1::PolicyAnchor>(found - words.begin() + 1));
  return true;
}

}  // namespace

int ParseLocalMinute(absl::string_view text) {
  int hour = 0;
  int minute = 0;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ':');
  const bool digits = text.size() == 5 && parts.size() == 2 && parts[0].size() == 2 &&
                      absl::SimpleAtoi(parts[0], &hour) && absl::SimpleAtoi(parts[1], &minute);
  if (!digits || hour < 0 || hour > 23 || minute < 0 || minute > 59) return -1;
  return hour * 60 + minute;
}

bool ParseWindow(absl::string_view text, v1::PolicyWindow& window) {
  v1::PolicyWindow parsed;
  if (text == "immediately") {
    parsed.set_unit(v1::WINDOW_UNIT_IMMEDIATELY);
    window = parsed;
    return true;
  }
  if (absl::ConsumePrefix(&text, "next ")) {
    const int minute = ParseLocalMinute(text);
    if (minute < 0) return false;
    parsed.set_unit(v1::WINDOW_UNIT_NEXT_LOCAL_TIME);
    parsed.set_count(1);
    parsed.set_local_minute(static_cast<uint32_t>(minute));
    window = parsed;
    return true;
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(' ', 1));
  uint32_t count = 0;
  if (!absl::SimpleAtoi(parts.first, &count) || count == 0) return false;
  for (const Unit& unit : kUnits) {
    const bool named = parts.second == unit.word || parts.second == absl::StrCat(unit.word, "s");
    if (!named || count > unit.most) continue;
    parsed.set_unit(unit.unit);
    parsed.set_count(count * unit.each);
    window = parsed;
    return true;
  }
  return false;
}

bool ParseLimit(absl::string_view text, v1::PolicyLimit& limit) {
  v1::PolicyLimit parsed;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits(" from ", 1));
  if (!ParseWindow(parts.first, *parsed.mutable_window())) return false;
  for (absl::string_view anchor : absl::StrSplit(parts.second, " else ")) {
    if (!ParseAnchor(anchor, *parsed.add_from())) return false;
  }
  if (parsed.from().empty()) return false;  // nothing splits into nothing
  limit = parsed;
  return true;
}

std::string LocalMinuteText(uint32_t minute) {
  return absl::StrFormat("%02d:%02d", minute / 60, minute % 60);
}

std::string ToText(const v1::PolicyWindow& window) {
  if (window.unit() == v1::WINDOW_UNIT_IMMEDIATELY) return "immediately";
  if (window.unit() == v1::WINDOW_UNIT_NEXT_LOCAL_TIME) {
    return absl::StrCat("next ", LocalMinuteText(window.local_minute()));
  }
  for (const Unit& unit : kUnits) {
    if (unit.unit != window.unit()) continue;
    return absl::StrCat(window.count(), " ", unit.word, window.count() == 1 ? "" : "s");
  }
  return "unknown";  // of a later version
}

std::string ToText(const v1::PolicyAnchorChoice& choice) {
  return choice.rule_id().empty() ? WordOf(choice.anchor())
                                  : absl::StrCat("done ", choice.rule_id());
}

std::string ToText(const v1::PolicyLimit& limit) {
  std::string text = ToText(limit.window());
  absl::string_view between = " from ";
  for (const v1::PolicyAnchorChoice& choice : limit.from()) {
    absl::StrAppend(&text, between, ToText(choice));
    between = " else ";
  }
  return text;
}

}  // namespace porchlight
