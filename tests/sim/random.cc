#include "tests/sim/random.h"

#include <sodium.h>

#include <cstring>
#include <optional>

namespace porchlight::sim {
namespace {

// libsodium's random source is one for the whole process, and so is this.
std::optional<Random>& Nonces() {
  static std::optional<Random> nonces;
  return nonces;
}

void Fill(void* const buffer, const size_t size) {
  auto* bytes = static_cast<unsigned char*>(buffer);
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t number = Nonces()->Next();
    std::memcpy(bytes + i, &number, size - i < 8 ? size - i : 8);
  }
}

const char* Name() { return "seeded"; }
uint32_t Number() { return static_cast<uint32_t>(Nonces()->Next()); }

randombytes_implementation& Seeded() {
  static randombytes_implementation seeded = {Name, Number, nullptr, nullptr, Fill, nullptr};
  return seeded;
}

}  // namespace

// SplitMix64.
uint64_t Random::Next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

bool Random::Chance(double probability) {
  return probability > 0 && static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability;
}

SeededSodium::SeededSodium(uint64_t seed) {
  if (sodium_init() < 0) std::abort();
  Nonces().emplace(seed);
  randombytes_set_implementation(&Seeded());
}

SeededSodium::~SeededSodium() {
  randombytes_set_implementation(&randombytes_sysrandom_implementation);
  Nonces().reset();
}

}  // namespace porchlight::sim
