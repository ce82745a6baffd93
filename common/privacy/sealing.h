// Records: a header in clear and a payload sealed with the youth's key, the header's bytes as
// associated data.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/keys/keys.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// Nonce and ciphertext. The nonce is random (24 bytes: no count is needed to keep it unique).
std::string Seal(const Key& key, absl::string_view plain, absl::string_view associated);
// DataLoss: not sealed with this key, or changed since.
absl::StatusOr<std::string> Open(const Key& key, absl::string_view sealed,
                                 absl::string_view associated);

// Seals `payload` into a record; header.type is set from it.
v1::Record MakeRecord(const Key& key, v1::RecordHeader header,
                      const google::protobuf::Message& payload);

struct OpenedRecord {
  v1::RecordHeader header;
  std::unique_ptr<google::protobuf::Message> payload;
};

// InvalidArgument: the header can't be parsed. Unimplemented: a type that this version doesn't
// know. DataLoss: the payload can't be opened. What Keys answers, if there is no key.
absl::StatusOr<v1::RecordHeader> ReadHeader(const v1::Record& record);
absl::StatusOr<OpenedRecord> OpenRecord(Keys& keys, const v1::Record& record);
absl::StatusOr<OpenedRecord> OpenRecord(const Key& key, const v1::Record& record);

}  // namespace porchlight
