#include "common/photo/kept_photo.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/photo/photo.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

// One photo can't be put in the place of another.
std::string Associated(absl::string_view photo_id) { return absl::StrCat("photo/", photo_id); }

}  // namespace

absl::StatusOr<std::string> KeepPhoto(const std::string& youth_id, absl::string_view bytes,
                                      Keys& keys, Blob& blob) {
  const absl::StatusOr<CleanedPhoto> photo = CleanPhoto(bytes);
  if (!photo.ok()) return photo.status();
  const absl::StatusOr<Key> key = keys.GetOrCreate(KeyName(youth_id));
  if (!key.ok()) return key.status();
  const absl::string_view secret(reinterpret_cast<const char*>(key->data()), key->size());
  const std::string photo_id =
      absl::StrCat(youth_id, "_p", DeriveId("photo", Sha256({secret, photo->bytes})));
  const absl::Status kept = blob.Put(photo_id, Seal(*key, photo->bytes, Associated(photo_id)));
  if (!kept.ok()) return kept;
  return photo_id;
}

absl::StatusOr<std::string> ReadPhoto(const std::string& photo_id, Keys& keys, Blob& blob) {
  const absl::StatusOr<Key> key = keys.Get(KeyName(YouthOf(photo_id)));
  if (!key.ok()) return key.status();
  const absl::StatusOr<std::string> sealed = blob.Get(photo_id);
  if (!sealed.ok()) return sealed.status();
  return Open(*key, *sealed, Associated(photo_id));
}

}  // namespace porchlight
