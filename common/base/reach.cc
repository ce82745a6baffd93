// See reach.h.
#include "common/base/reach.h"

#include <algorithm>

namespace porchlight {
namespace {

constexpr absl::Duration kPauseFirst = absl::Milliseconds(50);
// A thread that has other things to do may spend a tenth of its time on trying.
constexpr int kPauseForEachTry = 10;

}  // namespace

absl::Status Reach::MayTry(absl::Duration try_limit) {
  absl::MutexLock lock(&mutex_);
  const absl::Duration now = clock_.Steady();
  if (!last_.ok() && now < try_at_) return last_;
  try_at_ = now + try_limit;
  return absl::OkStatus();
}

void Reach::Reached() {
  absl::MutexLock lock(&mutex_);
  last_ = absl::OkStatus();
  pause_ = absl::ZeroDuration();
}

void Reach::Missed(const absl::Status& why, absl::Duration took) {
  absl::MutexLock lock(&mutex_);
  last_ = why;
  pause_ = std::max({2 * pause_, kPauseForEachTry * took, kPauseFirst});
  pause_ = std::min(pause_, pause_longest_);
  try_at_ = clock_.Steady() + pause_;
}

}  // namespace porchlight
