// A photo reaches police and NCMEC beside the notice, and nobody else; one that can't be read holds
// no notice up.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/photo/jpeg.h"
#include "common/photo/kept_photo.h"
#include "common/photo/raster.h"
#include "tests/support/world.h"

namespace porchlight::photo_test {
namespace {

using ::testing::HasSubstr;

class PhotoBeside : public ::testing::Test {
 protected:
  PhotoBeside()
      : world_({TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT),
                TestRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC)}) {}

  std::string Keep() {
    Raster raster;
    raster.Resize(32, 32);
    return KeepPhoto("youth-1", *EncodeJpeg(raster, 90), world_.keys, world_.blob).value();
  }

  void Report(const std::string& photo_id) {
    v1::ReportMissingRequest request;
    request.set_youth_id("youth-1");
    request.set_placement("Maple House");
    request.mutable_youth()->set_photo_id(photo_id);
    ASSERT_TRUE(world_.Report("request-1", request).ok());
  }

  v1::Message FirstTo(const std::string& recipient_id) {
    for (const MemoryChannel::Sent& sent : world_.channel->sent()) {
      if (sent.outgoing.recipient.recipient_id() == recipient_id) return sent.outgoing.message;
    }
    ADD_FAILURE() << "nothing was sent to " << recipient_id;
    return {};
  }

  World world_;
};

TEST_F(PhotoBeside, GoesToPoliceWithTheNotice) {
  const std::string photo_id = Keep();
  Report(photo_id);
  const v1::Message message = FirstTo("police");
  ASSERT_EQ(message.attachments_size(), 2);
  EXPECT_EQ(message.attachments(1).file_name(), "photo.jpg");
  EXPECT_EQ(message.attachments(1).content(), *ReadPhoto(photo_id, world_.keys, world_.blob));
  EXPECT_THAT(message.text(), HasSubstr("A photo is beside this message"));
}

TEST_F(PhotoBeside, ThatIsGoneHoldsNoNoticeUp) {
  const std::string photo_id = Keep();
  ASSERT_TRUE(world_.blob.Remove(photo_id).ok());
  Report(photo_id);
  const v1::Message message = FirstTo("police");
  EXPECT_EQ(message.attachments_size(), 1);
  EXPECT_THAT(message.text(), HasSubstr("please ask for it"));
}

}  // namespace
}  // namespace porchlight::photo_test
