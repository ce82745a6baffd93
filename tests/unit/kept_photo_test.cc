// Photos at rest: nobody without the youth's key learns anything from what is kept.
#include "common/photo/kept_photo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/blob/memory_blob.h"
#include "common/keys/memory_keys.h"
#include "common/photo/jpeg.h"
#include "common/photo/photo.h"
#include "common/photo/raster.h"

namespace porchlight::kept_photo_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string Photo(uint8_t shade) {
  Raster raster;
  raster.Resize(32, 32);
  for (uint32_t y = 0; y < 32; ++y) {
    for (uint32_t x = 0; x < 32; ++x) raster.At(x, y)[0] = shade;
  }
  return *EncodeJpeg(raster, 90);
}

class KeptPhoto : public ::testing::Test {
 protected:
  std::string Keep(const std::string& youth_id, const std::string& bytes) {
    const auto photo_id = KeepPhoto(youth_id, bytes, keys_, blob_);
    EXPECT_TRUE(photo_id.ok()) << photo_id.status();
    return photo_id.value_or("");
  }

  MemoryKeys keys_{1};
  MemoryBlob blob_;
};

TEST_F(KeptPhoto, IsReadAgainByItsId) {
  const std::string photo_id = Keep("youth-1", Photo(200));
  EXPECT_THAT(photo_id, StartsWith("youth-1_p"));
  EXPECT_EQ(*ReadPhoto(photo_id, keys_, blob_), CleanPhoto(Photo(200))->bytes);
  EXPECT_THAT(*blob_.Get(photo_id), Not(HasSubstr("JFIF"))) << "it is kept in clear";
}

TEST_F(KeptPhoto, TheSameOneHasTheSameIdAndOthersHaveTheirOwn) {
  const std::string first = Keep("youth-1", Photo(200));
  EXPECT_EQ(Keep("youth-1", Photo(200)), first);
  EXPECT_NE(Keep("youth-1", Photo(10)), first);
  EXPECT_NE(Keep("youth-2", Photo(200)).substr(9), first.substr(9))
      << "who is in two photos can be seen from their ids";
}

TEST_F(KeptPhoto, ThatIsNoneIsRefusedAndNothingIsKept) {
  const auto refused = KeepPhoto("youth-1", "not a photo", keys_, blob_);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReadPhoto("youth-1_pabc", keys_, blob_).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(KeptPhoto, IsGoneWithTheKeyAndCantBePutInAnothersPlace) {
  const std::string one = Keep("youth-1", Photo(200));
  const std::string other = Keep("youth-1", Photo(10));
  ASSERT_TRUE(blob_.Put(one, *blob_.Get(other)).ok());
  EXPECT_EQ(ReadPhoto(one, keys_, blob_).status().code(), absl::StatusCode::kDataLoss);
  ASSERT_TRUE(keys_.Destroy(KeyName("youth-1")).ok());
  EXPECT_EQ(ReadPhoto(other, keys_, blob_).status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace porchlight::kept_photo_test
