// See png.h.
#include "common/photo/png.h"

#include <png.h>

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

constexpr size_t kSignatureBytes = 8;
constexpr size_t kLengthBytes = 4;
constexpr size_t kTypeBytes = 4;
constexpr size_t kChecksumBytes = 4;

absl::Status Broken(absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the photo is broken or cut short (", why, "): send it again, or another one"));
}

uint32_t BigEndian(absl::string_view bytes) {
  uint32_t number = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) number = number << 8 | static_cast<uint8_t>(bytes[i]);
  return number;
}

struct Chunks {
  std::string picture;  // a PNG of only those that make up the picture
  int orientation = 1;
};

// Nothing if the file doesn't go on to its end.
std::optional<Chunks> ReadChunks(absl::string_view bytes) {
  Chunks chunks;
  chunks.picture = std::string(bytes.substr(0, kSignatureBytes));
  absl::string_view rest = bytes.substr(chunks.picture.size());
  while (rest.size() >= kLengthBytes + kTypeBytes + kChecksumBytes) {
    const uint64_t size = BigEndian(rest);
    const uint64_t whole = kLengthBytes + kTypeBytes + size + kChecksumBytes;
    if (whole > rest.size()) return std::nullopt;
    const absl::string_view type = rest.substr(kLengthBytes, kTypeBytes);
    if (type == "IHDR" || type == "PLTE" || type == "tRNS" || type == "IDAT" || type == "IEND") {
      absl::StrAppend(&chunks.picture, rest.substr(0, whole));
    } else if (type == "eXIf") {
      chunks.orientation = ExifOrientation(rest.substr(kLengthBytes + kTypeBytes, size));
    }
    if (type == "IEND") return chunks;
    rest.remove_prefix(whole);
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<DecodedPhoto> DecodePng(absl::string_view bytes, const PhotoLimits& limits) {
  const std::optional<Chunks> chunks = ReadChunks(bytes);
  if (!chunks.has_value()) return Broken("its end is missing");
  png_image image;
  std::memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  const auto release = absl::MakeCleanup([&image] { png_image_free(&image); });
  if (png_image_begin_read_from_memory(&image, chunks->picture.data(), chunks->picture.size()) ==
      0) {
    return Broken(image.message);
  }
  const uint64_t pixels = uint64_t{image.width} * image.height;
  if (pixels > limits.pixels_whole_max) {
    return absl::InvalidArgumentError(
        absl::StrCat("the photo has ", pixels, " pixels, and at most ", limits.pixels_whole_max,
                     " of its kind can be taken: make it smaller, or save it as JPEG"));
  }
  image.format = PNG_FORMAT_RGB;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  DecodedPhoto decoded;
  decoded.orientation = chunks->orientation;
  decoded.raster.Resize(image.width, image.height);
  const png_color white = {255, 255, 255};
  if (png_image_finish_read(&image, &white, decoded.raster.rgb.data(), 0, nullptr) == 0) {
    return Broken(image.message);
  }
  return decoded;
}

}  // namespace porchlight
