// A telephone provider for tests: answers each request by the number it is to, as Twilio's HTTP API
// would.
#pragma once

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/base/form.h"
#include "common/channel/twilio_account.h"
#include "tests/support/http_receiver.h"

namespace porchlight::testing {

// The value of a field of a request's form; empty if it has none.
inline std::string FormField(const HttpReceiver::Request& request, absl::string_view name) {
  const absl::StatusOr<FormFields> fields = ParseForm(request.body);
  if (!fields.ok()) return "";
  for (const auto& [key, value] : *fields) {
    if (key == name) return value;
  }
  return "";
}

class TwilioReceiver {
 public:
  static constexpr char kAccepts[] = "+12025550101";
  static constexpr char kSaysLater[] = "+12025550102";
  static constexpr char kRefuses[] = "+12025550103";
  static constexpr char kLosesTheAnswer[] = "+12025550104";
  static constexpr char kHolds[] = "+12025550105";

  TwilioReceiver() {
    http_.ScriptBy([](const HttpReceiver::Request& request) { return FormField(request, "To"); });
    http_.Always(kAccepts, {.status = 201, .body = Created("SM1")});
    http_.Always(kSaysLater, {.status = 503});
    http_.Always(kRefuses, {.status = 400, .body = Refusal(21211, std::string(5000, 'x'))});
    http_.Always(kLosesTheAnswer, {.fault = HttpReceiver::Fault::kHangUpUnanswered});
    http_.Always(kHolds, {.fault = HttpReceiver::Fault::kHold});
  }

  // The sid comes late in it, as in the real one's.
  static std::string Created(absl::string_view sid) {
    return absl::StrCat("{\"body\":\"", std::string(2000, 'b'),
                        "\",\"status\":\"queued\",\"error_code\":null,\"sid\":\"", sid, "\"}");
  }
  static std::string Refusal(int code, absl::string_view message) {
    return absl::StrCat("{\"code\":", code, ",\"message\":\"", message, "\",\"status\":400}");
  }

  TwilioOptions Options() const {
    TwilioOptions options;
    options.provider_url = http_.Url("");
    options.account_sid = "AC0123";
    options.auth_token = "planted-token";
    options.from = "+12025550100";
    options.public_url = "https://porchlight.example";
    return options;
  }

  // Requests about this delivery.
  int count(const std::string& delivery_id) const {
    const std::string callback = absl::StrCat("https://porchlight.example", kTwilioStatusPath,
                                              "?delivery=", PercentEncode(delivery_id));
    int found = 0;
    for (const HttpReceiver::Request& request : http_.requests()) {
      if (FormField(request, "StatusCallback") == callback) ++found;
    }
    return found;
  }

  HttpReceiver& http() { return http_; }

 private:
  HttpReceiver http_;
};

}  // namespace porchlight::testing
