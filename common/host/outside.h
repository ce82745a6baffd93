// What the configuration names outside: channels to recipients, and where photos are kept. The same
// in the embedded world and on a cluster.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/blob/blob.h"
#include "common/config/config.h"
#include "common/delivery/dispatcher.h"

namespace porchlight {

// `outbox`: the folder channel's, unless the configuration names another. `clock` must outlive
// them.
absl::StatusOr<Dispatcher::Channels> MakeChannels(const Config& config, const std::string& outbox,
                                                  const Clock& clock);

// The bucket that the configuration names; otherwise `folder`. `clock` must outlive it.
absl::StatusOr<std::unique_ptr<Blob>> MakeBlob(const Config& config, const std::string& folder,
                                               const Clock& clock);

}  // namespace porchlight
