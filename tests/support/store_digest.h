// One hash of all that a service's store says: two stores that show the same have the same one,
// however often each was sealed and in whatever batches it was written.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/keys/keys.h"
#include "common/store/store.h"

namespace porchlight::testing {

// Of every partition: how far it is folded and from which positions, each aggregate's state
// unsealed, each timer, each delivery that isn't settled.
absl::StatusOr<std::string> StoreDigest(Store& store, Keys& keys, int32_t partitions);

}  // namespace porchlight::testing
