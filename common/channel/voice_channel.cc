// See voice_channel.h.
#include "common/channel/voice_channel.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/channel/address.h"

namespace porchlight {
namespace {

// XML has no way to write most control characters: they become blanks.
std::string EscapeXml(absl::string_view text) {
  std::string escaped;
  for (char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
    }
  }
  return escaped;
}

absl::Status CheckScript(const v1::Message& message, absl::string_view script) {
  if (message.text().empty()) return absl::InvalidArgumentError("the message has no text to read");
  if (script.size() <= kVoiceScriptBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the text is too long to be read out in a call (its script has more than ",
                   kVoiceScriptBytesMax, " bytes): choose another channel for this recipient"));
}

}  // namespace

std::string VoiceScript(const v1::Message& message, bool exercise) {
  const std::string text =
      absl::StrCat(exercise ? "This is an exercise. " : "", EscapeXml(message.text()));
  // Whoever answers needs a moment to lift the receiver to the ear, and a second chance to listen.
  constexpr absl::string_view kBegin =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>";
  if (message.acknowledge_url().empty()) {
    return absl::StrCat(kBegin, "<Say loop=\"2\">", text, "</Say></Response>");
  }
  return absl::StrCat(kBegin, "<Gather numDigits=\"1\" timeout=\"10\" method=\"POST\" action=\"",
                      EscapeXml(message.acknowledge_url()), "\"><Say loop=\"2\">", text,
                      " Press 1 to say that you have this.</Say></Gather>"
                      "<Say>Nothing was pressed. Goodbye.</Say></Response>");
}

void VoiceChannel::Send(Outgoing outgoing, Answered done) {
  absl::Status sound = CheckAddress(v1::CHANNEL_KIND_VOICE, outgoing.recipient.address());
  std::string script = VoiceScript(outgoing.message, outgoing.exercise);
  if (sound.ok()) sound = CheckScript(outgoing.message, script);
  if (!sound.ok()) {
    done({v1::DELIVERY_ANSWER_REFUSED, 0, std::string(sound.message())});
    return;
  }
  account_.Create("Calls", outgoing, {{"Twiml", std::move(script)}}, std::move(done));
}

}  // namespace porchlight
