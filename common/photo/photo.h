// Makes a photo safe to keep and to send: it is decoded, and what is kept is a new JPEG made from
// its pixels alone. Where and with what it was taken, thumbnails, comments, hidden and trailing
// data don't survive, whatever the format hid them in. Never trusts a size or an offset that the
// file states.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/limits.h"

namespace porchlight {

struct PhotoLimits {
  size_t bytes_max = kPhotoBytesMax;      // as it comes, and as it is kept
  uint64_t pixels_max = kPhotoPixelsMax;  // as it comes
  uint64_t pixels_whole_max =
      kPhotoPixelsWholeMax;  // one that can't be made smaller while it is read
  uint64_t pixels_kept_max = kPhotoPixelsKeptMax;  // larger ones are made smaller
};

struct CleanedPhoto {
  std::string bytes;
  std::string media_type;  // image/jpeg
  // As people see it: turned as the camera's orientation said.
  uint32_t width_pixels = 0;
  uint32_t height_pixels = 0;
};

// JPEG (not CMYK) and PNG (over white where it is transparent). InvalidArgument: something else,
// broken, cut short, or too large; the text says which and what to do.
absl::StatusOr<CleanedPhoto> CleanPhoto(absl::string_view bytes, const PhotoLimits& limits = {});

}  // namespace porchlight
