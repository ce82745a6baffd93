// See http_receiver.h. One thread for each connection: plain, and enough for tests.
#include "tests/support/http_receiver.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight::testing {
namespace {

// False at the end of the stream.
bool ReadMore(int fd, std::string& buffer) {
  char bytes[64 << 10];
  const ssize_t count = recv(fd, bytes, sizeof bytes, 0);
  if (count <= 0) return false;
  buffer.append(bytes, static_cast<size_t>(count));
  return true;
}

void WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

// One whole request from the front of `buffer`, reading on as needed.
std::optional<HttpReceiver::Request> ReadRequest(int fd, std::string& buffer) {
  size_t head_end;
  while ((head_end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore(fd, buffer)) return std::nullopt;
  }
  HttpReceiver::Request request;
  const std::string head = buffer.substr(0, head_end);
  const std::vector<std::string> lines = absl::StrSplit(head, "\r\n");
  const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  request.method = words[0];
  request.path = words.size() > 1 ? words[1] : "";
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    request.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  size_t length = 0;
  auto field = request.headers.find("content-length");
  if (field != request.headers.end() && !absl::SimpleAtoi(field->second, &length)) {
    return std::nullopt;
  }
  while (buffer.size() < head_end + 4 + length) {
    if (!ReadMore(fd, buffer)) return std::nullopt;
  }
  request.body = buffer.substr(head_end + 4, length);
  buffer.erase(0, head_end + 4 + length);
  return request;
}

std::string ReplyText(const HttpReceiver::Reply& reply) {
  std::string text = absl::StrCat("HTTP/1.1 ", reply.status, " Scripted\r\n");
  for (const auto& [name, value] : reply.headers) absl::StrAppend(&text, name, ": ", value, "\r\n");
  absl::StrAppend(&text, "Content-Length: ", reply.body.size(), "\r\n\r\n", reply.body);
  return text;
}

}  // namespace

HttpReceiver::HttpReceiver() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (listener_ < 0 || bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(listener_, 1024) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    abort();  // no test can go on without it
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

HttpReceiver::~HttpReceiver() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    for (int fd : open_) shutdown(fd, SHUT_RDWR);
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    absl::MutexLock lock(&mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
}

std::string HttpReceiver::Url(absl::string_view path) const {
  return absl::StrCat("http://127.0.0.1:", port_, path);
}

void HttpReceiver::ScriptBy(std::function<std::string(const Request&)> key) {
  absl::MutexLock lock(&mutex_);
  key_ = std::move(key);
}

void HttpReceiver::GiveTo(std::function<void(Request)> taker) {
  absl::MutexLock lock(&mutex_);
  taker_ = std::move(taker);
}

void HttpReceiver::Always(const std::string& path, Reply reply) {
  absl::MutexLock lock(&mutex_);
  always_[path] = std::move(reply);
}

void HttpReceiver::Next(const std::string& path, Reply reply) {
  absl::MutexLock lock(&mutex_);
  next_[path].push_back(std::move(reply));
}

void HttpReceiver::Release() {
  absl::MutexLock lock(&mutex_);
  released_ = true;
}

void HttpReceiver::HoldAgain() {
  absl::MutexLock lock(&mutex_);
  released_ = false;
}

std::vector<HttpReceiver::Request> HttpReceiver::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

int HttpReceiver::count(const std::string& webhook_id) const {
  absl::MutexLock lock(&mutex_);
  int found = 0;
  for (const Request& request : requests_) {
    auto field = request.headers.find("webhook-id");
    if (field != request.headers.end() && field->second == webhook_id) ++found;
  }
  return found;
}

bool HttpReceiver::WaitForRequests(size_t count, absl::Duration longest) const {
  const auto enough = [this, count] {
    mutex_.AssertReaderHeld();
    return requests_.size() >= count;
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), longest);
}

HttpReceiver::Reply HttpReceiver::NextReply(const std::string& key) {
  auto next = next_.find(key);
  if (next != next_.end() && !next->second.empty()) {
    Reply reply = std::move(next->second.front());
    next->second.pop_front();
    return reply;
  }
  auto always = always_.find(key);
  return always == always_.end() ? Reply{} : always->second;
}

void HttpReceiver::Accept() {
  for (int connection = 1;; ++connection) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    absl::MutexLock lock(&mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) close(fd);
      return;
    }
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    open_.insert(fd);
    threads_.emplace_back([this, fd, connection] { Serve(fd, connection); });
  }
}

void HttpReceiver::Serve(int fd, int connection) {
  bool unread = false;
  {
    // Hanging up unread is for the whole server: which path was meant isn't known before reading.
    absl::MutexLock lock(&mutex_);
    auto any = always_.find("*");
    unread = any != always_.end() && any->second.fault == Fault::kHangUpUnread;
  }
  std::string buffer;
  while (!unread && ServeOne(fd, connection, buffer)) {
  }
  absl::MutexLock lock(&mutex_);
  open_.erase(fd);
  close(fd);
}

bool HttpReceiver::ServeOne(int fd, int connection, std::string& buffer) {
  std::optional<Request> request = ReadRequest(fd, buffer);
  if (!request) return false;
  request->connection = connection;
  Reply reply;
  {
    absl::MutexLock lock(&mutex_);
    reply = NextReply(key_(*request));
    if (taker_ != nullptr) {
      taker_(*std::move(request));
    } else {
      requests_.push_back(*std::move(request));
    }
    if (reply.fault == Fault::kHold) {
      const auto over = [this] {
        mutex_.AssertReaderHeld();
        return released_ || stopping_;
      };
      mutex_.Await(absl::Condition(&over));
      if (stopping_) return false;
    }
  }
  if (reply.fault == Fault::kHangUpUnanswered) return false;
  const std::string text = ReplyText(reply);
  if (reply.fault == Fault::kHangUpInBody) {
    WriteAll(fd, absl::string_view(text).substr(0, text.size() - reply.body.size() / 2));
    return false;
  }
  WriteAll(fd, text);
  return true;
}

}  // namespace porchlight::testing
