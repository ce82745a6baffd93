// An HTTP/1.1 server for what comes from outside: links in messages, callbacks of providers, pages.
// It speaks no TLS: from other machines it is reached through a proxy that does. It never trusts
// what it reads, and never logs it: targets hold tokens.
//
// Every response says: not to be cached, nothing to be guessed about its type, no referrer to be
// given (a link's token would be in it), and that a page may load styles and images from here only,
// no scripts, and may not be framed. A handler may replace each of these for its own response.
//
// What a client gets for a request that never reaches a handler, after which its connection ends:
//   400  not HTTP, or an HTTP/1.1 request without exactly one Host
//   413  a body of more than body_bytes_max        431  more headers than header_bytes_max
//   503  connections_max are open
// One that is too slow, or says nothing for idle_limit, loses its connection.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/http/http_router.h"

namespace porchlight {

struct HttpServerOptions {
  std::string listen;  // "127.0.0.1:7380", "[::1]:7380"; port 0 takes any that is free
  uint32_t header_bytes_max = kHttpHeaderBytesMax;
  uint64_t body_bytes_max = kHttpBodyBytesMax;
  size_t connections_max = kHttpConnectionsMax;
  size_t handlers_max = kHttpHandlersMax;  // at once; more wait for their turn
  absl::Duration idle_limit = absl::Seconds(60);
  // From the first byte of a request to its last; the same for taking the response.
  absl::Duration transfer_limit = absl::Seconds(30);
};

class HttpServer {
 public:
  // `clock` gives the Date header and must outlive it. InvalidArgument, Unavailable: the address
  // can't be used; the text says what to do.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(HttpServerOptions options,
                                                           HttpRouter routes, const Clock& clock);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Where it listens, with the port that was taken.
  const std::string& address() const;

  // No new requests; those in progress have `grace` to be answered, then their connections are
  // closed. Returns when no handler runs any more.
  void Stop(absl::Duration grace);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace porchlight
