// JPEG in and out, by libjpeg-turbo. The library reports errors by longjmp: that never crosses
// anything of ours with a destructor.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/photo/photo.h"
#include "common/photo/raster.h"

namespace porchlight {

absl::StatusOr<DecodedPhoto> DecodeJpeg(absl::string_view bytes, const PhotoLimits& limits);

// `quality`: 1 to 100. Writes pixels, and no metadata at all.
absl::StatusOr<std::string> EncodeJpeg(const Raster& raster, int quality);

}  // namespace porchlight
