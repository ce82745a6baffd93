// Numbers as they stand in the README.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace porchlight::bench {

// `part` of 1, such as 0.99; sorts.
inline absl::Duration Percentile(std::vector<absl::Duration>& measured, double part) {
  if (measured.empty()) return absl::ZeroDuration();
  std::sort(measured.begin(), measured.end());
  return measured[std::min(measured.size() - 1,
                           static_cast<size_t>(part * static_cast<double>(measured.size())))];
}

inline std::string Milliseconds(absl::Duration duration) {
  return absl::StrFormat("%.2f", absl::ToDoubleMilliseconds(duration));
}

// "p50 | p90 | p99 | max", in milliseconds.
inline std::string Percentiles(std::vector<absl::Duration> measured) {
  return absl::StrFormat("%s | %s | %s | %s", Milliseconds(Percentile(measured, 0.5)),
                         Milliseconds(Percentile(measured, 0.9)),
                         Milliseconds(Percentile(measured, 0.99)),
                         Milliseconds(Percentile(measured, 1)));
}

}  // namespace porchlight::bench
