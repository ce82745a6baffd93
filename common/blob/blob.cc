#include "common/blob/blob.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace porchlight {

absl::Status CheckBlobName(absl::string_view name) {
  bool ok = !name.empty() && name.size() <= 200 && name[0] != '.';
  for (char c : name) ok = ok && (absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.');
  if (ok) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("a blob's name must be 1 to 200 characters of A-Z, a-z, 0-9, -, _ and ., not "
                   "starting with a dot; this one has ",
                   name.size(), " characters"));
}

absl::Status NoSuchBlob(absl::string_view name) {
  return absl::NotFoundError(absl::StrCat("there is no blob ", name));
}

}  // namespace porchlight
