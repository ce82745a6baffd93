// See raster.h.
#include "common/photo/raster.h"

#include <algorithm>
#include <utility>

namespace porchlight {
namespace {

constexpr uint16_t kOrientationTag = 0x0112;
constexpr uint16_t kShortType = 3;
constexpr size_t kEntryBytes = 12;

// Reads of TIFF's numbers; anything beyond the end is 0.
class TiffReader {
 public:
  explicit TiffReader(absl::string_view bytes)
      : bytes_(bytes), big_endian_(bytes.substr(0, 2) == "MM") {}

  uint32_t Number(uint64_t offset, size_t size) const {
    if (offset > bytes_.size() || bytes_.size() - offset < size) return 0;
    uint32_t number = 0;
    for (size_t i = 0; i < size; ++i) {
      const size_t at = offset + (big_endian_ ? i : size - 1 - i);
      number = number << 8 | static_cast<uint8_t>(bytes_[at]);
    }
    return number;
  }

 private:
  const absl::string_view bytes_;
  const bool big_endian_;
};

}  // namespace

int ExifOrientation(absl::string_view tiff) {
  const absl::string_view order = tiff.substr(0, 2);
  const TiffReader reader(tiff);
  if ((order != "II" && order != "MM") || reader.Number(2, 2) != 42) return 1;
  const uint64_t directory = reader.Number(4, 4);
  const uint32_t entries = reader.Number(directory, 2);
  for (uint32_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + i * kEntryBytes;
    if (reader.Number(entry, 2) != kOrientationTag) continue;
    const uint32_t value = reader.Number(entry + 8, 2);
    const bool sound = reader.Number(entry + 2, 2) == kShortType && value >= 1 && value <= 8;
    return sound ? static_cast<int>(value) : 1;
  }
  return 1;
}

Raster Oriented(Raster raster, int orientation) {
  if (orientation == 1) return raster;
  // Three flips make up all eight: mirrored sideways, upside down, and rows exchanged with columns.
  const bool transposed = orientation >= 5;
  const bool mirrored =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool upside_down =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  Raster turned;
  turned.Resize(transposed ? raster.height : raster.width,
                transposed ? raster.width : raster.height);
  for (uint32_t y = 0; y < turned.height; ++y) {
    for (uint32_t x = 0; x < turned.width; ++x) {
      const uint32_t column = transposed ? y : x;
      const uint32_t row = transposed ? x : y;
      const uint8_t* from = raster.At(mirrored ? raster.width - 1 - column : column,
                                      upside_down ? raster.height - 1 - row : row);
      std::copy_n(from, 3, turned.At(x, y));
    }
  }
  return turned;
}

Raster Shrunk(Raster raster, uint64_t pixels_max) {
  uint32_t step = 1;
  const auto smaller = [&step](uint32_t side) { return (side + step - 1) / step; };
  while (uint64_t{smaller(raster.width)} * smaller(raster.height) > pixels_max) ++step;
  if (step == 1) return raster;
  Raster shrunk;
  shrunk.Resize(smaller(raster.width), smaller(raster.height));
  for (uint32_t y = 0; y < shrunk.height; ++y) {
    for (uint32_t x = 0; x < shrunk.width; ++x) {
      uint32_t sums[3] = {};
      uint32_t count = 0;
      for (uint32_t row = y * step; row < std::min(raster.height, (y + 1) * step); ++row) {
        for (uint32_t column = x * step; column < std::min(raster.width, (x + 1) * step);
             ++column, ++count) {
          for (int c = 0; c < 3; ++c) sums[c] += raster.At(column, row)[c];
        }
      }
      for (int c = 0; c < 3; ++c) shrunk.At(x, y)[c] = static_cast<uint8_t>(sums[c] / count);
    }
  }
  return shrunk;
}

}  // namespace porchlight
