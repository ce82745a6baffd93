// See http_server.h. One thread does all reading and writing, by coroutines; handlers run on a
// small pool, since they may block. Everything but handlers is touched by that one thread only.
#include "common/http/http_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <exception>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/logger/logger.h"

namespace porchlight {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

// Errors come back as values.
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr absl::Duration kLingerLimit = absl::Seconds(2);
constexpr size_t kLingerBytesMax = 4u << 20;
constexpr size_t kFirstReadBytes = 4096;

constexpr std::pair<const char*, const char*> kDefaultHeaders[] = {
    {"Cache-Control", "no-store"},
    {"Content-Security-Policy",
     "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
     "frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
    {"X-Content-Type-Options", "nosniff"},
};

constexpr absl::string_view kFull =
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 37\r\n\r\n"
    "Too many connections: try again soon\n";

std::string ToString(beast::string_view text) { return {text.data(), text.size()}; }

// What a client is told whose request could not be read; nothing if it isn't there to hear it.
std::optional<HttpResponse> AnswerTo(const error_code& error) {
  if (error == http::error::header_limit) {
    return PlainText(431, "The headers of this request are too large.");
  }
  if (error == http::error::body_limit) {
    return PlainText(413, "The body of this request is too large.");
  }
  if (error.category() != make_error_code(http::error::bad_method).category() ||
      error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  return PlainText(400, "This request can't be understood: it isn't valid HTTP/1.1.");
}

bool WantsContinue(const Parser& parser) {
  return parser.get().version() == 11 &&
         beast::iequals(parser.get()[http::field::expect], "100-continue");
}

HttpRequest ToRequest(Parser::value_type message, std::string remote) {
  HttpRequest request;
  request.method = message.method() == http::verb::head ? "GET" : ToString(message.method_string());
  request.target = ToString(message.target());
  for (const auto& field : message) {
    std::string& value = request.headers[absl::AsciiStrToLower(ToString(field.name_string()))];
    absl::StrAppend(&value, value.empty() ? "" : ", ", ToString(field.value()));
  }
  request.body = std::move(message.body());
  request.remote = std::move(remote);
  return request;
}

bool IsOneLine(absl::string_view text) {
  return text.find_first_of(absl::string_view("\r\n\0", 3)) == absl::string_view::npos;
}

// A value with a line break would forge headers, and a page, of its own.
bool HeadersAreSound(const HttpResponse& response) {
  return IsOneLine(response.content_type) &&
         std::all_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
           return IsOneLine(header.first) && IsOneLine(header.second);
         });
}

http::response<http::string_body> ToMessage(HttpResponse response, bool only_head, absl::Time now) {
  if (!HeadersAreSound(response)) {
    LogLine(LogLevel::kError, "a handler's response had a line break in a header");
    response = PlainText(500, "Something went wrong here; the people who run this can see it.");
  }
  http::response<http::string_body> message;
  message.version(11);
  message.result(static_cast<unsigned>(response.status));
  message.set(http::field::date,
              absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", now, absl::UTCTimeZone()));
  for (const auto& [name, value] : kDefaultHeaders) message.set(name, value);
  const bool has_body = response.status != 204 && response.status != 304;
  if (has_body) {
    message.set(http::field::content_type, response.content_type);
    message.content_length(response.body.size());
  }
  for (const auto& [name, value] : response.headers) message.set(name, value);
  if (has_body && !only_head) message.body() = std::move(response.body);
  return message;
}

absl::StatusOr<tcp::endpoint> ParseListen(absl::string_view listen) {
  const size_t colon = listen.rfind(':');
  absl::string_view host = listen.substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  uint32_t port = 0;
  error_code error;
  const asio::ip::address address =
      asio::ip::make_address(host == "localhost" ? "127.0.0.1" : std::string(host), error);
  if (error || colon == absl::string_view::npos ||
      !absl::SimpleAtoi(listen.substr(colon + 1), &port) || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat("can't listen for HTTP on ", listen,
                     ": expected ADDRESS:PORT, such as 127.0.0.1:7380 or [::1]:7380"));
  }
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

// A coroutine ends with nothing, unless a handler threw or memory ran out.
void EndOfCoroutine(std::exception_ptr thrown) {
  if (thrown != nullptr) LogLine(LogLevel::kError, "an HTTP connection broke off by an error");
}

struct Connection {
  explicit Connection(tcp::socket socket) : stream(std::move(socket)) {}

  beast::tcp_stream stream;
  beast::flat_buffer buffer;  // may hold the beginning of the next request
  std::string remote;
  bool idle = false;  // nothing would be lost if it were closed now
};

}  // namespace

class HttpServer::Impl {
 public:
  Impl(HttpServerOptions options, HttpRouter routes, const Clock& clock)
      : options_(std::move(options)),
        routes_(std::move(routes)),
        clock_(clock),
        handlers_(options_.handlers_max) {}

