// Delivers a message as an e-mail through the agency's own mail server. ACCEPTED means that server
// took it over. Never sends in clear where TLS is asked for, and never to more than one recipient.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
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

// libcurl waits for the reply to a message, and for a goodbye, without looking at anything else
// (smtp_done in 7.88). So each send has a sender, with its thread and connection, to itself: as
// many are made as sends are in progress at once, and kept.
class SmtpChannel final : public Channel {
 public:
  explicit SmtpChannel(SmtpOptions options);
  ~SmtpChannel() override;
  void Send(Outgoing outgoing, Answered done) override;

 private:
  struct Job {
    Outgoing outgoing;
    Answered done;
  };

  void Start(CurlSender* sender, Job job);
  // Gives it the next job, or rest.
  void Release(CurlSender* sender);

  const SmtpOptions options_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::unique_ptr<CurlSender>> senders_ ABSL_GUARDED_BY(mutex_);
  std::vector<CurlSender*> idle_ ABSL_GUARDED_BY(mutex_);
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mutex_);  // while all senders are busy
};

}  // namespace porchlight
