// See photo.h.
#include "common/photo/photo.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/photo/jpeg.h"
#include "common/photo/png.h"
#include "common/photo/raster.h"

namespace porchlight {
namespace {

constexpr absl::string_view kJpegStart = "\xFF\xD8\xFF";
constexpr absl::string_view kPngStart = "\x89PNG\r\n\x1A\n";
// The first that makes it small enough is taken; nearly always that is the first.
constexpr int kQualities[] = {90, 75, 50, 25};

absl::StatusOr<DecodedPhoto> Decode(absl::string_view bytes, const PhotoLimits& limits) {
  if (absl::StartsWith(bytes, kJpegStart)) return DecodeJpeg(bytes, limits);
  if (absl::StartsWith(bytes, kPngStart)) return DecodePng(bytes, limits);
  return absl::InvalidArgumentError(
      "the photo is neither JPEG nor PNG: save it as JPEG (on an iPhone: Settings, Camera, "
      "Formats, "
      "Most Compatible)");
}

}  // namespace

absl::StatusOr<CleanedPhoto> CleanPhoto(absl::string_view bytes, const PhotoLimits& limits) {
  if (bytes.empty()) return absl::InvalidArgumentError("the photo is an empty file");
  if (bytes.size() > limits.bytes_max) {
    return absl::InvalidArgumentError(absl::StrCat("the photo has ", bytes.size(),
                                                   " bytes, and at most ", limits.bytes_max,
                                                   " can be taken: make it smaller"));
  }
  absl::StatusOr<DecodedPhoto> decoded = Decode(bytes, limits);
  if (!decoded.ok()) return decoded.status();
  const Raster raster =
      Oriented(Shrunk(std::move(decoded->raster), limits.pixels_kept_max), decoded->orientation);
  for (int quality : kQualities) {
    absl::StatusOr<std::string> encoded = EncodeJpeg(raster, quality);
    if (!encoded.ok()) return encoded.status();
    if (encoded->size() > limits.bytes_max) continue;
    return CleanedPhoto{.bytes = *std::move(encoded),
                        .media_type = "image/jpeg",
                        .width_pixels = raster.width,
                        .height_pixels = raster.height};
  }
  return absl::InvalidArgumentError("the photo can't be made small enough: make it smaller");
}

}  // namespace porchlight
