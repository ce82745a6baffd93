#include "common/photo/fill_photos.h"

#include "common/photo/kept_photo.h"

namespace porchlight {

void FillPhotos(Keys& keys, Blob* blob, v1::Message& message) {
  auto& attachments = *message.mutable_attachments();
  for (int i = attachments.size() - 1; i >= 0; --i) {
    v1::Attachment& attachment = attachments[i];
    if (attachment.blob_id().empty()) continue;
    absl::StatusOr<std::string> photo = absl::NotFoundError("no photos are kept here");
    if (blob != nullptr) photo = ReadPhoto(attachment.blob_id(), keys, *blob);
    if (photo.ok()) {
      attachment.set_content(*std::move(photo));
      continue;
    }
    attachments.DeleteSubrange(i, 1);
    message.mutable_text()->append(
        "\nThe photo could not be attached: please ask the agency for it.\n");
  }
}

}  // namespace porchlight
