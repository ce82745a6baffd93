// The agency's master key, which wraps every other key: a file that is kept apart from the data and
// its backups. Never logged, never in an error text.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/keys/keys.h"

namespace porchlight {

// NotFound: no such file. FailedPrecondition: others than its owner may read or write it, or it
// doesn't hold 64 hexadecimal characters; the text says what to do.
absl::StatusOr<Key> ReadMasterKey(const std::string& path);

// Makes a random one and its file, readable by its owner only. AlreadyExists: never overwrites one.
absl::StatusOr<Key> CreateMasterKey(const std::string& path);

// Wrapped beside the other keys, to tell at once that they were made with another master key; no
// key of a record has this name.
inline constexpr char kMasterKeyCheck[] = "master-key-check";
// A key as it moves from one place of keys to another; none: it was destroyed.
struct NamedKey {
  std::string name;
  std::optional<Key> key;
};
// What a wrapped key is bound to, so that it can't stand for another.
std::string WrappingOf(absl::string_view key_name);
// What is answered for a key that was destroyed.
absl::Status KeyDestroyed(absl::string_view key_name);

// Seed of the Ed25519 key that signs evidence: derived, so that it is not one more file to keep.
std::array<unsigned char, 32> SigningSeed(const Key& master);

// Key of the links in messages (common/edge/signed_link.h), derived in the same way.
Key LinkKey(const Key& master);

}  // namespace porchlight
