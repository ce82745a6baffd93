// See http_router.h.
#include "common/http/http_router.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace porchlight {
namespace {

bool IsText(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

// What stood for each "*"; nothing if it doesn't match.
std::optional<std::vector<std::string>> Match(const std::vector<std::string>& pattern,
                                              const std::vector<std::string>& segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  std::vector<std::string> captured;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "*" && !segments[i].empty()) {
      captured.push_back(segments[i]);
    } else if (pattern[i] != segments[i]) {
      return std::nullopt;
    }
  }
  return captured;
}

// The path's segments; a "%2F" in one doesn't part it. Fills `path` and `query`.
absl::StatusOr<std::vector<std::string>> ReadTarget(HttpRequest& request) {
  if (!absl::StartsWith(request.target, "/")) {
    return absl::InvalidArgumentError("the target must be a path that begins with /");
  }
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(request.target, absl::MaxSplits('?', 1));
  std::vector<std::string> segments;
  for (absl::string_view part : absl::StrSplit(parts.first.substr(1), '/')) {
    absl::StatusOr<std::string> segment = PercentDecode(part);
    if (!segment.ok()) return segment.status();
    if (!IsText(*segment)) {
      return absl::InvalidArgumentError("the path must not hold control characters");
    }
    segments.push_back(*std::move(segment));
  }
  request.path = absl::StrCat("/", absl::StrJoin(segments, "/"));
  absl::StatusOr<FormFields> query = ParseForm(parts.second);
  if (!query.ok()) return query.status();
  request.query = *std::move(query);
  return segments;
}

}  // namespace

void HttpRouter::Get(absl::string_view path, HttpHandler handler) {
  Add("GET", path, std::move(handler));
}

void HttpRouter::Post(absl::string_view path, HttpHandler handler) {
  Add("POST", path, std::move(handler));
}

void HttpRouter::Add(absl::string_view method, absl::string_view path, HttpHandler handler) {
  routes_.push_back({std::string(method), absl::StrSplit(path.substr(1), '/'), std::move(handler)});
}

HttpResponse HttpRouter::Answer(HttpRequest request) const {
  const absl::StatusOr<std::vector<std::string>> segments = ReadTarget(request);
  if (!segments.ok()) {
    return PlainText(
        400, absl::StrCat("This address can't be understood: ", segments.status().message(), "."));
  }
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    std::optional<std::vector<std::string>> captured = Match(route.segments, *segments);
    if (!captured.has_value()) continue;
    if (route.method == request.method) {
      request.captured = *std::move(captured);
      return route.handler(request);
    }
    allowed.insert(route.method == "GET" ? "GET, HEAD" : route.method);
  }
  if (allowed.empty()) return PlainText(404, "There is no such page.");
  HttpResponse response = PlainText(405, "This page can't be asked for in this way.");
  response.headers["Allow"] = absl::StrJoin(allowed, ", ");
  return response;
}

}  // namespace porchlight