  absl::Status Listen() {
    const absl::StatusOr<tcp::endpoint> endpoint = ParseListen(options_.listen);
    if (!endpoint.ok()) return endpoint.status();
    error_code error;
    acceptor_.open(endpoint->protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(*endpoint, error);
    if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
    if (error) {
      return absl::UnavailableError(absl::StrCat(
          "can't listen for HTTP on ", options_.listen, ": ", error.message(),
          ". Find out with `ss -ltnp` which program uses this port and end it, or choose another "
          "address."));
    }
    const std::string host = options_.listen.substr(0, options_.listen.rfind(':'));
    address_ = absl::StrCat(host, ":", acceptor_.local_endpoint().port());
    asio::co_spawn(io_, Accept(), &EndOfCoroutine);
    thread_ = std::thread([this] { io_.run(); });
    return absl::OkStatus();
  }

  const std::string& address() const { return address_; }

  void Stop(absl::Duration grace) {
    if (!thread_.joinable()) return;
    asio::post(io_, [this, grace] { BeginToStop(grace); });
    thread_.join();  // when the last connection has ended
    handlers_.join();
  }

 private:
  void BeginToStop(absl::Duration grace) {
    stopping_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    accept_pause_.cancel();
    for (Connection* connection : connections_) {
      if (connection->idle) connection->stream.close();
    }
    if (connections_.empty()) return;
    grace_.expires_after(absl::ToChronoMilliseconds(grace));
    grace_.async_wait([this](const error_code& error) {
      if (error) return;
      for (Connection* connection : connections_) connection->stream.close();
    });
  }

  asio::awaitable<void> Accept() {
    while (!stopping_) {
      auto [error, socket] = co_await acceptor_.async_accept(kAwait);
      if (stopping_) co_return;
      if (error) {
        // Such as too many open files: some must end before another can begin.
        accept_pause_.expires_after(absl::ToChronoMilliseconds(kAcceptPause));
        co_await accept_pause_.async_wait(kAwait);
      } else if (connections_.size() >= options_.connections_max) {
        error_code ignored;
        socket.non_blocking(true, ignored);
        socket.write_some(asio::buffer(kFull.data(), kFull.size()), ignored);
      } else {
        asio::co_spawn(io_, Serve(std::move(socket)), &EndOfCoroutine);
      }
    }
  }

  asio::awaitable<void> Serve(tcp::socket socket) {
    Connection connection(std::move(socket));
    error_code ignored;
    connection.remote = connection.stream.socket().remote_endpoint(ignored).address().to_string();
    connection.stream.socket().set_option(tcp::no_delay(true), ignored);
    connections_.insert(&connection);
    const auto leave = absl::MakeCleanup([this, &connection] {
      connections_.erase(&connection);
      if (connections_.empty()) grace_.cancel();
    });
    while (co_await Begins(connection)) {
      if (!co_await ServeOne(connection)) break;
    }
  }

  // Whether another request begins.
  asio::awaitable<bool> Begins(Connection& connection) {
    if (connection.buffer.size() > 0) co_return true;
    if (stopping_) co_return false;
    connection.idle = true;
    connection.stream.expires_after(absl::ToChronoMilliseconds(options_.idle_limit));
    const auto [error, size] = co_await connection.stream.async_read_some(
        connection.buffer.prepare(kFirstReadBytes), kAwait);
    connection.buffer.commit(size);
    connection.idle = false;
    co_return !error;
  }

  // Whether the connection can serve another.
  asio::awaitable<bool> ServeOne(Connection& connection) {
    Parser parser;
    parser.header_limit(options_.header_bytes_max);
    parser.body_limit(options_.body_bytes_max);
    const error_code error = co_await Read(connection, parser);
    if (error) {
      std::optional<HttpResponse> answer = AnswerTo(error);
      if (answer.has_value()) co_await WriteLast(connection, *std::move(answer));
      co_return false;
    }
    if (parser.get().version() == 11 && parser.get().count(http::field::host) != 1) {
      co_await WriteLast(connection, PlainText(400, "This request must have one Host header."));
      co_return false;
    }
    const bool only_head = parser.get().method() == http::verb::head;
    const bool keep_alive = parser.get().keep_alive();
    HttpResponse response = co_await asio::co_spawn(
        handlers_.get_executor(), Handle(ToRequest(parser.release(), connection.remote)),
        asio::use_awaitable);
    http::response<http::string_body> message =
        ToMessage(std::move(response), only_head, clock_.Now());
    message.keep_alive(keep_alive && !stopping_);
    co_return co_await Write(connection, message) && message.keep_alive();
  }

  asio::awaitable<error_code> Read(Connection& connection, Parser& parser) {
    connection.stream.expires_after(absl::ToChronoMilliseconds(options_.transfer_limit));
    const auto [header_error, header_size] =
        co_await http::async_read_header(connection.stream, connection.buffer, parser, kAwait);
    if (header_error) co_return header_error;
    if (WantsContinue(parser)) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      const auto [error, size] = co_await http::async_write(connection.stream, go_on, kAwait);
      if (error) co_return error;
    }
    const auto [error, size] =
        co_await http::async_read(connection.stream, connection.buffer, parser, kAwait);
    co_return error;
  }

