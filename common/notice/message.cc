#include "common/notice/message.h"

#include "absl/strings/str_cat.h"
#include "common/notice/packet.h"
#include "common/notice/text.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {
namespace {

// Whom the law wants to have the photo (42 USC 671(a)(35)(B)), while they look for the youth.
bool WantsPhoto(const v1::NoticePacket& packet, v1::RecipientKind recipient) {
  const bool looked_for =
      packet.kind() != v1::NOTICE_KIND_RETURN && packet.kind() != v1::NOTICE_KIND_CLOSED;
  return looked_for && !packet.episode().youth().photo_id().empty() &&
         (recipient == v1::RECIPIENT_KIND_LAW_ENFORCEMENT ||
          recipient == v1::RECIPIENT_KIND_TRIBAL_LAW_ENFORCEMENT ||
          recipient == v1::RECIPIENT_KIND_NCMEC ||
          recipient == v1::RECIPIENT_KIND_STATE_CLEARINGHOUSE);
}

}  // namespace

v1::Message MessageOf(const v1::NoticePacket& packet, const v1::Recipient& recipient,
                      const absl::TimeZone& zone) {
  v1::Message message;
  message.set_subject(absl::StrCat(HeadlineOf(packet), " (", packet.episode().episode_id(), ")"));
  if (recipient.channel() == v1::CHANNEL_KIND_SMS ||
      recipient.channel() == v1::CHANNEL_KIND_VOICE) {
    message.set_text(ShortTextOf(packet, zone));
    return message;
  }
  const bool with_photo = WantsPhoto(packet, recipient.kind());
  message.set_text(absl::StrCat(TextOf(packet, recipient.kind(), zone),
                                with_photo ? "\nA photo is beside this message.\n" : "",
                                "\nNotice ", packet.notice_id(),
                                ". The same notice may arrive twice; its id then is the same.\n"));
  std::string json;
  if (google::protobuf::util::MessageToJsonString(packet, &json).ok()) message.set_json(json);
  v1::Attachment& attachment = *message.add_attachments();
  attachment.set_file_name("packet.json");
  attachment.set_media_type("application/json");
  attachment.set_content(json);
  if (with_photo) {
    v1::Attachment& photo = *message.add_attachments();
    photo.set_file_name("photo.jpg");
    photo.set_media_type("image/jpeg");
    photo.set_photo_id(packet.episode().youth().photo_id());
  }
  return message;
}

}  // namespace porchlight
