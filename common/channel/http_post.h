// One HTTP POST, and what its answer means: shared by the channels that speak HTTP. Only a 2xx
// status is a yes; a message that may have arrived is never called refused or unsent.
#pragma once

#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/channel/curl_sender.h"

namespace porchlight {

struct HttpPostOptions {
  std::string url;
  std::string body;
  std::vector<std::string> headers;  // "Name: value"
  std::string user;                  // empty: no HTTP login
  std::string password;
  std::string ca_file;  // trusts these only; the system's own if empty
  CurlLimits limits;
};

class HttpPost : public CurlSend {
 public:
  // `clock` must outlive it; it is asked when a Retry-After is a date.
  HttpPost(HttpPostOptions options, const Clock& clock, Answered done);
  ~HttpPost() override;

  ChannelAnswer Judge(CURLcode result) override;

 protected:
  // Gives `answer`, which follows from the status alone, the words for it; may also change it where
  // the reply says more than the status.
  virtual void ReadReply(ChannelAnswer& answer) const;

 private:
  absl::Duration RetryAfter() const;

  const std::string body_;
  const Clock& clock_;
  curl_slist* headers_ = nullptr;
};

}  // namespace porchlight
