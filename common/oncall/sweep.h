// The sweep: looks again and again whether everything that is still to be done has a timer that
// will tell of it, whatever became of stores, clocks and processes meanwhile. What isn't right is
// looked at again by a command, and nobody outside is told that all is well. Counts the duties that
// are overdue. Runs no thread of its own.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/edge/service.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

struct YouthVerdict {
  std::string wrong;        // empty: nothing is; no personal data
  bool look_again = false;  // a command can help
};

// Open duties of one youth whose time has passed. Pure.
int64_t Overdue(const v1::OncallState& state, const v1::Directory& directory, absl::Time now);

// Of one youth, as the store has it. Pure.
YouthVerdict Judge(const v1::OncallState& state, const std::vector<v1::Timer>& timers,
                   const v1::Directory& directory, absl::Time now);

// Not thread-safe.
class Sweep {
 public:
  explicit Sweep(const EdgePorts& ports) : ports_(ports) {
    ports_.gauges.Set("last_clean_sweep_timestamp_seconds", 0);
  }

  // A bounded part of a pass over all youths with something open. True: that was its last part.
  bool Step();
  // Whether the last full pass found nothing wrong, not long ago.
  bool IsClean() const;
  // True every `every`, while it is clean: then somebody outside is to be told.
  bool HeartbeatIsDue(absl::Duration every);

 private:
  void LookAgain(const std::string& youth_id);

  const EdgePorts ports_;
  std::string page_token_;
  bool clean_so_far_ = true;
  int64_t overdue_so_far_ = 0;
  absl::Time clean_at_ = absl::InfinitePast();
  absl::Time heartbeat_at_ = absl::InfinitePast();
};

}  // namespace porchlight
