// A request and its response, as handlers see them. Nothing here knows the library that speaks
// HTTP.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/base/form.h"

namespace porchlight {

struct HttpRequest {
  std::string method;  // GET or POST; a HEAD comes as the GET that it asks about
  std::string target;  // path and query as they came, such as "/links/a%20b?x=1"
  std::string path;    // decoded
  FormFields query;
  std::map<std::string, std::string>
      headers;  // names in small letters; repeated ones joined by ", "
  std::string body;
  std::string remote;  // address of the peer, without port: a proxy's, if one stands before us
  std::vector<std::string> captured;  // what stood for each "*" of the route

  // Empty if there is none of this name; `name` in small letters.
  absl::string_view Header(absl::string_view name) const;
  absl::string_view Query(absl::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  std::string body = {};
  std::string content_type = "text/plain; charset=utf-8";
  // Instead of or beside those that every response has (http_server.h).
  std::map<std::string, std::string> headers = {};
};

// A page of plain text that says what happened, with a line break at its end.
HttpResponse PlainText(int status, absl::string_view text);

}  // namespace porchlight
