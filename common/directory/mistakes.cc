#include "common/directory/mistakes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"

namespace porchlight {
namespace {

constexpr size_t kLinesMax = 50;
constexpr size_t kJurisdictionLengthMax = 64;

}  // namespace

void Mistakes::Malformed(absl::string_view entry, absl::string_view wrong) {
  malformed.push_back(absl::StrCat(entry, ": ", wrong));
}

void Mistakes::Broken(absl::string_view entry, absl::string_view wrong) {
  broken.push_back(absl::StrCat(entry, ": ", wrong));
}

absl::Status Mistakes::ToStatus() const {
  if (!any()) return absl::OkStatus();
  std::vector<std::string> lines = malformed;
  lines.insert(lines.end(), broken.begin(), broken.end());
  if (lines.size() > kLinesMax) {
    const size_t more = lines.size() - kLinesMax;
    lines.resize(kLinesMax);
    lines.push_back(absl::StrCat("and ", more, " more"));
  }
  lines.push_back("Nothing was changed.");
  const std::string text = absl::StrJoin(lines, "\n");
  return malformed.empty() ? absl::FailedPreconditionError(text) : absl::InvalidArgumentError(text);
}

bool IsWord(absl::string_view text, size_t longest) {
  return !text.empty() && text.size() <= longest &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool IsOpaqueId(absl::string_view text) { return CheckId("", text).ok(); }

std::string EntryName(absl::string_view what, absl::string_view id, int place) {
  return IsOpaqueId(id) ? absl::StrCat(what, " ", id) : absl::StrCat(what, " number ", place + 1);
}

void CheckJurisdictions(const std::string& entry,
                        const google::protobuf::RepeatedPtrField<std::string>& jurisdictions,
                        Mistakes& mistakes) {
  for (const std::string& jurisdiction : jurisdictions) {
    if (IsWord(jurisdiction, kJurisdictionLengthMax)) continue;
    mistakes.Malformed(entry,
                       "one of its jurisdictions is none; write each such as us-tx, in a-z, 0-9 "
                       "and -");
  }
}

}  // namespace porchlight
