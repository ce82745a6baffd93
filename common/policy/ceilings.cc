#include "common/policy/ceilings.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "common/policy/window_text.h"
#include "common/policy/words.h"
#include "google/protobuf/util/message_differencer.h"

namespace porchlight {
namespace {

constexpr int64_t kHour = 60;
constexpr int64_t kDay = 24 * kHour;

// In minutes, over all the days of all the years.
struct Length {
  int64_t shortest;
  int64_t longest;
};

Length LengthOf(const v1::PolicyWindow& window, uint32_t immediately_minutes) {
  const int64_t count = window.count();
  switch (window.unit()) {
    case v1::WINDOW_UNIT_IMMEDIATELY:
      return {immediately_minutes, immediately_minutes};
    case v1::WINDOW_UNIT_MINUTES:
      return {count, count};
    case v1::WINDOW_UNIT_HOURS:
      return {count * kHour, count * kHour};
    case v1::WINDOW_UNIT_DAYS:
      return {count * kDay - kHour, count * kDay + kHour};
    case v1::WINDOW_UNIT_BUSINESS_DAYS:
      return {1, INT64_MAX};
    case v1::WINDOW_UNIT_MONTHS:
      return {count * 28 * kDay - kHour, count * 31 * kDay + kHour};
    case v1::WINDOW_UNIT_NEXT_LOCAL_TIME:
      return {1, kDay + kHour};
    default:
      return {0, INT64_MAX};
  }
}

bool IsLonger(const v1::PolicyWindow& window, const v1::PolicyWindow& ceiling,
              uint32_t immediately_minutes) {
  if (window.unit() == ceiling.unit() && window.local_minute() == ceiling.local_minute()) {
    return window.count() > ceiling.count();
  }
  return LengthOf(window, immediately_minutes).longest >
         LengthOf(ceiling, immediately_minutes).shortest;
}

bool SameStart(const v1::PolicyLimit& a, const v1::PolicyLimit& b) {
  return !a.from().empty() && !b.from().empty() &&
         google::protobuf::util::MessageDifferencer::Equals(a.from(0), b.from(0));
}

bool Has(const google::protobuf::RepeatedField<int>& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Whether all of `values` are among `of`.
bool AmongThem(const google::protobuf::RepeatedField<int>& values,
               const google::protobuf::RepeatedField<int>& of) {
  return std::all_of(values.begin(), values.end(), [&](int value) { return Has(of, value); });
}

void CheckDue(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
              uint32_t immediately_minutes, std::vector<Loosening>& found) {
  for (const v1::PolicyLimit& most : ceiling.ceilings()) {
    for (const v1::PolicyLimit& due : changed.due()) {
      if (!SameStart(due, most) || !IsLonger(due.window(), most.window(), immediately_minutes)) {
        continue;
      }
      found.push_back({"due",
                       absl::StrCat("\"", ToText(due), "\" can be later than \"", ToText(most),
                                    "\", which is a ceiling (", ceiling.citation(), ")"),
                       absl::StrCat("expected ", ToText(most.window()), " or sooner")});
    }
  }
}

void CheckScope(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
                std::vector<Loosening>& found) {
  constexpr absl::string_view kSame = "expected all whom the ceiling's rule is about";
  const uint32_t from = ceiling.has_age_from() ? ceiling.age_from() : 0;
  if (changed.has_age_from() && changed.age_from() > from) {
    found.push_back({"age_from", "it leaves out ages that a ceiling includes", std::string(kSame)});
  }
  const bool below = ceiling.has_age_below() ? changed.age_below() < ceiling.age_below() : true;
  if (changed.has_age_below() && below) {
    found.push_back(
        {"age_below", "it leaves out ages that a ceiling includes", std::string(kSame)});
  }
  const bool narrower =
      ceiling.if_any().empty()
          ? !changed.if_any().empty()
          : !changed.if_any().empty() && !AmongThem(ceiling.if_any(), changed.if_any());
  if (narrower) {
    found.push_back({"if_any", "it narrows a rule that is a ceiling", std::string(kSame)});
  }
  if (!AmongThem(changed.unless(), ceiling.unless())) {
    found.push_back({"unless", "it narrows a rule that is a ceiling", std::string(kSame)});
  }
  if (!changed.if_done_before().empty() && changed.if_done_before() != ceiling.if_done_before()) {
    found.push_back({"if_done_before", "it narrows a rule that is a ceiling", std::string(kSame)});
  }
}

void CheckAct(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
              std::vector<Loosening>& found) {
  if (changed.trigger() != ceiling.trigger()) {
    found.push_back({"on", "it changes a rule that is a ceiling",
                     absl::StrCat("expected ", WordOf(ceiling.trigger()))});
  }
  if (changed.action() != ceiling.action()) {
    found.push_back({"action", "it changes a rule that is a ceiling",
                     absl::StrCat("expected ", WordOf(ceiling.action()))});
  }
  for (const v1::PolicyRecipient& told : ceiling.recipients()) {
    const auto same = std::find_if(changed.recipients().begin(), changed.recipients().end(),
                                   [&](const auto& one) { return one.kind() == told.kind(); });
    if (same == changed.recipients().end()) {
      found.push_back({"tell", "it leaves out somebody whom a ceiling's rule tells",
                       absl::StrCat("expected ", WordOf(told.kind()), " among them")});
    } else if (!AmongThem(same->exclude_if(), told.exclude_if())) {
      found.push_back({"except", "it excludes somebody whom a ceiling's rule tells",
                       absl::StrCat("expected no more for ", WordOf(told.kind()))});
    }
  }
  if (!AmongThem(changed.proved_by(), ceiling.proved_by())) {
    found.push_back({"proved_by", "it takes less for proof than a ceiling's rule",
                     "expected some of what that rule takes, and nothing else"});
  }
  if (!AmongThem(changed.ends_when(), ceiling.ends_when())) {
    found.push_back({"ends_when", "it ends a duty that a ceiling keeps open",
                     "expected no more than that rule has"});
  }
  if (changed.has_begins() && !ceiling.has_begins()) {
    found.push_back({"begins", "it puts off a duty that is a ceiling", "expected none here"});
  }
  if (changed.may_be_deferred()) {
    found.push_back(
        {"may_be_deferred", "nobody may put off a duty that is a ceiling", "expected false"});
  }
}

void CheckUrgency(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
                  uint32_t immediately_minutes, std::vector<Loosening>& found) {
  if (!AmongThem(ceiling.no_wait_if(), changed.no_wait_if())) {
    found.push_back({"no_wait_if", "it leaves out what removes any wait by a ceiling's rule",
                     "expected all that that rule has"});
  }
  if (ceiling.no_wait_below_age() > changed.no_wait_below_age()) {
    found.push_back({"no_wait_below_age", "it lets somebody wait whom a ceiling's rule does not",
                     absl::StrCat("expected ", ceiling.no_wait_below_age(), " or more")});
  }
  if (!ceiling.has_repetition()) return;
  const v1::PolicyRepetition& least = ceiling.repetition();
  const v1::PolicyRepetition& repeat = changed.repetition();
  const bool fewer =
      repeat.at_most() != 0 && (least.at_most() == 0 || repeat.at_most() < least.at_most());
  if (!changed.has_repetition() || fewer ||
      IsLonger(repeat.every(), least.every(), immediately_minutes)) {
    found.push_back({"repeat", "it repeats less often than a ceiling's rule",
                     absl::StrCat("expected every ", ToText(least.every()), " or more often")});
  }
}

}  // namespace

std::vector<Loosening> Loosened(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
                                uint32_t immediately_minutes) {
  std::vector<Loosening> found;
  CheckDue(ceiling, changed, immediately_minutes, found);
  CheckScope(ceiling, changed, found);
  CheckAct(ceiling, changed, found);
  CheckUrgency(ceiling, changed, immediately_minutes, found);
  return found;
}

}  // namespace porchlight
