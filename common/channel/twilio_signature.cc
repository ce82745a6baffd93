// See twilio_signature.h.
#include "common/channel/twilio_signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace porchlight {

std::string SignTwilio(absl::string_view auth_token, absl::string_view url, FormFields fields) {
  std::sort(fields.begin(), fields.end());
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  std::string signed_text(url);
  for (const auto& [name, value] : fields) absl::StrAppend(&signed_text, name, value);
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha1(), auth_token.data(), static_cast<int>(auth_token.size()),
       reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), mac, &size);
  return absl::Base64Escape(absl::string_view(reinterpret_cast<const char*>(mac), size));
}

bool IsSignedByTwilio(absl::string_view auth_token, absl::string_view url, FormFields fields,
                      absl::string_view signature) {
  const std::string expected = SignTwilio(auth_token, url, std::move(fields));
  // With no token anybody could sign.
  return !auth_token.empty() && signature.size() == expected.size() &&
         sodium_memcmp(signature.data(), expected.data(), expected.size()) == 0;
}

}  // namespace porchlight
