// See webhook_channel.h.
#include "common/channel/webhook_channel.h"

#include <memory>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/channel/address.h"
#include "common/channel/http_post.h"
#include "common/channel/webhook_signature.h"

namespace porchlight {
namespace {

// A photo beside the message goes into the body, as NoticePacket.photo.
void AddPhoto(const v1::Message& message, std::string& json) {
  for (const v1::Attachment& attachment : message.attachments()) {
    if (attachment.photo_id().empty() || json.size() < 2 || json.back() != '}') continue;
    json.pop_back();
    absl::StrAppend(&json, json.size() > 1 ? "," : "", "\"photo\":\"",
                    absl::Base64Escape(attachment.content()), "\"}");
    return;
  }
}

HttpPostOptions SignedPost(Outgoing outgoing, const WebhookOptions& options,
                           const std::string& secret, absl::Time now) {
  const std::string& id = outgoing.delivery_id;
  const int64_t seconds = absl::ToUnixSeconds(now);
  HttpPostOptions post;
  post.url = outgoing.recipient.address();
  AddPhoto(outgoing.message, *outgoing.message.mutable_json());
  post.body = std::move(*outgoing.message.mutable_json());
  post.headers = {"Content-Type: application/json", absl::StrCat("webhook-id: ", id),
                  absl::StrCat("webhook-timestamp: ", seconds),
                  absl::StrCat("webhook-signature: ", SignWebhook(secret, id, seconds, post.body))};
  if (outgoing.exercise) post.headers.emplace_back("porchlight-exercise: true");
  post.ca_file = options.ca_file;
  post.limits = {options.connect_limit, options.send_limit};
  return post;
}

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
  sender_.Start(std::make_unique<HttpPost>(
      SignedPost(std::move(outgoing), options_, secret->second, clock_.Now()), clock_,
      std::move(done)));
}

}  // namespace porchlight
