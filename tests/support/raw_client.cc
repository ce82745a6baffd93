// See raw_client.h.
#include "tests/support/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace porchlight::testing {
namespace {

// A deadline that no working server needs.
constexpr timeval kSocketTimeout = {20, 0};

}  // namespace

RawClient::RawClient(const std::string& address)
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) abort();
  sockaddr_in far_end{};
  far_end.sin_family = AF_INET;
  far_end.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  far_end.sin_port = htons(static_cast<uint16_t>(port));
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kSocketTimeout, sizeof kSocketTimeout);
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &kSocketTimeout, sizeof kSocketTimeout);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&far_end), sizeof far_end) != 0) Close();
}

RawClient::~RawClient() { Close(); }

void RawClient::Send(absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    bytes.remove_prefix(static_cast<size_t>(count));
  }
}

void RawClient::HalfClose() { shutdown(fd_, SHUT_WR); }

void RawClient::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

bool RawClient::ReadMore() {
  char bytes[16 << 10];
  const ssize_t count = recv(fd_, bytes, sizeof bytes, 0);
  // Reset counts as ended; silence for too long doesn't.
  ended_ = count == 0 || (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK);
  if (count <= 0) return false;
  buffer_.append(bytes, static_cast<size_t>(count));
  return true;
}

std::optional<RawClient::Response> RawClient::Read(bool head) {
  size_t head_end;
  while ((head_end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!ReadMore()) return std::nullopt;
  }
  Response response;
  const std::vector<std::string> lines = absl::StrSplit(buffer_.substr(0, head_end), "\r\n");
  const std::vector<std::string> words = absl::StrSplit(lines[0], ' ');
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &response.status)) return std::nullopt;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::pair<std::string, std::string> field =
        absl::StrSplit(lines[i], absl::MaxSplits(':', 1));
    response.headers[absl::AsciiStrToLower(field.first)] =
        std::string(absl::StripAsciiWhitespace(field.second));
  }
  size_t length = 0;
  const auto field = response.headers.find("content-length");
  if (!head && field != response.headers.end() && !absl::SimpleAtoi(field->second, &length)) {
    return std::nullopt;
  }
  while (buffer_.size() < head_end + 4 + length) {
    if (!ReadMore()) return std::nullopt;
  }
  response.body = buffer_.substr(head_end + 4, length);
  buffer_.erase(0, head_end + 4 + length);
  return response;
}

bool RawClient::Ended() {
  if (!buffer_.empty()) return false;
  return ended_ || (!ReadMore() && ended_);
}

}  // namespace porchlight::testing
