// A photo that is kept shows what the one that came showed, upright, and holds nothing else.
#include "common/photo/photo.h"

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/photo/jpeg.h"
#include "common/photo/raster.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::photo_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Four quarters: red, green above blue, white.
Raster Quarters(uint32_t width, uint32_t height) {
  Raster raster;
  raster.Resize(width, height);
  for (uint32_t y = 0; y < height; ++y) {
    for (uint32_t x = 0; x < width; ++x) {
      const bool right = x >= width / 2;
      const bool below = y >= height / 2;
      uint8_t* pixel = raster.At(x, y);
      pixel[0] = right == below ? 255 : 0;
      pixel[1] = right ? 255 : 0;
      pixel[2] = below ? 255 : 0;
    }
  }
  return raster;
}

// "R", "G", "B", "W" or "?" of the four quarters' middles, row by row.
std::string Seen(const Raster& raster) {
  std::string seen;
  for (uint32_t y : {raster.height / 4, raster.height * 3 / 4}) {
    for (uint32_t x : {raster.width / 4, raster.width * 3 / 4}) {
      const uint8_t* pixel = raster.At(x, y);
      const auto is = [pixel](int red, int green, int blue) {
        return std::abs(pixel[0] - red) < 40 && std::abs(pixel[1] - green) < 40 &&
               std::abs(pixel[2] - blue) < 40;
      };
      seen += is(255, 0, 0)       ? 'R'
              : is(0, 255, 0)     ? 'G'
              : is(0, 0, 255)     ? 'B'
              : is(255, 255, 255) ? 'W'
                                  : '?';
    }
  }
  return seen;
}

std::string BigEndian(uint32_t number, size_t bytes) {
  std::string text;
  for (size_t i = bytes; i > 0; --i) text += static_cast<char>(number >> 8 * (i - 1) & 0xFF);
  return text;
}

// EXIF data, big-endian, with an orientation and something that must not be kept.
std::string Exif(int orientation) {
  return absl::StrCat(absl::string_view("MM\0\x2A\0\0\0\x08\0\x01", 10), BigEndian(0x0112, 2),
                      BigEndian(3, 2), BigEndian(1, 4),
                      BigEndian(static_cast<uint32_t>(orientation), 2), BigEndian(0, 6),
                      "planted-location");
}

std::string Segment(char marker, absl::string_view content) {
  return absl::StrCat("\xFF", std::string(1, marker),
                      BigEndian(static_cast<uint32_t>(content.size() + 2), 2), content);
}

// Puts segments right after the beginning of a JPEG.
std::string With(absl::string_view segments, absl::string_view jpeg) {
  return absl::StrCat(jpeg.substr(0, 2), segments, jpeg.substr(2));
}

std::string Jpeg(uint32_t width = 64, uint32_t height = 32) {
  return *EncodeJpeg(Quarters(width, height), 95);
}

uint32_t Crc(absl::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (char c : bytes) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320 : 0);
  }
  return ~crc;
}

std::string Chunk(absl::string_view type, absl::string_view content) {
  const std::string covered = absl::StrCat(type, content);
  return absl::StrCat(BigEndian(static_cast<uint32_t>(content.size()), 4), covered,
                      BigEndian(Crc(covered), 4));
}

// What zlib makes of bytes when it stores them as they are.
std::string Stored(absl::string_view bytes) {
  uint32_t a = 1;
  uint32_t b = 0;
  for (char c : bytes) {
    a = (a + static_cast<uint8_t>(c)) % 65521;
    b = (b + a) % 65521;
  }
  std::string stored = "\x78\x01";
  do {
    const absl::string_view part = bytes.substr(0, 65535);
    bytes.remove_prefix(part.size());
    const auto size = static_cast<uint32_t>(part.size());
    const std::string length = {static_cast<char>(size & 0xFF), static_cast<char>(size >> 8)};
    absl::StrAppend(&stored, std::string(1, bytes.empty() ? '\x01' : '\0'), length,
                    std::string{static_cast<char>(~length[0]), static_cast<char>(~length[1])},
                    part);
  } while (!bytes.empty());
  return absl::StrCat(stored, BigEndian(b << 16 | a, 4));
}

