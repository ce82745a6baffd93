// The few words in which packs write times: "24 hours from received", "1 business day from done
// police", "4 hours from suspected else received", "next 06:00 from received", "immediately from
// received". Reads and writes the same words. Never guesses.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

// What is expected where these return false; then the window or limit is left alone.
inline constexpr absl::string_view kWindowExpected =
    "expected such as 30 minutes, 24 hours, 7 days, 2 weeks, 1 business day, 3 months, next 06:00 "
    "or immediately";
inline constexpr absl::string_view kLimitExpected =
    "expected such as \"24 hours from received\", \"4 hours from suspected else received\" or \"1 "
    "business day from done RULE\"";

bool ParseWindow(absl::string_view text, v1::PolicyWindow& window);
bool ParseLimit(absl::string_view text, v1::PolicyLimit& limit);
// "17:00" to minutes after midnight, or -1.
int ParseLocalMinute(absl::string_view text);

std::string ToText(const v1::PolicyWindow& window);
std::string ToText(const v1::PolicyAnchorChoice& choice);
std::string ToText(const v1::PolicyLimit& limit);
// "17:00".
std::string LocalMinuteText(uint32_t minute);

}  // namespace porchlight
