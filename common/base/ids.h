// Ids. Those that a decision makes are derived from its input, so that deciding again gives the
// same ones; only the edge draws random ones, through the Ids port. No id says anything about a
// person.
//
//   youth     the agency's own opaque id, or derived from the report's command id where the agency
//             has none yet
//   episode   <youth>_e<n>         n counts the youth's episodes from 1
//   notice    <episode>_n<n>       n counts the episode's notices from 1
//   delivery  <aggregate>_d<hash>
//
// So the youth, and with it the partition and the sealing key, can be read from every id. What is
// about no youth has an aggregate whose id begins with '_', such as "_directory": of it no youth is
// read.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace porchlight {

// Thread-safe.
class Ids {
 public:
  virtual ~Ids() = default;
  // 26 characters of [a-z2-7], at least 128 bits unlike any other.
  virtual std::string New() = 0;
};

// From the operating system's random source.
class SystemIds final : public Ids {
 public:
  std::string New() override;
};

// Repeatable, for tests and the simulator: one seed gives one sequence. Not thread-safe.
class SeededIds final : public Ids {
 public:
  explicit SeededIds(uint64_t seed) : seed_(seed) {}
  std::string New() override;

 private:
  uint64_t seed_;
  uint64_t drawn_ = 0;
};

// 20 characters of [a-z2-7] (100 bits) that depend on nothing but the arguments.
std::string DeriveId(absl::string_view purpose, absl::string_view from, uint64_t n = 0);

// The id of the `n`th delivery that `input_id` leads to.
std::string DeliveryId(absl::string_view aggregate_id, absl::string_view input_id, uint64_t n);
// "youth_e1" of "youth_e1_d...".
absl::string_view AggregateOfDelivery(absl::string_view delivery_id);

// "youth" of "youth_e1", "youth_e1_n2", "youth_d..." or of itself; empty of "_directory".
absl::string_view YouthOf(absl::string_view id);

// InvalidArgument with the field's name and what is allowed, unless `id` is `shortest` to 64
// characters of [A-Za-z0-9-].
absl::Status CheckId(absl::string_view field, absl::string_view id, size_t shortest = 1);

}  // namespace porchlight
