// See jpeg.h.
#include "common/photo/jpeg.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <utility>

// The library's headers need those above.
#include <jerror.h>
#include <jpeglib.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace porchlight {
namespace {

constexpr int kExifMarker = JPEG_APP0 + 1;
constexpr absl::string_view kExifPrefix("Exif\0\0", 6);
constexpr unsigned kMarkerBytesMax = 0xFFFF;
// A picture has at most some tens of scans; one with thousands is made to keep a decoder busy.
constexpr int kScansMax = 100;
constexpr unsigned kScaleDenominatorMax = 8;

// The library's error handling, made to end in false.
class Guard {
 public:
  explicit Guard(jpeg_common_struct& common) {
    common.err = jpeg_std_error(&manager_);
    common.client_data = this;
    manager_.error_exit = &Guard::Exit;
    manager_.emit_message = &Guard::Warn;
    manager_.output_message = [](j_common_ptr) {};
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  const char* text() const { return text_; }

  // Runs `step`, which calls the library; false if that gave up in the middle. Nothing in `step`
  // may need a destructor: it is left by longjmp.
  template <typename Owner>
  bool Run(Owner& owner, void (*step)(Owner&)) {
    if (setjmp(jump_) != 0) return false;
    step(owner);
    return true;
  }

  // Ends the step in progress; for callbacks of the library.
  [[noreturn]] static void GiveUp(j_common_ptr common, const char* why) {
    std::snprintf(Of(common).text_, JMSG_LENGTH_MAX, "%s", why);
    longjmp(Of(common).jump_, 1);
  }

 private:
  static Guard& Of(j_common_ptr common) { return *static_cast<Guard*>(common->client_data); }
  [[noreturn]] static void Exit(j_common_ptr common) {
    common->err->format_message(common, Of(common).text_);
    longjmp(Of(common).jump_, 1);
  }
  // What the library would patch up with grey is broken. A few bytes too many between two segments,
  // as some telephones write them, or an odd colour note, are not.
  static void Warn(j_common_ptr common, int level) {
    const int code = common->err->msg_code;
    if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) Exit(common);
  }

