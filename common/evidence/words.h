// What records say, in plain words for a person who has never seen this program. Words never blame,
// and never say more than the record does: a field that was cleared before isn't told.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"

namespace porchlight {

// Of a record's type: "Proof typed in". Of a type that this version doesn't know, its name.
std::string WordsOfType(absl::string_view type);

// What the record itself says, a sentence each; none where its type says all. Safe to print.
std::vector<std::string> DetailsOf(const google::protobuf::Message& payload, absl::TimeZone zone);

// "2026-01-31 23:59:59 -0600".
std::string TimeWords(absl::Time time, absl::TimeZone zone);

// In one line: what could move a terminal, or turn the direction of writing, is shown as what it
// is.
std::string SafeText(absl::string_view text);

}  // namespace porchlight
