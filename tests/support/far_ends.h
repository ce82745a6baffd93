// Three recipients of a real server under test, one for each channel: a webhook receiver, a mail
// server and a folder. It knows all that arrived at each, repetitions too.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/http_receiver.h"
#include "tests/support/receiver_process.h"
#include "tests/support/smtp_receiver.h"

namespace porchlight::testing {

// Delivery id -> every body that came with it.
using Arrivals = std::map<std::string, std::vector<std::string>>;

class FarEnds {
 public:
  // `outbox` is where the folder recipient finds its notices.
  FarEnds(const std::string& source_folder, const std::string& outbox);

  // The configuration that names the three: "police" by webhook, "sheriff" by e-mail,
  // "state-police" by folder: all are told of a report at once.
  std::string config_file() const { return folder_.path() + "/porchlight.yaml"; }
  HttpReceiver& http() { return http_; }
  SmtpReceiver& smtp() { return smtp_; }

  Arrivals Webhooks() const;
  Arrivals Mails() const;  // the packet attached to each
  Arrivals Files() const;

 private:
  void WriteConfig() const;

  TemporaryFolder folder_;
  const std::string outbox_;
  HttpReceiver http_;
  SmtpReceiver smtp_;
};

void WriteTextFile(const std::string& path, const std::string& text, int mode = 0600);

}  // namespace porchlight::testing
