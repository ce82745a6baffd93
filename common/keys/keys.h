// Sealing keys: one for each youth, and one for the agency's own records. Destroying a youth's key
// is how their record is sealed or expunged: what was written stays in the log and its chain still
// verifies, but nobody can read it.
//
// Contract (tests/contract/keys_contract_test.cc):
//   * A key given out by GetOrCreate is durable: a crash right afterwards doesn't lose it.
//   * Two callers who create the same key at once get the same key.
//   * A destroyed key stays destroyed: Get and GetOrCreate answer FailedPrecondition for it, for
//   ever.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace porchlight {

using Key = std::array<unsigned char, 32>;

// Name of the key for records that are about no youth.
inline constexpr absl::string_view kAgencyKey = "agency";
// Name of the key for the records of a youth: "youth/<id>"; of an empty id: kAgencyKey.
std::string KeyName(absl::string_view youth_id);

// Thread-safe.
class Keys {
 public:
  virtual ~Keys() = default;
  virtual absl::StatusOr<Key> GetOrCreate(const std::string& name) = 0;
  // NotFound: never created. FailedPrecondition: destroyed.
  virtual absl::StatusOr<Key> Get(const std::string& name) = 0;
  // Also of a key that was never created: then it never will be.
  virtual absl::Status Destroy(const std::string& name) = 0;
};

}  // namespace porchlight