std::string PngHeader(uint32_t width, uint32_t height, int bits, int colour) {
  return Chunk("IHDR", absl::StrCat(BigEndian(width, 4), BigEndian(height, 4),
                                    std::string{static_cast<char>(bits), static_cast<char>(colour),
                                                0, 0, 0}));
}

constexpr absl::string_view kPngStart = "\x89PNG\r\n\x1A\n";

// `extra` chunks come before the picture.
std::string Png(const Raster& raster, absl::string_view extra = "") {
  std::string rows;
  for (uint32_t y = 0; y < raster.height; ++y) {
    rows += '\0';
    rows.append(reinterpret_cast<const char*>(raster.At(0, y)), size_t{3} * raster.width);
  }
  return absl::StrCat(kPngStart, PngHeader(raster.width, raster.height, 8, 2), extra,
                      Chunk("IDAT", Stored(rows)), Chunk("IEND", ""));
}

// Three pictures made with other encoders: progressive; baseline with a scan for each colour; CMYK.
constexpr char kProgressive[] =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIs"
    "IxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIy"
    "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wgARCAAQABADAREAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAA"
    "BgUH/8QAFwEAAwEAAAAAAAAAAAAAAAAABQYHBP/aAAwDAQACEAMQAAABijHhKMi4KvM24o+r/8QAFBABAAAAAAAA"
    "AAAAAAAAAAAAIP/aAAgBAQABBQIf/8QAFBEBAAAAAAAAAAAAAAAAAAAAIP/aAAgBAwEBPwEf/8QAFBEBAAAAAAAA"
    "AAAAAAAAAAAAIP/aAAgBAgEBPwEf/8QAFBABAAAAAAAAAAAAAAAAAAAAIP/aAAgBAQAGPwIf/8QAFBABAAAAAAAA"
    "AAAAAAAAAAAAIP/aAAgBAQABPyEf/9oADAMBAAIAAwAAABAvz//EABQRAQAAAAAAAAAAAAAAAAAAACD/2gAIAQMB"
    "AT8QH//EABQRAQAAAAAAAAAAAAAAAAAAACD/2gAIAQIBAT8QH//EABQQAQAAAAAAAAAAAAAAAAAAACD/2gAIAQEA"
    "AT8QH//Z";
constexpr char kScanForEachColour[] =
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIs"
    "IxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwhMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIy"
    "MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wAARCAAQABADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAA"
    "BwYI/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwCLJQGbif/EABQBAQAAAAAAAAAAAAAAAAAAAAD/xAAf"
    "EQAAAwkAAAAAAAAAAAAAAAAGERIAARMUIzFCUWL/2gAIAQIRAD8ACIGSUOupR4lYun7b/8QAFAEBAAAAAAAAAAAA"
    "AAAAAAAAAP/EAB8RAAECBgMAAAAAAAAAAAAAABIREwAEBhYhMWFicv/aAAgBAxEAPwBVcxczOG2y7KQ+UQedx//Z";
constexpr char kOfPrint[] =
    "/9j/7gAOQWRvYmUAZAAAAAAA/9sAQwAQCwwODAoQDg0OEhEQExgoGhgWFhgxIyUdKDozPTw5Mzg3QEhcTkBEV0U3"
    "OFBtUVdfYmdoZz5NcXlwZHhcZWdj/8AAFAgACAAIBEMRAE0RAFkRAEsRAP/EABQAAQAAAAAAAAAAAAAAAAAAAAf/"
    "xAAUEAEAAAAAAAAAAAAAAAAAAAAA/9oADgRDAE0AWQBLAAA/AEAgEAgP/9k=";

std::string FromBase64(const char* text) {
  std::string bytes;
  EXPECT_TRUE(absl::Base64Unescape(text, &bytes));
  return bytes;
}

Raster Decoded(const CleanedPhoto& photo) {
  const auto decoded = DecodeJpeg(photo.bytes, PhotoLimits());
  EXPECT_TRUE(decoded.ok()) << decoded.status();
  return decoded.ok() ? decoded->raster : Raster();
}

