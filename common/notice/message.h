// The message that tells one recipient: text for people, JSON for machines, the photo for those who
// look for the youth. Pure: a photo is named here, and read only when it is sent.
#pragma once

#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// `packet`: with its ids, and with no more than this recipient may know.
v1::Message MessageOf(const v1::NoticePacket& packet, const v1::Recipient& recipient,
                      const absl::TimeZone& zone);

}  // namespace porchlight
