// The only way to the time. Nothing outside common/base/system_clock.cc reads a clock.
#pragma once

#include "absl/time/time.h"

namespace porchlight {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Civil time, as deadlines are. May jump, forwards or back, when the machine's clock is set.
  virtual absl::Time Now() const = 0;
  // Time since some fixed moment; never jumps. For waiting and for noticing that Now() was set.
  virtual absl::Duration Steady() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override;
  absl::Duration Steady() const override;
};

// Stands still until told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(absl::Time start) : now_(start) {}
  absl::Time Now() const override { return now_; }
  absl::Duration Steady() const override { return steady_; }
  void Advance(absl::Duration by) {
    now_ += by;
    steady_ += by;
  }
  // As when the machine's clock is set: Steady() doesn't notice.
  void Step(absl::Duration by) { now_ += by; }

 private:
  absl::Time now_;
  absl::Duration steady_ = absl::ZeroDuration();
};

}  // namespace porchlight
