#include "common/notice/message.h"

#include "absl/strings/str_cat.h"
#include "common/notice/packet.h"
#include "common/notice/text.h"
#include "google/protobuf/util/json_util.h"

namespace porchlight {

v1::Message MessageOf(const v1::NoticePacket& packet, const v1::Recipient& recipient,
                      const absl::TimeZone& zone) {
  v1::Message message;
  message.set_subject(absl::StrCat(HeadlineOf(packet), " (", packet.episode().episode_id(), ")"));
  if (recipient.channel() == v1::CHANNEL_KIND_SMS ||
      recipient.channel() == v1::CHANNEL_KIND_VOICE) {
    message.set_text(ShortTextOf(packet, zone));
    return message;
  }
  message.set_text(absl::StrCat(TextOf(packet, recipient.kind(), zone), "\nNotice ",
                                packet.notice_id(),
                                ". The same notice may arrive twice; its id then is the same.\n"));
  std::string json;
  if (google::protobuf::util::MessageToJsonString(packet, &json).ok()) message.set_json(json);
  v1::Attachment& attachment = *message.add_attachments();
  attachment.set_file_name("packet.json");
  attachment.set_media_type("application/json");
  attachment.set_content(json);
  return message;
}

}  // namespace porchlight