  // On a thread of the pool.
  asio::awaitable<HttpResponse> Handle(HttpRequest request) {
    co_return routes_.Answer(std::move(request));
  }

  asio::awaitable<bool> Write(Connection& connection, http::response<http::string_body>& message) {
    connection.stream.expires_after(absl::ToChronoMilliseconds(options_.transfer_limit));
    const auto [error, size] = co_await http::async_write(connection.stream, message, kAwait);
    co_return !error;
  }

  // To close with something unread would take the answer back: what still comes is read and thrown
  // away, for a while.
  asio::awaitable<void> WriteLast(Connection& connection, HttpResponse response) {
    http::response<http::string_body> message =
        ToMessage(std::move(response), /*only_head=*/false, clock_.Now());
    message.keep_alive(false);
    if (!co_await Write(connection, message)) co_return;
    error_code ignored;
    connection.stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    connection.idle = true;
    connection.stream.expires_after(absl::ToChronoMilliseconds(kLingerLimit));
    connection.buffer.clear();
    for (size_t thrown_away = 0; !stopping_ && thrown_away < kLingerBytesMax;) {
      const auto [error, size] = co_await connection.stream.async_read_some(
          connection.buffer.prepare(kFirstReadBytes), kAwait);
      if (error) co_return;
      thrown_away += size;
    }
  }

  const HttpServerOptions options_;
  const HttpRouter routes_;
  const Clock& clock_;
  std::string address_;
  bool stopping_ = false;
  std::set<Connection*> connections_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer accept_pause_{io_};
  asio::steady_timer grace_{io_};
  asio::thread_pool handlers_;
  std::thread thread_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(HttpServerOptions options,
                                                              HttpRouter routes,
                                                              const Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(routes), clock);
  if (absl::Status listening = impl->Listen(); !listening.ok()) return listening;
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() { Stop(absl::ZeroDuration()); }

const std::string& HttpServer::address() const { return impl_->address(); }

void HttpServer::Stop(absl::Duration grace) { impl_->Stop(grace); }

}  // namespace porchlight
