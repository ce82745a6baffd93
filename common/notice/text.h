// The words of a notice, from a packet that holds no more than its recipient may know. Pure. Kind
// words, the youth's own name; subjects and short texts say nothing of who the youth is.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

// Well below what providers of text messages and calls take, in whatever script.
inline constexpr size_t kShortTextCharactersMax = 600;

// "A youth is missing from care". Says nothing of the youth.
std::string HeadlineOf(const v1::NoticePacket& packet);

// For a person to read: what is known, and what this kind of recipient is asked to do.
std::string TextOf(const v1::NoticePacket& packet, v1::RecipientKind recipient,
                   const absl::TimeZone& zone);

// What a person says who calls this recipient, what they ask for, and how they type it in.
std::string ScriptOf(const v1::NoticePacket& packet, const v1::Recipient& recipient,
                     const absl::TimeZone& zone);

// For a text message or a call: what it is about and whom to ask, in so few words.
std::string ShortTextOf(const v1::NoticePacket& packet, const absl::TimeZone& zone);

}  // namespace porchlight
