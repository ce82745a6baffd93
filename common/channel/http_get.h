// One HTTP GET that tells somebody that we are well: a heartbeat. Only a 2xx status is a yes; what
// the far end says otherwise is not read.
#pragma once

#include <string>

#include "common/channel/curl_sender.h"

namespace porchlight {

class HttpGet final : public CurlSend {
 public:
  HttpGet(const std::string& url, const CurlLimits& limits, Answered done);

  ChannelAnswer Judge(CURLcode result) override;
};

}  // namespace porchlight
