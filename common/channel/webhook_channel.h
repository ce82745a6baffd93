// Delivers a message's JSON as a signed HTTP POST (Standard Webhooks). Only a 2xx status is a yes.
// Never sends without a signature, and never over plain HTTP beyond this machine.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/channel/channel.h"
#include "common/channel/curl_sender.h"

namespace porchlight {

struct WebhookOptions {
  // Signing keys by recipient id, as ParseWebhookSecret gives them.
  std::map<std::string, std::string> secrets;
  std::string ca_file;  // trusts these only; the system's own if empty
  absl::Duration connect_limit = absl::Seconds(5);
  absl::Duration send_limit = absl::Seconds(15);
};

class WebhookChannel final : public Channel {
 public:
  // `clock` must outlive it; it gives the time of each attempt, which receivers check.
  WebhookChannel(WebhookOptions options, const Clock& clock);
  void Send(Outgoing outgoing, Answered done) override;

 private:
  const WebhookOptions options_;
  const Clock& clock_;
  CurlSender sender_;
};

}  // namespace porchlight
