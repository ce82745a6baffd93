// See receiver.h.
#include "tests/bench/receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/functional/function_ref.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"

namespace porchlight::bench {
namespace {

constexpr absl::string_view kMarker = "marker-";
constexpr size_t kMarkerDigits = 9;
constexpr char kAnswer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
constexpr absl::Duration kLookAgainAfter = absl::Milliseconds(5);

void Require(bool fine, const char* what) {
  if (fine) return;
  std::perror(what);
  std::exit(1);
}

absl::Duration ToDuration(int64_t nanoseconds) {
  return nanoseconds == 0 ? absl::InfiniteDuration() : absl::Nanoseconds(nanoseconds);
}

// False: one of them hasn't arrived after `longest`.
bool WaitForAll(size_t first, size_t end, absl::Duration longest,
                absl::FunctionRef<bool(size_t)> arrived) {
  const absl::Duration until = SystemClock().Steady() + longest;
  for (size_t number = first; number < end; ++number) {
    while (!arrived(number)) {
      if (SystemClock().Steady() > until) return false;
      absl::SleepFor(kLookAgainAfter);
    }
  }
  return true;
}

}  // namespace

std::string Marker(size_t number) { return absl::StrFormat("%s%09d", kMarker, number); }

Receiver::Receiver(size_t markers_max) : arrivals_(markers_max), pages_(markers_max) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  Require(bind(listener_, generic, size) == 0 && listen(listener_, 512) == 0 &&
              getsockname(listener_, generic, &size) == 0,
          "the receiver can't listen on 127.0.0.1");
  address_ = absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port));
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  stop_ = eventfd(0, EFD_CLOEXEC);
  for (int fd : {listener_, stop_}) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    Require(epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
  }
  thread_ = std::thread(&Receiver::Run, this);
}

Receiver::~Receiver() {
  eventfd_write(stop_, 1);
  thread_.join();
  for (const auto& [fd, connection] : connections_) close(fd);
  for (int fd : {listener_, epoll_, stop_}) close(fd);
}

void Receiver::Run() {
  epoll_event events[64];
  while (true) {
    const int ready = epoll_wait(epoll_, events, 64, -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[i].data.fd;
      if (fd == stop_) return;
      fd == listener_ ? Accept() : ReadFrom(fd);
    }
  }
}

void Receiver::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  connections_[fd];
}

void Receiver::ReadFrom(int fd) {
  const absl::Duration now = SystemClock().Steady();
  Connection& connection = connections_[fd];
  char bytes[65536];
  const ssize_t got = read(fd, bytes, sizeof bytes);
  if (got <= 0) {
    close(fd);
    connections_.erase(fd);
    return;
  }
  if (connection.unread.empty()) connection.began = now;
  connection.unread.append(bytes, static_cast<size_t>(got));
  while (TakeRequest(fd, connection)) connection.began = now;
}

bool Receiver::TakeRequest(int fd, Connection& connection) {
  const absl::string_view all = connection.unread;
  const size_t head = all.find("\r\n\r\n");
  const size_t length_at = all.find("Content-Length: ");
  if (head == absl::string_view::npos || length_at > head) return false;
  const size_t length_end = all.find("\r\n", length_at);
  size_t length = 0;
  const size_t digits_at = length_at + 16;
  if (!absl::SimpleAtoi(all.substr(digits_at, length_end - digits_at), &length)) return false;
  const size_t end = head + 4 + length;
  if (all.size() < end) return false;
  Note(all.substr(0, end), connection.began);
  Require(send(fd, kAnswer, sizeof kAnswer - 1, MSG_NOSIGNAL) > 0, "the receiver can't answer");
  connection.unread.erase(0, end);
  return true;
}

void Receiver::Note(absl::string_view request, absl::Duration began) {
  const bool notice = absl::StartsWith(request, "POST /hook ");
  const size_t marker = request.find(kMarker);
  size_t number = 0;
  if (marker != absl::string_view::npos &&
      absl::SimpleAtoi(request.substr(marker + kMarker.size(), kMarkerDigits), &number) &&
      number < arrivals_.size()) {
    const int64_t at = absl::ToInt64Nanoseconds(began);
    int64_t none = 0;
    if (notice) {
      arrivals_[number].compare_exchange_strong(none, at);
    } else if (absl::StartsWith(request, "POST /page ")) {
      pages_[number].first.compare_exchange_strong(none, at);
      pages_[number].last = at;
      ++pages_[number].count;
    }
  }
  if (notice) ++requests_;
}

absl::Duration Receiver::Arrival(size_t number) const { return ToDuration(arrivals_[number]); }
absl::Duration Receiver::FirstPage(size_t number) const { return ToDuration(pages_[number].first); }
absl::Duration Receiver::LastPage(size_t number) const { return ToDuration(pages_[number].last); }

bool Receiver::WaitForRequests(size_t count, absl::Duration longest) const {
  const absl::Duration until = SystemClock().Steady() + longest;
  while (requests_ < count) {
    if (SystemClock().Steady() > until) return false;
    absl::SleepFor(kLookAgainAfter);
  }
  return true;
}

bool Receiver::WaitForMarkers(size_t first, size_t end, absl::Duration longest) const {
  return WaitForAll(first, end, longest, [&](size_t number) { return arrivals_[number] != 0; });
}

bool Receiver::WaitForPages(size_t first, size_t end, absl::Duration longest) const {
  return WaitForAll(first, end, longest, [&](size_t number) { return pages_[number].first != 0; });
}

}  // namespace porchlight::bench