std::string WhyNot(absl::string_view bytes, const PhotoLimits& limits = {}) {
  const auto photo = CleanPhoto(bytes, limits);
  if (photo.ok()) return "";
  EXPECT_EQ(photo.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(photo.status().message());
}

TEST(PhotoTest, KeepsWhatIsSeen) {
  for (const std::string& bytes : {Jpeg(), Png(Quarters(64, 32))}) {
    const auto photo = CleanPhoto(bytes);
    ASSERT_TRUE(photo.ok()) << photo.status();
    EXPECT_EQ(photo->media_type, "image/jpeg");
    EXPECT_EQ(photo->width_pixels, 64u);
    EXPECT_EQ(photo->height_pixels, 32u);
    EXPECT_EQ(Seen(Decoded(*photo)), "RGBW");
  }
}

TEST(PhotoTest, KeepsNothingElse) {
  const std::string thumbnail = Jpeg(16, 16);
  const std::string jpeg = absl::StrCat(
      With(absl::StrCat(Segment('\xE1', absl::StrCat(absl::string_view("Exif\0\0", 6), Exif(1))),
                        Segment('\xE1', "http://ns.adobe.com/xap/1.0/ planted-xmp"),
                        Segment('\xE2', "ICC_PROFILE planted-profile"),
                        Segment('\xED', "Photoshop planted-caption"),
                        Segment('\xEF', absl::StrCat("planted-thumbnail", thumbnail)),
                        Segment('\xFE', "planted-comment")),
           Jpeg()),
      "planted-after-the-end");
  const std::string png =
      absl::StrCat(Png(Quarters(64, 32),
                       absl::StrCat(Chunk("tEXt", absl::string_view("Comment\0planted-text", 20)),
                                    Chunk("iTXt", "planted-xmp"), Chunk("eXIf", Exif(1)),
                                    Chunk("iCCP", "planted-profile"), Chunk("tIME", "planted"))),
                   "planted-after-the-end");
  for (const std::string& bytes : {jpeg, png}) {
    ASSERT_THAT(bytes, HasSubstr("planted-location"));
    const auto photo = CleanPhoto(bytes);
    ASSERT_TRUE(photo.ok()) << photo.status();
    EXPECT_THAT(photo->bytes, Not(HasSubstr("planted")));
    EXPECT_THAT(photo->bytes, Not(HasSubstr("Exif")));
    EXPECT_EQ(photo->bytes.rfind("\xFF\xD8"), 0u);
    EXPECT_TRUE(absl::EndsWith(photo->bytes, "\xFF\xD9"));
    EXPECT_EQ(Seen(Decoded(*photo)), "RGBW");
    // There is nothing left to take out.
    EXPECT_EQ(CleanPhoto(photo->bytes)->width_pixels, 64u);
  }
}

TEST(PhotoTest, IsTurnedAsTheCameraWasHeld) {
  const struct {
    int orientation;
    const char* seen;
    bool turned;
  } kRows[] = {{1, "RGBW", false}, {2, "GRWB", false}, {3, "WBGR", false}, {4, "BWRG", false},
               {5, "RBGW", true},  {6, "BRWG", true},  {7, "WGBR", true},  {8, "GWRB", true},
               {0, "RGBW", false}, {9, "RGBW", false}};
  for (const auto& row : kRows) {
    const std::string exif = Exif(row.orientation);
    const std::string segment =
        Segment('\xE1', absl::StrCat(absl::string_view("Exif\0\0", 6), exif));
    for (const std::string& bytes :
         {With(segment, Jpeg()), Png(Quarters(64, 32), Chunk("eXIf", exif))}) {
      const auto photo = CleanPhoto(bytes);
      ASSERT_TRUE(photo.ok()) << photo.status();
      EXPECT_EQ(Seen(Decoded(*photo)), row.seen) << row.orientation;
      EXPECT_EQ(photo->width_pixels, row.turned ? 32u : 64u) << row.orientation;
      EXPECT_EQ(photo->height_pixels, row.turned ? 64u : 32u) << row.orientation;
    }
  }
}

TEST(PhotoTest, OrientationIsReadInBothByteOrders) {
  EXPECT_EQ(ExifOrientation(Exif(6)), 6);
  EXPECT_EQ(ExifOrientation(absl::string_view("II\x2A\0\x08\0\0\0\x01\0"
                                              "\x12\x01\x03\0\x01\0\0\0\x08\0\0\0",
                                              22)),
            8);
  for (size_t size = 0; size < 20; ++size) EXPECT_EQ(ExifOrientation(Exif(6).substr(0, size)), 1);
  EXPECT_EQ(ExifOrientation(absl::string_view("MM\0\x2A\xFF\xFF\xFF\xFF", 8)), 1);
}

TEST(PhotoTest, TransparentIsWhite) {
  std::string rows;
  for (int y = 0; y < 4; ++y) {
    rows += '\0';
    for (int x = 0; x < 4; ++x) rows += std::string("\xFF\x00\x00\x00", 4);
  }
  const auto photo = CleanPhoto(absl::StrCat(kPngStart, PngHeader(4, 4, 8, 6),
                                             Chunk("IDAT", Stored(rows)), Chunk("IEND", "")));
  ASSERT_TRUE(photo.ok()) << photo.status();
  EXPECT_EQ(Seen(Decoded(*photo)), "WWWW");
}

TEST(PhotoTest, EveryKindOfPngIsTaken) {
  const struct {
    int bits;
    int colour;
    size_t row_bytes;
  } kKinds[] = {{1, 0, 1},  {2, 0, 2},   {4, 0, 4},   {8, 0, 8},  {16, 0, 16},
                {8, 2, 24}, {16, 2, 48}, {1, 3, 1},   {2, 3, 2},  {4, 3, 4},
                {8, 3, 8},  {8, 4, 16},  {16, 4, 32}, {8, 6, 32}, {16, 6, 64}};
  for (const auto& kind : kKinds) {
    const std::string rows(8 * (kind.row_bytes + 1), '\0');
    const std::string palette = kind.colour == 3 ? Chunk("PLTE", "\x10\x20\x30\x40\x50\x60") : "";
    const auto photo =
        CleanPhoto(absl::StrCat(kPngStart, PngHeader(8, 8, kind.bits, kind.colour), palette,
                                Chunk("IDAT", Stored(rows)), Chunk("IEND", "")));
    EXPECT_TRUE(photo.ok()) << kind.bits << " " << kind.colour << " " << photo.status();
  }
}

TEST(PhotoTest, LargerOnesAreMadeSmaller) {
  PhotoLimits limits;
  limits.pixels_kept_max = 64 * 64;
  for (const std::string& bytes : {Jpeg(500, 250), Png(Quarters(500, 250))}) {
    const auto photo = CleanPhoto(bytes, limits);
    ASSERT_TRUE(photo.ok()) << photo.status();
    EXPECT_LE(photo->width_pixels * photo->height_pixels, limits.pixels_kept_max);
    EXPECT_GE(photo->width_pixels * photo->height_pixels, limits.pixels_kept_max / 4);
    EXPECT_EQ(Seen(Decoded(*photo)), "RGBW");
  }
}

TEST(PhotoTest, WhatWouldBeTooManyBytesIsWrittenMoreCoarsely) {
  Raster noise;
  noise.Resize(200, 200);
  std::mt19937 random(1);
  for (uint8_t& value : noise.rgb) value = static_cast<uint8_t>(random());
  const std::string bytes = *EncodeJpeg(noise, 60);
  PhotoLimits limits;
  limits.bytes_max = bytes.size();
  ASSERT_GT(CleanPhoto(bytes)->bytes.size(), limits.bytes_max);
  const auto photo = CleanPhoto(bytes, limits);
  ASSERT_TRUE(photo.ok()) << photo.status();
  EXPECT_LE(photo->bytes.size(), limits.bytes_max);
  EXPECT_EQ(photo->width_pixels, 200u);
}

TEST(PhotoTest, TooLargeIsRefusedWithBothNumbers) {
  PhotoLimits limits;
  limits.bytes_max = 100;
  EXPECT_THAT(WhyNot(Jpeg(), limits), HasSubstr("at most 100 can be taken"));
  limits = {};
  limits.pixels_max = limits.pixels_whole_max = 64 * 32 - 1;
  for (const std::string& bytes : {Jpeg(), Png(Quarters(64, 32))}) {
    EXPECT_THAT(WhyNot(bytes, limits), HasSubstr("2048 pixels, and at most 2047"));
  }
}

// Files of a few bytes that state an enormous picture.
TEST(PhotoTest, BombsAreRefusedByWhatTheyState) {
  EXPECT_THAT(WhyNot(absl::StrCat(kPngStart, PngHeader(900'000, 900'000, 8, 2),
                                  Chunk("IDAT", Stored("x")), Chunk("IEND", ""))),
              HasSubstr("810000000000 pixels"));
  std::string jpeg = Jpeg();
  const size_t size = jpeg.find("\xFF\xC0") + 5;
  jpeg.replace(size, 4, "\xFF\x00\xFF\x00", 4);
  EXPECT_THAT(WhyNot(jpeg), HasSubstr("pixels, and at most"));
}

TEST(PhotoTest, OtherFormatsAreToldApartFromBrokenOnes) {
  for (const char* bytes :
       {"GIF89a", "RIFF....WEBPVP8 ", "....ftypheic", "%PDF-1.7", "x", "<svg>", "BM", "\xFF\xD8"}) {
    EXPECT_THAT(WhyNot(bytes), HasSubstr("save it as JPEG")) << bytes;
  }
  EXPECT_THAT(WhyNot(""), HasSubstr("empty"));
}

TEST(PhotoTest, CutShortAnywhereIsRefused) {
  for (const std::string& bytes : {Jpeg(), Png(Quarters(20, 10))}) {
    for (size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_NE(WhyNot(absl::string_view(bytes).substr(0, size)), "") << size;
    }
  }
}

TEST(PhotoTest, DamagedPngIsRefused) {
  const std::string sound = Png(Quarters(20, 10));
  // But for the checksum of the end, which has no content.
  for (size_t i = 8; i < sound.size() - 4; ++i) {
    std::string damaged = sound;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_NE(WhyNot(damaged), "") << i;
  }
}

TEST(PhotoTest, WhateverBytesComeNothingWorseThanARefusal) {
  const std::string exif = Segment('\xE1', absl::StrCat(absl::string_view("Exif\0\0", 6), Exif(6)));
  const std::string kinds[] = {With(exif, Jpeg(24, 16)),
                               Png(Quarters(24, 16), Chunk("eXIf", Exif(8)))};
  PhotoLimits limits;
  limits.pixels_max = limits.pixels_whole_max = 1'000'000;
  std::mt19937 random(7);
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::string bytes = kinds[i % 2];
    for (int changes = static_cast<int>(random() % 6) + 1; changes > 0; --changes) {
      bytes[3 + random() % (bytes.size() - 3)] = static_cast<char>(random());
    }
    if (i % 5 == 0) bytes.insert(random() % bytes.size(), bytes.substr(random() % bytes.size()));
    const auto photo = CleanPhoto(bytes, limits);
    if (!photo.ok()) {
      ++refused;
      EXPECT_EQ(photo.status().code(), absl::StatusCode::kInvalidArgument);
    } else {
      EXPECT_EQ(photo->width_pixels, Decoded(*photo).width);
    }
  }
  EXPECT_GT(refused, 2000);
}

