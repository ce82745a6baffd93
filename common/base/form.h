// The encoding of HTML forms and of queries in URLs: name=value pairs, percent-encoded. Never
// guesses what a broken sequence might have meant: it refuses.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace porchlight {

// In the order given; a name may come more than once.
using FormFields = std::vector<std::pair<std::string, std::string>>;

// All but A-Z, a-z, 0-9, '-', '.', '_' and '~' as %XX.
std::string PercentEncode(absl::string_view text);

// InvalidArgument: a '%' that two hexadecimal digits don't follow.
absl::StatusOr<std::string> PercentDecode(absl::string_view text);

std::string EncodeForm(const FormFields& fields);

// '+' is a blank. A name without '=' has an empty value; empty pairs are skipped.
absl::StatusOr<FormFields> ParseForm(absl::string_view text);

}  // namespace porchlight
