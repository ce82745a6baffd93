#include "common/base/hash.h"

#include <sodium.h>

#include <cstring>

namespace porchlight {
namespace {

// MurmurHash2 with Kafka's seed; reads four bytes at a time, little-endian.
uint32_t Murmur2(absl::string_view data) {
  constexpr uint32_t kMultiplier = 0x5bd1e995;
  constexpr int kShift = 24;
  uint32_t hash = 0x9747b28c ^ static_cast<uint32_t>(data.size());
  size_t i = 0;
  for (; i + 4 <= data.size(); i += 4) {
    uint32_t word = 0;
    std::memcpy(&word, data.data() + i, 4);
    word *= kMultiplier;
    word ^= word >> kShift;
    word *= kMultiplier;
    hash *= kMultiplier;
    hash ^= word;
  }
  const size_t left = data.size() - i;
  if (left >= 3) hash ^= static_cast<uint32_t>(static_cast<uint8_t>(data[i + 2])) << 16;
  if (left >= 2) hash ^= static_cast<uint32_t>(static_cast<uint8_t>(data[i + 1])) << 8;
  if (left >= 1) {
    hash ^= static_cast<uint8_t>(data[i]);
    hash *= kMultiplier;
  }
  hash ^= hash >> 13;
  hash *= kMultiplier;
  hash ^= hash >> 15;
  return hash;
}

}  // namespace

std::string Sha256(std::initializer_list<absl::string_view> parts) {
  crypto_hash_sha256_state state;
  crypto_hash_sha256_init(&state);
  for (absl::string_view part : parts) {
    crypto_hash_sha256_update(&state, reinterpret_cast<const unsigned char*>(part.data()),
                              part.size());
  }
  std::string hash(kHashBytes, '\0');
  crypto_hash_sha256_final(&state, reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

std::string Base32(absl::string_view bytes) {
  static constexpr absl::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  uint32_t buffer = 0;
  int bits = 0;
  for (char byte : bytes) {
    buffer = (buffer << 8) | static_cast<uint8_t>(byte);
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += kAlphabet[(buffer >> bits) & 31];
    }
  }
  if (bits > 0) text += kAlphabet[(buffer << (5 - bits)) & 31];
  return text;
}

int32_t PartitionOf(absl::string_view key, int32_t partitions) {
  return static_cast<int32_t>((Murmur2(key) & 0x7fffffff) % static_cast<uint32_t>(partitions));
}

}  // namespace porchlight
