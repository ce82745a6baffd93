// See webhook_signature.h.
#include "common/channel/webhook_signature.h"

#include <sodium.h>

#include <initializer_list>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace porchlight {
namespace {

constexpr absl::string_view kSecretPrefix = "whsec_";
constexpr size_t kSecretBytesMin = 24;
constexpr size_t kSecretBytesMax = 64;

}  // namespace

absl::StatusOr<std::string> ParseWebhookSecret(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  std::string secret;
  if (!absl::ConsumePrefix(&text, kSecretPrefix) || !absl::Base64Unescape(text, &secret) ||
      secret.size() < kSecretBytesMin || secret.size() > kSecretBytesMax) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a webhook's secret must be \"", kSecretPrefix, "\" and the base64 of ", kSecretBytesMin,
        " to ", kSecretBytesMax, " random bytes: make a new one and give it to the receiver"));
  }
  return std::string(absl::string_view(secret));
}

std::string SignWebhook(absl::string_view secret, absl::string_view id, int64_t unix_seconds,
                        absl::string_view body) {
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, reinterpret_cast<const unsigned char*>(secret.data()),
                              secret.size());
  const std::string signed_before_body = absl::StrCat(id, ".", unix_seconds, ".");
  for (absl::string_view part : {absl::string_view(signed_before_body), body}) {
    crypto_auth_hmacsha256_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                                  part.size());
  }
  std::string mac(crypto_auth_hmacsha256_BYTES, '\0');
  crypto_auth_hmacsha256_final(&state, reinterpret_cast<unsigned char*>(mac.data()));
  return absl::StrCat("v1,", absl::Base64Escape(mac));
}

}  // namespace porchlight