  jpeg_error_mgr manager_ = {};
  std::jmp_buf jump_ = {};
  char text_[JMSG_LENGTH_MAX] = {};
};

class Decoder {
 public:
  explicit Decoder(absl::string_view bytes)
      : bytes_(bytes), guard_(reinterpret_cast<jpeg_common_struct&>(jpeg_)) {}
  ~Decoder() { jpeg_destroy_decompress(&jpeg_); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  absl::StatusOr<DecodedPhoto> Decode(const PhotoLimits& limits) {
    if (!guard_.Run(*this, &Decoder::ReadHeader)) return Broken();
    if (jpeg_.num_components != 1 && jpeg_.num_components != 3) {
      return absl::InvalidArgumentError(
          "the photo has the colours of print (CMYK): save it as an ordinary JPEG");
    }
    const uint64_t pixels = uint64_t{jpeg_.image_width} * jpeg_.image_height;
    const uint64_t pixels_max =
        jpeg_has_multiple_scans(&jpeg_) ? limits.pixels_whole_max : limits.pixels_max;
    if (pixels > pixels_max) {
      return absl::InvalidArgumentError(absl::StrCat("the photo has ", pixels,
                                                     " pixels, and at most ", pixels_max,
                                                     " of its kind can be taken: make it smaller"));
    }
    if (!ChooseScale(limits.pixels_kept_max)) return Broken();
    decoded_.raster.Resize(jpeg_.output_width, jpeg_.output_height);
    decoded_.orientation = Orientation();  // what it is read from is gone after the pixels
    if (!guard_.Run(*this, &Decoder::ReadPixels)) return Broken();
    return std::move(decoded_);
  }

 private:
  absl::Status Broken() const {
    return absl::InvalidArgumentError(absl::StrCat(
        "the photo is broken or cut short (", guard_.text(), "): send it again, or another one"));
  }

  static void ReadHeader(Decoder& self) {
    jpeg_create_decompress(&self.jpeg_);
    self.progress_.progress_monitor = &Decoder::CountScans;
    self.jpeg_.progress = &self.progress_;
    jpeg_save_markers(&self.jpeg_, kExifMarker, kMarkerBytesMax);
    jpeg_mem_src(&self.jpeg_, reinterpret_cast<const unsigned char*>(self.bytes_.data()),
                 self.bytes_.size());
    jpeg_read_header(&self.jpeg_, TRUE);
  }

  static void CountScans(j_common_ptr common) {
    const auto* jpeg = reinterpret_cast<j_decompress_ptr>(common);
    if (jpeg->input_scan_number > kScansMax) Guard::GiveUp(common, "too many scans");
  }

  // The library makes a picture smaller while it reads it, which needs less memory.
  bool ChooseScale(uint64_t pixels_kept_max) {
    jpeg_.out_color_space = JCS_RGB;
    jpeg_.scale_num = 1;
    for (jpeg_.scale_denom = 1;; jpeg_.scale_denom *= 2) {
      const bool sound = guard_.Run(
          *this, +[](Decoder& self) { jpeg_calc_output_dimensions(&self.jpeg_); });
      if (!sound) return false;
      const uint64_t pixels = uint64_t{jpeg_.output_width} * jpeg_.output_height;
      if (pixels <= pixels_kept_max || jpeg_.scale_denom == kScaleDenominatorMax) return true;
    }
  }

  static void ReadPixels(Decoder& self) {
    jpeg_start_decompress(&self.jpeg_);
    while (self.jpeg_.output_scanline < self.jpeg_.output_height) {
      JSAMPROW row = self.decoded_.raster.At(0, self.jpeg_.output_scanline);
      jpeg_read_scanlines(&self.jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&self.jpeg_);
  }

  int Orientation() const {
    for (const jpeg_marker_struct* marker = jpeg_.marker_list; marker != nullptr;
         marker = marker->next) {
      absl::string_view data(reinterpret_cast<const char*>(marker->data), marker->data_length);
      if (absl::ConsumePrefix(&data, kExifPrefix)) return ExifOrientation(data);
    }
    return 1;
  }

  const absl::string_view bytes_;
  DecodedPhoto decoded_;
  jpeg_decompress_struct jpeg_ = {};
  jpeg_progress_mgr progress_ = {};
  Guard guard_;
};

class Encoder {
 public:
  Encoder(const Raster& raster, int quality)
      : raster_(raster), quality_(quality), guard_(reinterpret_cast<jpeg_common_struct&>(jpeg_)) {}
  ~Encoder() {
    jpeg_destroy_compress(&jpeg_);
    free(bytes_);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  absl::StatusOr<std::string> Encode() {
    if (!guard_.Run(*this, &Encoder::Write)) {
      return absl::InternalError(absl::StrCat("a photo can't be written: ", guard_.text()));
    }
    return std::string(reinterpret_cast<const char*>(bytes_), size_);
  }

 private:
  static void Write(Encoder& self) {
    jpeg_create_compress(&self.jpeg_);
    jpeg_mem_dest(&self.jpeg_, &self.bytes_, &self.size_);
    self.jpeg_.image_width = self.raster_.width;
    self.jpeg_.image_height = self.raster_.height;
    self.jpeg_.input_components = 3;
    self.jpeg_.in_color_space = JCS_RGB;
    jpeg_set_defaults(&self.jpeg_);
    jpeg_set_quality(&self.jpeg_, self.quality_, TRUE);
    self.jpeg_.optimize_coding = TRUE;
    jpeg_start_compress(&self.jpeg_, TRUE);
    while (self.jpeg_.next_scanline < self.jpeg_.image_height) {
      JSAMPROW row = const_cast<JSAMPROW>(self.raster_.At(0, self.jpeg_.next_scanline));
      jpeg_write_scanlines(&self.jpeg_, &row, 1);
    }
    jpeg_finish_compress(&self.jpeg_);
  }

  const Raster& raster_;
  const int quality_;
  unsigned char* bytes_ = nullptr;  // the library's, by malloc
  unsigned long size_ = 0;
  jpeg_compress_struct jpeg_ = {};
  Guard guard_;
};

}  // namespace

absl::StatusOr<DecodedPhoto> DecodeJpeg(absl::string_view bytes, const PhotoLimits& limits) {
  return Decoder(bytes).Decode(limits);
}

absl::StatusOr<std::string> EncodeJpeg(const Raster& raster, int quality) {
  return Encoder(raster, quality).Encode();
}

}  // namespace porchlight
