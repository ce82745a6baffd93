// See http_post.h.
#include "common/channel/http_post.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

constexpr absl::Duration kRetryAfterMax = absl::Hours(24);

// Retry-After as seconds or as a date; zero if it is neither or not in the future.
absl::Duration ParseRetryAfter(const std::string& value, absl::Time now) {
  int64_t seconds = 0;
  if (!absl::SimpleAtoi(value, &seconds)) {
    const time_t date = curl_getdate(value.c_str(), nullptr);
    if (date < 0) return absl::ZeroDuration();
    return std::clamp(absl::FromTimeT(date) - now, absl::ZeroDuration(), kRetryAfterMax);
  }
  return std::clamp(absl::Seconds(seconds), absl::ZeroDuration(), kRetryAfterMax);
}

v1::DeliveryAnswer AnswerOfStatus(long status) {
  if (status < 300) return v1::DELIVERY_ANSWER_ACCEPTED;
  if (status == 408 || status == 425 || status == 429 || status >= 500) {
    return v1::DELIVERY_ANSWER_RETRY;
  }
  return v1::DELIVERY_ANSWER_REFUSED;
}

}  // namespace

HttpPost::HttpPost(HttpPostOptions options, const Clock& clock, Answered done)
    : CurlSend(options.url, "http,https", options.limits, std::move(done)),
      body_(std::move(options.body)),
      clock_(clock) {
  SetTls(options.ca_file);
  Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  Set(CURLOPT_POST, 1L);
  Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
  Set(CURLOPT_POSTFIELDS, body_.c_str());
  Set(CURLOPT_USERAGENT, "Porchlight");
  if (!options.user.empty()) {
    Set(CURLOPT_HTTPAUTH, static_cast<long>(CURLAUTH_BASIC));
    Set(CURLOPT_USERNAME, options.user.c_str());
    Set(CURLOPT_PASSWORD, options.password.c_str());
  }
  Append(headers_, "Expect:");  // don't wait for leave to send a large body
  for (const std::string& header : options.headers) Append(headers_, header);
  Set(CURLOPT_HTTPHEADER, headers_);
}

HttpPost::~HttpPost() { curl_slist_free_all(headers_); }

ChannelAnswer HttpPost::Judge(CURLcode result) {
  ChannelAnswer answer;
  const long status = Number(CURLINFO_RESPONSE_CODE);
  if (status < 200) {  // none, or "continue"
    const bool on_its_way = Number(CURLINFO_REQUEST_SIZE) > 0;
    answer.answer = on_its_way ? v1::DELIVERY_ANSWER_UNKNOWN : v1::DELIVERY_ANSWER_RETRY;
    answer.text = CutReply(
        absl::StrCat(on_its_way ? "sent, but no answer came: " : "not sent: ", Why(result)));
    return answer;
  }
  // The status is the far end's word, even if the rest of its reply broke off.
  answer.code = static_cast<int>(status);
  answer.answer = AnswerOfStatus(status);
  ReadReply(answer);
  if (answer.answer == v1::DELIVERY_ANSWER_ACCEPTED && result != CURLE_OK &&
      Bytes(CURLINFO_SIZE_UPLOAD_T) < static_cast<int64_t>(body_.size())) {
    answer.answer = v1::DELIVERY_ANSWER_UNKNOWN;
  }
  if (answer.answer == v1::DELIVERY_ANSWER_RETRY) answer.retry_after = RetryAfter();
  if (answer.text.empty() && status >= 300 && status < 400) {
    answer.text = "redirects are not followed: set the address to the final URL";
  }
  return answer;
}

void HttpPost::ReadReply(ChannelAnswer& answer) const { answer.text = CutReply(reply()); }

absl::Duration HttpPost::RetryAfter() const {
  curl_header* header = nullptr;
  if (curl_easy_header(easy(), "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
    return absl::ZeroDuration();
  }
  return ParseRetryAfter(header->value, clock_.Now());
}

}  // namespace porchlight
