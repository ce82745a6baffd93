// Signatures of webhooks as the Standard Webhooks specification defines them, so that a receiver
// can check with any of its libraries who sent a request and that it is fresh.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace porchlight {

// The bytes of "whsec_<base64>"; InvalidArgument, without the secret, unless they are 24 to 64.
absl::StatusOr<std::string> ParseWebhookSecret(absl::string_view text);

// The value of the webhook-signature header.
std::string SignWebhook(absl::string_view secret, absl::string_view id, int64_t unix_seconds,
                        absl::string_view body);

}  // namespace porchlight
