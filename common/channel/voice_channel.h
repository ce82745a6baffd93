// Calls somebody and reads a message's text out, and nothing else of it. Where the message has an
// acknowledge_url, pressing 1 is posted there; a call that was answered is no acknowledgement.
#pragma once

#include <string>

#include "common/channel/twilio_account.h"

namespace porchlight {

// What the provider does in the call, in its XML (TwiML).
std::string VoiceScript(const v1::Message& message, bool exercise);

class VoiceChannel final : public Channel {
 public:
  // `clock` must outlive it.
  VoiceChannel(TwilioOptions options, const Clock& clock) : account_(std::move(options), clock) {}
  void Send(Outgoing outgoing, Answered done) override;

 private:
  TwilioAccount account_;
};

}  // namespace porchlight
