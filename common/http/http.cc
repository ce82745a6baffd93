// See http.h.
#include "common/http/http.h"

#include "absl/strings/str_cat.h"

namespace porchlight {

absl::string_view HttpRequest::Header(absl::string_view name) const {
  const auto found = headers.find(std::string(name));
  return found == headers.end() ? absl::string_view() : found->second;
}

absl::string_view HttpRequest::Query(absl::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return "";
}

HttpResponse PlainText(int status, absl::string_view text) {
  return {.status = status, .body = absl::StrCat(text, "\n")};
}

}  // namespace porchlight
