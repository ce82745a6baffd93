#include "common/policy/jurisdiction.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"

namespace porchlight {

std::string NormalJurisdiction(absl::string_view typed) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripAsciiWhitespace(typed)),
                             {{"_", "-"}, {" ", "-"}});
}

std::string JurisdictionAbove(absl::string_view jurisdiction) {
  const size_t dash = jurisdiction.rfind('-');
  return std::string(dash == absl::string_view::npos ? kFederalJurisdiction
                                                     : jurisdiction.substr(0, dash));
}

bool IsWithin(absl::string_view jurisdiction, absl::string_view whole) {
  return absl::StartsWith(jurisdiction, whole) &&
         (jurisdiction.size() == whole.size() || jurisdiction[whole.size()] == '-');
}

}  // namespace porchlight
