// Writes an e-mail. Pure: the same message always gives the same bytes, so that a repetition is
// recognisable as one. Nothing in a message can become a header.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/channel/channel.h"

namespace porchlight {

// `from` must be an address that CheckAddress takes, as the recipient's must. Lines end in CR LF;
// dots are not doubled (libcurl does that). Message-ID and X-Porchlight-Delivery-Id carry the
// delivery id; the date is made_at.
std::string WriteMail(const Outgoing& outgoing, absl::string_view from);

}  // namespace porchlight
