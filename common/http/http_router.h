// Which handler answers which request. Filled before the server starts; not changed afterwards.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/http/http.h"

namespace porchlight {

// Called on one of the server's threads, several at once: may block, for a bounded time, and throws
// nothing. One that doesn't return delays the server's stop.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

class HttpRouter {
 public:
  // `path` is matched segment by segment; a segment "*" matches any one that isn't empty, and what
  // it was is `captured`. Of several that match the one added first is taken.
  void Get(absl::string_view path, HttpHandler handler);
  void Post(absl::string_view path, HttpHandler handler);

  // Fills `path`, `query` and `captured` from `target` and calls the handler. 400: the target can't
  // be understood; 404: no such path; 405: none for this method.
  HttpResponse Answer(HttpRequest request) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    HttpHandler handler;
  };
  void Add(absl::string_view method, absl::string_view path, HttpHandler handler);

  std::vector<Route> routes_;
};

}  // namespace porchlight
