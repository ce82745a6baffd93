// What an edge refuses: only what can't be understood at all. Errors name the field and
// never repeat its value.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/ids.h"
#include "google/protobuf/message.h"

namespace porchlight {

// InvalidArgument: a text longer than kTextFieldBytesMax, not UTF-8 or with control characters, or
// a time that is none; also in lists and in what is nested.
absl::Status CheckFields(const google::protobuf::Message& message);

// InvalidArgument unless it is "<youth>_e<number>".
absl::Status CheckEpisodeId(absl::string_view episode_id);

// The caller's request id, checked, or a new one.
absl::StatusOr<std::string> RequestId(absl::string_view given, Ids& ids);

// 100 for 0. InvalidArgument: more than 500.
absl::StatusOr<size_t> PageSize(uint32_t asked);

}  // namespace porchlight
