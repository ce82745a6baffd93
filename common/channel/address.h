// Whether a recipient's address can be used by its channel. Pure: nothing is looked up or connected
// to. Texts never repeat the address, which is somebody's contact data.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// InvalidArgument says what was expected.
//   webhook  see CheckUrl
//   e-mail   one ASCII address, name@domain
//   folder   1 to 64 characters of [A-Za-z0-9-_]
//   SMS, voice  a telephone number in E.164: '+', country code, number; 8 to 15 digits, nothing
//   else person   what the person calls or opens: one line of at most 200 bytes
absl::Status CheckAddress(v1::ChannelKind kind, absl::string_view address);

// An https URL; http only to 127.0.0.1, [::1] or localhost; no user name or password.
// `what` begins the text: "the address of a webhook".
absl::Status CheckUrl(absl::string_view what, absl::string_view url);

}  // namespace porchlight
