// See relay.h. Two threads for each connection: plain, and enough for tests.
#include "tests/support/relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace porchlight::testing {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool SendAll(int to, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t sent = send(to, bytes, count, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes += sent;
    count -= static_cast<size_t>(sent);
  }
  return true;
}

}  // namespace

Relay::Relay(int target_port) : target_port_(target_port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (listener_ < 0 || bind(listener_, generic, size) != 0 || listen(listener_, 256) != 0 ||
      getsockname(listener_, generic, &size) != 0) {
    abort();  // no test can go on without it
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

Relay::~Relay() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    over_ = true;
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
    shutdown(listener_, SHUT_RDWR);
  }
  acceptor_.join();
  {
    absl::MutexLock lock(&mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  for (const int fd : open_) close(fd);
  close(listener_);
}

void Relay::Cut(bool cut) {
  absl::MutexLock lock(&mutex_);
  cut_ = cut;
}

bool Relay::WaitUntilHealed() {
  const auto healed = [this] {
    mutex_.AssertReaderHeld();
    return !cut_ || over_;
  };
  absl::MutexLock lock(&mutex_);
  mutex_.Await(absl::Condition(&healed));
  return !over_;
}

void Relay::Accept() {
  while (true) {
    const int near = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (near < 0 || !WaitUntilHealed()) {
      if (near >= 0) close(near);
      return;
    }
    const int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = Loopback(target_port_);
    if (connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(near);
      close(far);
      continue;
    }
    const int on = 1;
    for (const int fd : {near, far}) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    absl::MutexLock lock(&mutex_);
    if (over_) {
      close(near);
      close(far);
      return;
    }
    open_.insert({near, far});
    threads_.emplace_back([this, near, far] { Pass(near, far); });
    threads_.emplace_back([this, near, far] { Pass(far, near); });
  }
}

// Until either side ends it; then both are ended, and closed with the relay: the other thread may
// still use them.
void Relay::Pass(int from, int to) {
  char bytes[64 << 10];
  ssize_t count = 0;
  while ((count = recv(from, bytes, sizeof bytes, 0)) > 0 && WaitUntilHealed() &&
         SendAll(to, bytes, static_cast<size_t>(count))) {
  }
  shutdown(from, SHUT_RDWR);
  shutdown(to, SHUT_RDWR);
}

}  // namespace porchlight::testing
