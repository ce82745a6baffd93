// Sends a message's text, and nothing else of it, as a text message. Never cuts it: one that is too
// long is refused, since what would be missing could be the link to acknowledge it.
#pragma once

#include "common/channel/twilio_account.h"

namespace porchlight {

class SmsChannel final : public Channel {
 public:
  // `clock` must outlive it.
  SmsChannel(TwilioOptions options, const Clock& clock) : account_(std::move(options), clock) {}
  void Send(Outgoing outgoing, Answered done) override;

 private:
  TwilioAccount account_;
};

}  // namespace porchlight
