// The HTTP server against clients of every kind, over real connections.
#include "common/http/http_server.h"

#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/raw_client.h"

namespace porchlight::http_server_test {
namespace {

using porchlight::testing::RawClient;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr char kGet[] = "GET /hello HTTP/1.1\r\nHost: a.example\r\n\r\n";
constexpr char kHeld[] = "GET /held HTTP/1.1\r\nHost: a.example\r\n\r\n";

std::string Post(absl::string_view body, absl::string_view headers = "") {
  return absl::StrCat("POST /echo HTTP/1.1\r\nHost: a.example\r\n", headers,
                      "Content-Length: ", body.size(), "\r\n\r\n", body);
}

class HttpServerTest : public ::testing::Test {
 protected:
  ~HttpServerTest() override {
    Release();
    server_.reset();
  }

  HttpServerOptions Options() const { return {.listen = "127.0.0.1:0"}; }

  void Start(HttpServerOptions options) {
    HttpRouter routes;
    routes.Get("/hello", [](const HttpRequest&) { return HttpResponse{.body = "hello"}; });
    routes.Get("/items/*", [](const HttpRequest& request) {
      return HttpResponse{.body = absl::StrCat(request.captured[0], " ", request.Query("x"), " ",
                                               request.remote, " ", request.Header("x-a"))};
    });
    routes.Post("/echo",
                [](const HttpRequest& request) { return HttpResponse{.body = request.body}; });
    routes.Get("/nothing", [](const HttpRequest&) { return HttpResponse{.status = 204}; });
    routes.Get("/page", [](const HttpRequest&) {
      return HttpResponse{.body = "<p>",
                          .content_type = "text/html",
                          .headers = {{"Cache-Control", "max-age=60"}, {"X-Own", "yes"}}};
    });
    routes.Get("/forged", [](const HttpRequest&) {
      return HttpResponse{.headers = {{"Location", "/a\r\nSet-Cookie: b=c"}}};
    });
    routes.Get("/throws", [](const HttpRequest&) -> HttpResponse {
      throw std::runtime_error("a mistake of ours");
    });
    routes.Get("/held", [this](const HttpRequest&) {
      absl::MutexLock lock(&mutex_);
      ++held_;
      mutex_.Await(absl::Condition(&released_));
      return HttpResponse{.body = "at last"};
    });
    auto server = HttpServer::Start(std::move(options), std::move(routes), clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  void Release() {
    absl::MutexLock lock(&mutex_);
    released_ = true;
  }
  // Handlers that have been called and don't return yet.
  bool WaitForHeld(int count) {
    const auto enough = [this, count] {
      mutex_.AssertReaderHeld();
      return held_ >= count;
    };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(20));
  }

  // Of a request on a connection of its own; 0 if there was no answer.
  int StatusOf(absl::string_view request) {
    RawClient client(server_->address());
    client.Send(request);
    const auto response = client.Read();
    return response.has_value() ? response->status : 0;
  }
  bool IsWell() { return StatusOf(kGet) == 200; }

  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  absl::Mutex mutex_;
  bool released_ = false;
  int held_ = 0;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersWithCautiousHeaders) {
  Start(Options());
  RawClient client(server_->address());
  client.Send(kGet);
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->body, "hello");
  const std::map<std::string, std::string> expected = {
      {"date", "Tue, 14 Nov 2023 22:13:20 GMT"},
      {"cache-control", "no-store"},
      {"content-length", "5"},
      {"content-type", "text/plain; charset=utf-8"},
      {"content-security-policy",
       "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
       "base-uri 'none'; frame-ancestors 'none'"},
      {"referrer-policy", "no-referrer"},
      {"x-content-type-options", "nosniff"},
  };
  EXPECT_EQ(response->headers, expected);
}

TEST_F(HttpServerTest, HandlerHasTheLastWordOnHeaders) {
  Start(Options());
  RawClient client(server_->address());
  client.Send("GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n");
  const auto response = client.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->headers.at("cache-control"), "max-age=60");
  EXPECT_EQ(response->headers.at("x-own"), "yes");
  EXPECT_EQ(response->headers.at("content-type"), "text/html");
  client.Send("GET /forged HTTP/1.1\r\nHost: a.example\r\n\r\n");
  const auto forged = client.Read();
  ASSERT_TRUE(forged.has_value());
  EXPECT_EQ(forged->status, 500);
  EXPECT_EQ(forged->headers.count("set-cookie"), 0u);
}

TEST_F(HttpServerTest, HandlerSeesTheRequest) {
  Start(Options());
  RawClient client(server_->address());
  client.Send(
      "GET /items/a%20b?x=1%2B1 HTTP/1.1\r\nHost: a.example\r\nX-A: one\r\nx-a: two\r\n\r\n");
  EXPECT_EQ(client.Read()->body, "a b 1+1 127.0.0.1 one, two");
}

TEST_F(HttpServerTest, HeadIsGetWithoutTheBody) {
  Start(Options());
  RawClient client(server_->address());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: a.example\r\n\r\n");
  const auto response = client.Read(/*head=*/true);
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.at("content-length"), "5");
  client.Send("GET /nothing HTTP/1.1\r\nHost: a.example\r\n\r\n");
  const auto nothing = client.Read();
  ASSERT_TRUE(nothing.has_value());
  EXPECT_EQ(nothing->status, 204);
  EXPECT_EQ(nothing->headers.count("content-length"), 0u);
  client.Send(kGet);
  EXPECT_EQ(client.Read()->body, "hello");
}

