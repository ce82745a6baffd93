// Where this installation keeps its blobs, as its configuration says.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/blob/blob.h"
#include "common/config/config.h"

namespace porchlight {

// A bucket, or else the folder `data`/blobs. `clock` must outlive it. A bucket that is away is no
// reason not to start: what needs it says so.
absl::StatusOr<std::unique_ptr<Blob>> OpenBlob(const Config& config, const std::string& data,
                                               const Clock& clock);

}  // namespace porchlight
