// The one way for a message into a log line or another text that anybody may see: only fields of
// class "internal" are shown.
#pragma once

#include <string>

#include "google/protobuf/message.h"
#include "porchlight/v1/options.pb.h"

namespace porchlight {

// UNSPECIFIED for a field of a message that is not ours and has no class.
v1::Sensitivity SensitivityOf(const google::protobuf::FieldDescriptor& field);

// One line, such as `request_id: "r-1" youth {…} placement: …`: "…" stands for what may not be
// logged. A Timestamp or Duration takes the class of the field that holds it. Unknown fields are
// left out. At most 1,000 bytes.
std::string Redacted(const google::protobuf::Message& message);

// Clears every other field, unknown ones, and maps of messages.
void KeepInternal(google::protobuf::Message& message);

}  // namespace porchlight
