// Delivers a message as an e-mail through the agency's own mail server. ACCEPTED means that server
// took it over. Never sends in clear where TLS is asked for, and never to more than one recipient.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "common/channel/channel.h"
#include "common/channel/curl_sender.h"

namespace porchlight {

enum class SmtpTls {
  kRequired,  // STARTTLS with a certificate that verifies, or nothing is sent
  kNone,      // for a mail server on this machine
};

struct SmtpOptions {
  std::string host;
  uint16_t port = 587;
  SmtpTls tls = SmtpTls::kRequired;
  std::string user;  // empty: no log-in
  std::string password;
  std::string from;     // an address that CheckAddress takes
  std::string ca_file;  // trusts these only; the system's own if empty
  absl::Duration connect_limit = absl::Seconds(10);
  absl::Duration send_limit = absl::Seconds(60);
};

class SmtpChannel final : public Channel {
 public:
  explicit SmtpChannel(SmtpOptions options);
  void Send(Outgoing outgoing, Answered done) override;

 private:
  const SmtpOptions options_;
  CurlSender sender_;
};

}  // namespace porchlight
