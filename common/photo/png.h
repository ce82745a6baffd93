// PNG in, by libpng. The library is shown nothing but the chunks that make up the picture: text,
// profiles and whatever else a file holds never reach it.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/photo/photo.h"
#include "common/photo/raster.h"

namespace porchlight {

absl::StatusOr<DecodedPhoto> DecodePng(absl::string_view bytes, const PhotoLimits& limits);

}  // namespace porchlight
