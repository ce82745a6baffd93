// Pixels in memory, between a decoder and the encoder.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace porchlight {

// Rows from top to bottom, each of `width` times red, green, blue.
struct Raster {
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<uint8_t> rgb;

  void Resize(uint32_t new_width, uint32_t new_height) {
    width = new_width;
    height = new_height;
    rgb.resize(size_t{3} * width * height);
  }
  uint8_t* At(uint32_t x, uint32_t y) { return &rgb[3 * (size_t{y} * width + x)]; }
  const uint8_t* At(uint32_t x, uint32_t y) const { return &rgb[3 * (size_t{y} * width + x)]; }
};

// What a decoder makes of a file.
struct DecodedPhoto {
  Raster raster;
  int orientation = 1;  // EXIF's, 1 to 8
};

// Turned and mirrored to what EXIF's `orientation`, 1 to 8, says.
Raster Oriented(Raster raster, int orientation);

// With the least number of whole pixels averaged into one so that at most `pixels_max` are left.
Raster Shrunk(Raster raster, uint64_t pixels_max);

// The orientation that EXIF data (a TIFF header and what follows) states; 1 if it states none, or
// nothing that can be read.
int ExifOrientation(absl::string_view tiff);

}  // namespace porchlight
