// Whether a recipient's address can be used by its channel. Pure: nothing is looked up or connected
// to. Texts never repeat the address, which is somebody's contact data.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// InvalidArgument says what was expected.
//   webhook  an https URL; http only to 127.0.0.1, [::1] or localhost; no user name or password
//   e-mail   one ASCII address, name@domain
//   folder   1 to 64 characters of [A-Za-z0-9-_]
absl::Status CheckAddress(v1::ChannelKind kind, absl::string_view address);

}  // namespace porchlight
