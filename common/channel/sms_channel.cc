// See sms_channel.h.
#include "common/channel/sms_channel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/channel/address.h"

namespace porchlight {
namespace {

// As providers count: in units of UTF-16.
size_t Characters(absl::string_view utf8) {
  size_t count = 0;
  for (char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0) != 0x80) count += byte >= 0xF0 ? 2 : 1;
  }
  return count;
}

absl::Status CheckText(absl::string_view text) {
  if (Characters(text) <= kSmsCharactersMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the text has more than the ", kSmsCharactersMax,
                   " characters of a text message: choose another channel for this recipient"));
}

}  // namespace

void SmsChannel::Send(Outgoing outgoing, Answered done) {
  absl::Status sound = CheckAddress(v1::CHANNEL_KIND_SMS, outgoing.recipient.address());
  if (sound.ok() && outgoing.message.text().empty()) {
    sound = absl::InvalidArgumentError("the message has no text to send");
  }
  std::string text = absl::StrCat(outgoing.exercise ? "[EXERCISE] " : "", outgoing.message.text());
  if (sound.ok()) sound = CheckText(text);
  if (!sound.ok()) {
    done({v1::DELIVERY_ANSWER_REFUSED, 0, std::string(sound.message())});
    return;
  }
  account_.Create("Messages", outgoing, {{"Body", std::move(text)}}, std::move(done));
}

}  // namespace porchlight
