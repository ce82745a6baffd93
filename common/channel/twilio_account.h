// An account at a telephone provider that has Twilio's HTTP API: what text messages and voice calls
// have in common. An answer is a yes only if it names the provider's own id for what it took on;
// that says accepted by the provider, not read by a person. The provider reports on the rest by
// callback.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/form.h"
#include "common/channel/channel.h"
#include "common/channel/curl_sender.h"

namespace porchlight {

// Below our public URL: where the provider posts what became of a message or call. Its query has
// the delivery's id as `delivery`; the provider's signature covers that (twilio_signature.h).
inline constexpr absl::string_view kTwilioStatusPath = "/twilio/status";

struct TwilioOptions {
  std::string provider_url = "https://api.twilio.com";
  std::string account_sid;
  std::string auth_token;
  std::string from;        // E.164
  std::string public_url;  // ours, without a slash at its end
  std::string ca_file;     // trusts these only; the system's own if empty
  absl::Duration connect_limit = absl::Seconds(5);
  absl::Duration send_limit = absl::Seconds(15);
};

// Thread-safe.
class TwilioAccount {
 public:
  // `clock` must outlive it.
  TwilioAccount(TwilioOptions options, const Clock& clock);

  // Creates a resource, "Messages" or "Calls", for this delivery; To, From and StatusCallback are
  // added to `fields`.
  void Create(absl::string_view resource, const Outgoing& outgoing, FormFields fields,
              Answered done);

 private:
  const TwilioOptions options_;
  const Clock& clock_;
  CurlSender sender_;
};

}  // namespace porchlight
