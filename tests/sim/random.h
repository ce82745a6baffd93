// All chance of a simulation: one seed, one sequence, on every machine. Never the system's.
#pragma once

#include <cstdint>
#include <iterator>

namespace porchlight::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next();
  // 0 to n - 1; n > 0.
  uint64_t Below(uint64_t n) { return Next() % n; }
  // `probability` of 0 draws nothing, so that a fault that is off leaves the rest of a run alone.
  bool Chance(double probability);
  template <typename Container>
  auto& Pick(Container& container) {
    return *std::next(std::begin(container), static_cast<int64_t>(Below(std::size(container))));
  }

 private:
  uint64_t state_;
};

// While it lives, nonces come from the seed, so that the same run writes the same log.
class SeededSodium {
 public:
  explicit SeededSodium(uint64_t seed);
  ~SeededSodium();
  SeededSodium(const SeededSodium&) = delete;
  SeededSodium& operator=(const SeededSodium&) = delete;
};

}  // namespace porchlight::sim
