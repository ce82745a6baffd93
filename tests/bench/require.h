// Whatever goes wrong ends the bench with a message: a number that was measured in spite of an
// error is worth nothing.
#pragma once

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/status/statusor.h"

namespace porchlight::bench {

inline void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "the bench can't go on: " << status.message() << "\n";
  std::exit(1);
}

template <typename Value>
Value Require(absl::StatusOr<Value> value) {
  Require(value.status());
  return *std::move(value);
}

}  // namespace porchlight::bench
