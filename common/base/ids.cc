#include "common/base/ids.h"

#include <sodium.h>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"

namespace porchlight {

std::string SystemIds::New() {
  char bytes[16];
  randombytes_buf(bytes, sizeof bytes);
  return Base32({bytes, sizeof bytes});
}

std::string SeededIds::New() {
  return Base32(Sha256(absl::StrCat("seeded/", seed_, "/", drawn_++)).substr(0, 16));
}

std::string DeriveId(absl::string_view purpose, absl::string_view from, uint64_t n) {
  return Base32(Sha256(absl::StrCat(purpose, "/", from, "/", n))).substr(0, 20);
}

std::string DeliveryId(absl::string_view aggregate_id, absl::string_view input_id, uint64_t n) {
  return absl::StrCat(aggregate_id, "_d", DeriveId("delivery", input_id, n));
}

absl::string_view AggregateOfDelivery(absl::string_view delivery_id) {
  return delivery_id.substr(0, delivery_id.rfind("_d"));
}

absl::string_view YouthOf(absl::string_view id) { return id.substr(0, id.find('_')); }

absl::Status CheckId(absl::string_view field, absl::string_view id, size_t shortest) {
  bool ok = id.size() >= shortest && id.size() <= 64;
  for (char c : id) {
    ok = ok &&
         ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-');
  }
  if (ok) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      field, " must be ", shortest, " to 64 characters of A-Z, a-z, 0-9 and -; it has ", id.size(),
      " characters. It is an opaque id: never put a name in it."));
}

}  // namespace porchlight
