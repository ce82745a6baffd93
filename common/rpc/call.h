// What a service's method knows of the call that it answers. Without gRPC, so that services and
// their tests need none.
#pragma once

#include <functional>
#include <string>

#include "absl/time/time.h"

namespace porchlight::rpc {

struct Call {
  // By our clock.
  absl::Time received_at;
  // The answer must be ready by then: what the caller waits for, less the way back.
  absl::Time deadline = absl::InfiniteFuture();
  // As the caller gave it, if it is an id; otherwise empty, and the method may set it. Logged.
  std::string correlation_id;
  // The caller doesn't wait any more. To be asked in any loop.
  std::function<bool()> cancelled = [] { return false; };
};

}  // namespace porchlight::rpc
