// Photos and packets, sealed before they get here.
//
// Contract (tests/contract/blob_contract_test.cc):
//   * After Put is OK the blob is durable; a crash in the middle leaves either all of it or none.
//   * The same name again replaces the whole blob.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace porchlight {

// What every adapter answers to a name that isn't allowed, and to one that isn't there.
absl::Status CheckBlobName(absl::string_view name);
absl::Status NoSuchBlob(absl::string_view name);

// Thread-safe.
class Blob {
 public:
  virtual ~Blob() = default;
  // `name`: 1 to 200 characters of [A-Za-z0-9-_.], not starting with '.'; otherwise
  // InvalidArgument.
  virtual absl::Status Put(const std::string& name, const std::string& sealed) = 0;
  // NotFound: no such blob.
  virtual absl::StatusOr<std::string> Get(const std::string& name) = 0;
  // OK also if there is none.
  virtual absl::Status Remove(const std::string& name) = 0;
};

}  // namespace porchlight
