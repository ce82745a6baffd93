// Photos at rest: cleaned, sealed with the youth's key, and kept as a blob. Rules and records hold
// the photo's id only. Destroying the youth's key destroys the photo too.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/blob/blob.h"
#include "common/keys/keys.h"

namespace porchlight {

// The photo's id once it is durable: the same photo of the same youth has the same one, and it
// tells nothing to who hasn't the youth's key. InvalidArgument: it can't be understood as a photo;
// the text says why. FailedPrecondition: the youth's key was destroyed. Unavailable: it isn't kept.
absl::StatusOr<std::string> KeepPhoto(const std::string& youth_id, absl::string_view bytes,
                                      Keys& keys, Blob& blob);

// The JPEG. NotFound: no such photo. FailedPrecondition: the youth's key was destroyed. DataLoss:
// it was changed where it is kept.
absl::StatusOr<std::string> ReadPhoto(const std::string& photo_id, Keys& keys, Blob& blob);

}  // namespace porchlight
