// See http_get.h.
#include "common/channel/http_get.h"

#include <utility>

namespace porchlight {

HttpGet::HttpGet(const std::string& url, const CurlLimits& limits, Answered done)
    : CurlSend(url, "http,https", limits, std::move(done)) {
  SetTls("");
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_HTTPGET, 1L);
  Set(CURLOPT_USERAGENT, "Porchlight");
}

ChannelAnswer HttpGet::Judge(CURLcode result) {
  ChannelAnswer answer;
  answer.code = static_cast<int>(Number(CURLINFO_RESPONSE_CODE));
  const bool yes = answer.code >= 200 && answer.code < 300;
  answer.answer = yes ? v1::DELIVERY_ANSWER_ACCEPTED : v1::DELIVERY_ANSWER_RETRY;
  if (!yes) answer.text = CutReply(answer.code == 0 ? Why(result) : "the answer was no");
  return answer;
}

}  // namespace porchlight
