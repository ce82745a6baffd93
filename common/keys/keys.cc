#include "common/keys/keys.h"

#include "absl/strings/str_cat.h"

namespace porchlight {

std::string KeyName(absl::string_view youth_id) {
  if (youth_id.empty()) return std::string(kAgencyKey);
  return absl::StrCat("youth/", youth_id);
}

}  // namespace porchlight
