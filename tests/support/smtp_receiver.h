// A real mail server for tests: tests/support/smtp_receiver.py as a process of its own. The
// recipient's name says how it behaves; see there.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/receiver_process.h"

namespace porchlight::testing {

class SmtpReceiver {
 public:
  struct Options {
    bool starttls = true;
    std::string user;  // empty: nobody has to log in
    std::string password;
    // For very many messages: only their packets are kept, for Packets().
    bool only_packets = false;
  };

  SmtpReceiver(const Options& options, const std::string& source_folder);

  int port() const { return process_->port(); }
  // What a client must trust.
  std::string ca_file() const { return folder_.path() + "/certificate.pem"; }
  // How many messages it has taken.
  int taken() const;
  // With only_packets: delivery id and packet.json of every message taken.
  std::vector<std::pair<std::string, std::string>> Packets() const;
  // A file of the n-th message taken, from 1: "text", "header-subject", "attachment-0-bytes"...
  std::string Part(int n, const std::string& name) const;
  // Numbers of the messages with this delivery id.
  std::vector<int> WithId(const std::string& delivery_id) const;
  // One line for each MAIL command: "MAIL tls" or "MAIL clear".
  std::string commands() const;
  // False if it hasn't taken so many within 20 s.
  bool WaitForTaken(int count) { return process_->WaitForLines(count); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<ReceiverProcess> process_;
};

}  // namespace porchlight::testing
