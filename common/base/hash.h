// SHA-256 and the partitioner.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace porchlight {

inline constexpr size_t kHashBytes = 32;

// SHA-256 of the parts, one after the other. 32 raw bytes.
std::string Sha256(std::initializer_list<absl::string_view> parts);
inline std::string Sha256(absl::string_view bytes) { return Sha256({bytes}); }

std::string Base32(absl::string_view bytes);

// The partition that Kafka's default (murmur2) partitioner gives this key, so that an embedded log
// can move to a cluster. `partitions` >= 1.
int32_t PartitionOf(absl::string_view key, int32_t partitions);

}  // namespace porchlight
