// See signed_link.h. A token is base64url of a mac and of what the mac covers: 8 bytes of expiry in
// Unix seconds, 4 bytes of the subject's length, both big-endian, then subject and recipient.
#include "common/edge/signed_link.h"

#include <sodium.h>

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

constexpr size_t kMacBytes = crypto_generichash_BYTES_MIN;  // 16
constexpr size_t kExpiryBytes = 8;
constexpr size_t kLengthBytes = 4;

std::string BigEndian(uint64_t number, size_t bytes) {
  std::string text(bytes, '\0');
  for (size_t i = bytes; i > 0; --i, number >>= 8) text[i - 1] = static_cast<char>(number & 0xff);
  return text;
}

uint64_t FromBigEndian(absl::string_view bytes) {
  uint64_t number = 0;
  for (char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::string Mac(const Key& key, absl::string_view purpose, absl::string_view content) {
  // The zero byte keeps the end of the purpose apart from the beginning of the content.
  const std::string covered = absl::StrCat(purpose, absl::string_view("\0", 1), content);
  std::string mac(kMacBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(mac.data()), mac.size(),
                     reinterpret_cast<const unsigned char*>(covered.data()), covered.size(),
                     key.data(), key.size());
  return mac;
}

absl::Status NotOurs() {
  return absl::PermissionDeniedError(
      "this link isn't one of ours, or isn't complete: open it from the message again, whole");
}

}  // namespace

std::string MakeLink(const Key& key, absl::string_view purpose, const SignedLink& link) {
  const std::string content = absl::StrCat(
      BigEndian(static_cast<uint64_t>(absl::ToUnixSeconds(link.expires)), kExpiryBytes),
      BigEndian(link.subject_id.size(), kLengthBytes), link.subject_id, link.recipient_id);
  return absl::WebSafeBase64Escape(absl::StrCat(Mac(key, purpose, content), content));
}

absl::StatusOr<SignedLink> ReadLink(const Key& key, absl::string_view purpose,
                                    absl::string_view token, absl::Time now) {
  std::string bytes;
  // Read back: there is only one way to write a token.
  if (!absl::WebSafeBase64Unescape(token, &bytes) || absl::WebSafeBase64Escape(bytes) != token ||
      bytes.size() < kMacBytes + kExpiryBytes + kLengthBytes) {
    return NotOurs();
  }
  absl::string_view content = absl::string_view(bytes).substr(kMacBytes);
  if (sodium_memcmp(Mac(key, purpose, content).data(), bytes.data(), kMacBytes) != 0) {
    return NotOurs();
  }
  SignedLink link;
  link.expires =
      absl::FromUnixSeconds(static_cast<int64_t>(FromBigEndian(content.substr(0, kExpiryBytes))));
  content.remove_prefix(kExpiryBytes);
  const uint64_t subject_bytes = FromBigEndian(content.substr(0, kLengthBytes));
  content.remove_prefix(kLengthBytes);
  link.subject_id = std::string(content.substr(0, subject_bytes));
  link.recipient_id = std::string(content.substr(link.subject_id.size()));
  if (now >= link.expires) {
    return absl::FailedPreconditionError(
        "this link has expired: use the newest message, or acknowledge in another way");
  }
  return link;
}

}  // namespace porchlight
