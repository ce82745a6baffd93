// See webhook_channel.h.
#include "common/channel/webhook_channel.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/channel/address.h"
#include "common/channel/webhook_signature.h"

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

class WebhookSend final : public CurlSend {
 public:
  WebhookSend(Outgoing outgoing, const WebhookOptions& options, const std::string& secret,
              const Clock& clock, Answered done)
      : CurlSend(outgoing.recipient.address(), "http,https",
                 {options.connect_limit, options.send_limit}, std::move(done)),
        body_(std::move(*outgoing.message.mutable_json())),
        clock_(clock) {
    SetTls(options.ca_file);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_POST, 1L);
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body_.size()));
    Set(CURLOPT_POSTFIELDS, body_.c_str());
    Set(CURLOPT_USERAGENT, "Porchlight");
    const int64_t seconds = absl::ToUnixSeconds(clock.Now());
    const std::string& id = outgoing.delivery_id;
    Append(headers_, "Content-Type: application/json");
    Append(headers_, "Expect:");  // don't wait for leave to send a large body
    Append(headers_, absl::StrCat("webhook-id: ", id));
    Append(headers_, absl::StrCat("webhook-timestamp: ", seconds));
    Append(headers_, absl::StrCat("webhook-signature: ", SignWebhook(secret, id, seconds, body_)));
    if (outgoing.exercise) Append(headers_, "porchlight-exercise: true");
    Set(CURLOPT_HTTPHEADER, headers_);
  }
  ~WebhookSend() override { curl_slist_free_all(headers_); }

  ChannelAnswer Judge(CURLcode result) override {
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
    answer.text = CutReply(reply());
    if (answer.answer == v1::DELIVERY_ANSWER_ACCEPTED && result != CURLE_OK &&
        Bytes(CURLINFO_SIZE_UPLOAD_T) < static_cast<int64_t>(body_.size())) {
      answer.answer = v1::DELIVERY_ANSWER_UNKNOWN;
    }
    if (answer.answer == v1::DELIVERY_ANSWER_RETRY) answer.retry_after = RetryAfter();
    if (answer.text.empty() && status >= 300 && status < 400) {
      answer.text = "redirects are not followed: set the recipient's address to the final URL";
    }
    return answer;
  }

 private:
  absl::Duration RetryAfter() const {
    curl_header* header = nullptr;
    if (curl_easy_header(easy(), "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK) {
      return absl::ZeroDuration();
    }
    return ParseRetryAfter(header->value, clock_.Now());
  }

  const std::string body_;
  const Clock& clock_;
  curl_slist* headers_ = nullptr;
};

}  // namespace

WebhookChannel::WebhookChannel(WebhookOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

void WebhookChannel::Send(Outgoing outgoing, Answered done) {
  ChannelAnswer refused;
  refused.answer = v1::DELIVERY_ANSWER_REFUSED;
  const absl::Status address = CheckAddress(v1::CHANNEL_KIND_WEBHOOK, outgoing.recipient.address());
  if (!address.ok()) {
    refused.text = std::string(address.message());
    done(std::move(refused));
    return;
  }
  auto secret = options_.secrets.find(outgoing.recipient.recipient_id());
  if (secret == options_.secrets.end()) {
    refused.text = absl::StrCat("recipient ", outgoing.recipient.recipient_id(),
                                " has no webhook secret, and nothing is sent unsigned: configure "
                                "one, then replay the delivery");
    done(std::move(refused));
    return;
  }
  sender_.Start(std::make_unique<WebhookSend>(std::move(outgoing), options_, secret->second, clock_,
                                              std::move(done)));
}

}  // namespace porchlight