// They must be held whole, and each scan goes over all of it again.
TEST(PhotoTest, SeveralScansAreTakenWithinTheirOwnLimits) {
  PhotoLimits limits;
  limits.pixels_whole_max = 255;
  for (const char* text : {kProgressive, kScanForEachColour}) {
    const std::string bytes = FromBase64(text);
    const auto photo = CleanPhoto(bytes);
    ASSERT_TRUE(photo.ok()) << photo.status();
    EXPECT_EQ(Seen(Decoded(*photo)), "RGBW");
    EXPECT_THAT(WhyNot(bytes, limits), HasSubstr("at most 255 of its kind"));
  }
  // The last scan, again and again.
  const std::string bytes = FromBase64(kScanForEachColour);
  const size_t last = bytes.rfind("\xFF\xDA");
  const std::string scan = bytes.substr(last, bytes.size() - 2 - last);
  std::string longer = bytes.substr(0, bytes.size() - 2);
  for (int i = 0; i < 20; ++i) longer += scan;
  EXPECT_EQ(WhyNot(absl::StrCat(longer, "\xFF\xD9")), "");
  for (int i = 0; i < 100; ++i) longer += scan;
  EXPECT_THAT(WhyNot(absl::StrCat(longer, "\xFF\xD9")), HasSubstr("scans"));
}

TEST(PhotoTest, ColoursOfPrintAreRefusedWithAdvice) {
  EXPECT_THAT(WhyNot(FromBase64(kOfPrint)), HasSubstr("CMYK"));
}

}  // namespace
}  // namespace porchlight::photo_test