TEST_F(HttpServerTest, OtherMethodsAndPathsAreRefused) {
  Start(Options());
  for (const char* method : {"PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW", "POST"}) {
    EXPECT_EQ(StatusOf(absl::StrCat(method,
                                    " /hello HTTP/1.1\r\nHost: a.example\r\n"
                                    "Content-Length: 0\r\n\r\n")),
              405)
        << method;
  }
  EXPECT_EQ(StatusOf("GET /other HTTP/1.1\r\nHost: a.example\r\n\r\n"), 404);
  EXPECT_EQ(StatusOf("GET http://b.example/hello HTTP/1.1\r\nHost: a.example\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("CONNECT b.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n"), 400);
}

TEST_F(HttpServerTest, ConnectionIsKeptUntilSomebodyIsDone) {
  Start(Options());
  RawClient client(server_->address());
  for (int i = 0; i < 10; ++i) {
    client.Send(kGet);
    EXPECT_EQ(client.Read()->status, 200);
  }
  client.Send("GET /hello HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.Read()->headers.at("connection"), "close");
  EXPECT_TRUE(client.Ended());

  RawClient old(server_->address());
  old.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.Read()->status, 200);
  EXPECT_TRUE(old.Ended());

  RawClient leaving(server_->address());
  leaving.Send(kGet);
  leaving.HalfClose();
  EXPECT_EQ(leaving.Read()->status, 200);
  EXPECT_TRUE(leaving.Ended());
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  Start(Options());
  RawClient client(server_->address());
  client.Send(absl::StrCat(kHeld, Post("second"), kGet, Post("fourth")));
  ASSERT_TRUE(WaitForHeld(1));
  Release();
  for (const char* body : {"at last", "second", "hello", "fourth"}) {
    const auto response = client.Read();
    ASSERT_TRUE(response.has_value()) << body;
    EXPECT_EQ(response->body, body);
  }
}

TEST_F(HttpServerTest, RequestInPiecesIsOne) {
  Start(Options());
  RawClient client(server_->address());
  for (char c : Post("piece by piece")) client.Send(std::string(1, c));
  EXPECT_EQ(client.Read()->body, "piece by piece");
}

TEST_F(HttpServerTest, BodiesComeWholeOrInChunks) {
  Start(Options());
  RawClient client(server_->address());
  const std::string large(kHttpBodyBytesMax, 'x');
  client.Send(Post(large));
  EXPECT_EQ(client.Read()->body, large);
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(client.Read()->body, "abcde");
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: a.example\r\nExpect: 100-continue\r\n"
      "Content-Length: 3\r\n\r\n");
  EXPECT_EQ(client.Read()->status, 100);
  client.Send("abc");
  EXPECT_EQ(client.Read()->body, "abc");
}

TEST_F(HttpServerTest, BlockedHandlersKeepNobodyElseFromBeingServed) {
  HttpServerOptions options = Options();
  options.handlers_max = 3;
  Start(options);
  RawClient first(server_->address());
  RawClient second(server_->address());
  first.Send(kHeld);
  second.Send(kHeld);
  ASSERT_TRUE(WaitForHeld(2));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(IsWell());
  // Beyond the number of handlers, they wait for their turn.
  std::vector<std::unique_ptr<RawClient>> more;
  for (int i = 0; i < 10; ++i) {
    more.push_back(std::make_unique<RawClient>(server_->address()));
    more.back()->Send(kHeld);
  }
  ASSERT_TRUE(WaitForHeld(3));
  Release();
  EXPECT_EQ(first.Read()->body, "at last");
  EXPECT_EQ(second.Read()->body, "at last");
  for (const auto& client : more) EXPECT_EQ(client->Read()->body, "at last");
}

TEST_F(HttpServerTest, TooLargeIsToldEvenToAClientThatGoesOnSending) {
  HttpServerOptions options = Options();
  options.header_bytes_max = 1000;
  options.body_bytes_max = 1000;
  Start(options);
  EXPECT_EQ(StatusOf(Post(std::string(1000, 'x'))), 200);
  const std::string more(1 << 20, 'x');
  for (const std::string& request :
       {Post(more), absl::StrCat("POST /echo HTTP/1.1\r\nHost: a.example\r\n"
                                 "Transfer-Encoding: chunked\r\n\r\n100000\r\n",
                                 more)}) {
    RawClient client(server_->address());
    client.Send(request);
    const auto response = client.Read();
    ASSERT_TRUE(response.has_value());
    EXPECT_EQ(response->status, 413);
    EXPECT_EQ(response->headers.at("connection"), "close");
    EXPECT_EQ(response->headers.at("cache-control"), "no-store");
  }
  for (const std::string& request :
       {absl::StrCat("GET /hello HTTP/1.1\r\nHost: a.example\r\nX: ", more, "\r\n\r\n"),
        absl::StrCat("GET /", more, " HTTP/1.1\r\nHost: a.example\r\n\r\n")}) {
    EXPECT_EQ(StatusOf(request), 431);
  }
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, WhatIsNotHttpIsToldSo) {
  Start(Options());
  const std::string host = "Host: a.example\r\n";
  for (const std::string& request : {
           std::string("GARBAGE\r\n\r\n"),
           std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", 11),
           std::string("\0\0\0\0\r\n\r\n", 8),
           std::string("GET /hello\r\n\r\n"),
           std::string("GET /hello HTTP/2.0\r\n\r\n"),
           std::string("GET /hello HTTP/1.1\r\n\r\n"),
           std::string("GET /hello HTTP/1.1\r\nHost: a.example\r\nHost: b.example\r\n\r\n"),
           absl::StrCat("GET /hello HTTP/1.1\r\n", host, "no colon\r\n\r\n"),
           absl::StrCat("GET /hello HTTP/1.1\r\n", host, "A : b\r\n\r\n"),
           absl::StrCat("GET /a b HTTP/1.1\r\n", host, "\r\n"),
           absl::StrCat("POST /echo HTTP/1.1\r\n", host, "Content-Length: -1\r\n\r\n"),
           absl::StrCat("POST /echo HTTP/1.1\r\n", host, "Content-Length: 1x\r\n\r\n"),
           absl::StrCat("POST /echo HTTP/1.1\r\n", host,
                        "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
           absl::StrCat("POST /echo HTTP/1.1\r\n", host,
                        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
           absl::StrCat("POST /echo HTTP/1.1\r\n", host,
                        "Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
           absl::StrCat("GET /%zz HTTP/1.1\r\n", host, "\r\n"),
           absl::StrCat("GET /%00 HTTP/1.1\r\n", host, "\r\n"),
           absl::StrCat("GET /hello?a=% HTTP/1.1\r\n", host, "\r\n"),
       }) {
    EXPECT_EQ(StatusOf(request), 400) << request;
  }
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, SurvivesWhateverBytesCome) {
  Start(Options());
  std::mt19937 random(4);
  const std::string sound = absl::StrCat(Post("body", "A: b\r\n"), kGet);
  for (int i = 0; i < 300; ++i) {
    std::string bytes = sound;
    for (int changes = static_cast<int>(random() % 4) + 1; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (i % 3 == 0) bytes.resize(random() % bytes.size());
    RawClient client(server_->address());
    client.Send(bytes);
    client.HalfClose();
    while (const auto response = client.Read()) {
      EXPECT_THAT(response->status, AnyOf(200, 400, 404, 405, 413));
    }
    EXPECT_TRUE(client.Ended()) << i;
  }
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, SlowAndSilentClientsLoseTheirConnection) {
  HttpServerOptions options = Options();
  options.idle_limit = absl::Milliseconds(100);
  options.transfer_limit = absl::Milliseconds(100);
  Start(options);
  for (const char* part :
       {"", "G", "GET /hello HTTP/1.1\r\nHost: a.exam",
        "POST /echo HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\nab"}) {
    RawClient client(server_->address());
    client.Send(part);
    EXPECT_TRUE(client.Ended()) << part;
  }
  RawClient client(server_->address());
  client.Send(kGet);
  EXPECT_EQ(client.Read()->status, 200);
  EXPECT_TRUE(client.Ended());
  EXPECT_TRUE(IsWell());
}

// A client that asks for much and takes nothing fills the connection, and then loses it.
TEST_F(HttpServerTest, ClientThatTakesNothingIsGivenUp) {
  HttpServerOptions options = Options();
  options.transfer_limit = absl::Milliseconds(100);
  Start(options);
  RawClient client(server_->address());
  const std::string large = Post(std::string(kHttpBodyBytesMax, 'x'));
  for (int i = 0; i < 64; ++i) client.Send(large);
  int answers = 0;
  while (client.Read().has_value()) ++answers;
  EXPECT_LT(answers, 64);
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, BeyondTheLastConnectionOneIsTurnedAway) {
  HttpServerOptions options = Options();
  options.connections_max = 2;
  Start(options);
  RawClient first(server_->address());
  auto second = std::make_unique<RawClient>(server_->address());
  for (RawClient* client : {&first, second.get()}) {
    client->Send(kGet);
    ASSERT_EQ(client->Read()->status, 200);
  }
  RawClient third(server_->address());
  const auto turned_away = third.Read();
  ASSERT_TRUE(turned_away.has_value());
  EXPECT_EQ(turned_away->status, 503);
  EXPECT_THAT(turned_away->body, HasSubstr("try again"));
  EXPECT_TRUE(third.Ended());
  first.Send(kGet);
  EXPECT_EQ(first.Read()->status, 200);
  // Once the server has seen it leave, there is room again.
  second.reset();
  bool room = false;
  for (int i = 0; i < 10'000 && !room; ++i) room = IsWell();
  EXPECT_TRUE(room);
}

TEST_F(HttpServerTest, ClientThatLeftHarmsNobody) {
  Start(Options());
  {
    RawClient client(server_->address());
    client.Send(absl::StrCat(kHeld, kHeld));
    ASSERT_TRUE(WaitForHeld(1));
  }
  Release();
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, HandlerThatThrowsEndsItsConnectionOnly) {
  Start(Options());
  RawClient client(server_->address());
  client.Send("GET /throws HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_TRUE(client.Ended());
  EXPECT_TRUE(IsWell());
}

TEST_F(HttpServerTest, StopLetsRequestsInProgressEnd) {
  Start(Options());
  RawClient busy(server_->address());
  RawClient idle(server_->address());
  idle.Send(kGet);
  ASSERT_EQ(idle.Read()->status, 200);
  busy.Send(absl::StrCat(kHeld, kGet));
  ASSERT_TRUE(WaitForHeld(1));
  std::thread stopping([this] { server_->Stop(absl::Seconds(30)); });
  EXPECT_TRUE(idle.Ended());
  // It has begun to stop: what was idle is closed, and nobody new is let in.
  EXPECT_FALSE(RawClient(server_->address()).connected());
  Release();
  const auto response = busy.Read();
  ASSERT_TRUE(response.has_value());
  EXPECT_EQ(response->body, "at last");
  EXPECT_EQ(response->headers.at("connection"), "close");
  EXPECT_TRUE(busy.Ended());
  stopping.join();
  server_->Stop(absl::ZeroDuration());  // once more does nothing
}

TEST_F(HttpServerTest, StopWaitsNoLongerThanItsGrace) {
  Start(Options());
  RawClient busy(server_->address());
  RawClient half(server_->address());
  busy.Send(kHeld);
  half.Send("GET /hello HT");
  ASSERT_TRUE(WaitForHeld(1));
  std::thread stopping([this] { server_->Stop(absl::Milliseconds(50)); });
  EXPECT_TRUE(busy.Ended());
  EXPECT_TRUE(half.Ended());
  Release();
  stopping.join();
}

TEST_F(HttpServerTest, ManyAtOnceEachGetTheirOwnAnswer) {
  Start(Options());
  constexpr int kClients = 20;
  constexpr int kRequests = 50;
  absl::Mutex mutex;
  std::vector<std::string> wrong;
  std::vector<std::thread> clients;
  for (int c = 0; c < kClients; ++c) {
    clients.emplace_back([&, c] {
      RawClient client(server_->address());
      for (int i = 0; i < kRequests; ++i) {
        const std::string body = absl::StrCat("client ", c, " request ", i);
        client.Send(Post(body));
        const auto response = client.Read();
        if (response.has_value() && response->body == body) continue;
        absl::MutexLock lock(&mutex);
        wrong.push_back(body);
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(absl::StrJoin(wrong, ", "), "");
}

TEST_F(HttpServerTest, AddressThatCantBeUsedIsTold) {
  Start(Options());
  const auto start = [this](const std::string& listen) {
    return HttpServer::Start({.listen = listen}, HttpRouter(), clock_).status();
  };
  const absl::Status taken = start(server_->address());
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr(server_->address()));
  for (const char* listen : {"", "7380", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                             "127.0.0.1:65536", "host.example:1", "127.0.0.1:-1"}) {
    EXPECT_EQ(start(listen).code(), absl::StatusCode::kInvalidArgument) << listen;
  }
  const auto local = HttpServer::Start({.listen = "localhost:0"}, HttpRouter(), clock_);
  ASSERT_TRUE(local.ok()) << local.status();
  EXPECT_THAT((*local)->address(), ::testing::MatchesRegex("localhost:[0-9]+"));
}

}  // namespace
}  // namespace porchlight::http_server_test
