// What the path can't be faster than on this machine now: each of its parts alone, with nothing
// else running, at the same rate.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "tests/bench/load.h"
#include "tests/bench/receiver.h"

namespace porchlight::bench {

struct Floors {
  std::vector<absl::Duration> sync;  // fdatasync after an append of 1 KiB
  std::vector<absl::Duration> echo;  // unary gRPC call that does nothing
  std::vector<absl::Duration> post;  // until its first byte is there, on a kept connection

  // One call, `syncs` of the disk one after the other, and one POST: by adding up the measured
  // ones.
  std::vector<absl::Duration> Path(int syncs) const;
};

// `count` of each. `folder` is on the disk to be measured; the markers from `first_marker` on are
// used for the POSTs.
Floors MeasureFloors(const std::string& folder, Load& load, const Receiver& receiver,
                     size_t first_marker, size_t count, double per_second);

}  // namespace porchlight::bench
