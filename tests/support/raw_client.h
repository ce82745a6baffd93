// One TCP connection to a server under test, byte by byte: for what no well-behaved client would
// send.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace porchlight::testing {

class RawClient {
 public:
  struct Response {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in small letters
    std::string body;
  };

  // `address`: "127.0.0.1:PORT".
  explicit RawClient(const std::string& address);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return fd_ >= 0; }
  // What the far end doesn't take any more is lost, as on any network.
  void Send(absl::string_view bytes);
  // No more will be sent.
  void HalfClose();
  void Close();
  // Nothing if the connection ended before it was whole, or nothing came for long. `head`: the
  // request was one, so that no body comes.
  std::optional<Response> Read(bool head = false);
  // Whether the connection has ended, without anything more having come.
  bool Ended();

 private:
  bool ReadMore();

  int fd_;
  bool ended_ = false;
  std::string buffer_;
};

}  // namespace porchlight::testing
