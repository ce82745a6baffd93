// What a worker shows of itself to whoever watches it from outside. Numbers only: nothing here is
// about anybody.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace porchlight {

struct Figures {
  int partitions = 0;          // that this process decides
  int64_t lag_records = 0;     // inputs that are there and not decided yet
  int64_t dead_letters = 0;    // deliveries given up and not replayed
  int recipients_resting = 0;  // not called for a while after failures in a row
  // Since the process began.
  uint64_t transitions = 0;
  uint64_t lost_races = 0;
  // Zero where there is none.
  absl::Duration oldest_input_age;     // since an input not decided yet was first seen here
  absl::Duration oldest_delivery_age;  // since one was made that is neither delivered nor given up
  absl::Duration oldest_timer_late;    // since one was due that hasn't fired
};

}  // namespace porchlight
