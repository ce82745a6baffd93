// Which partitions of its service a process decides.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "common/base/signal.h"

namespace porchlight {

// Two processes may both believe that they own a partition, as long as neither has heard otherwise:
// the chain rule lets one of them decide. A partition that nobody owns waits.
//
// Thread-safe.
class Ownership {
 public:
  virtual ~Ownership() = default;
  // As far as it is known by now; nothing: nobody has said yet.
  virtual std::optional<std::set<int32_t>> Owned() = 0;
  // Notified from now on whenever that changes; null: nobody is.
  virtual void Listen(Signal* signal) = 0;
};

}  // namespace porchlight
