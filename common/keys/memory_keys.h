// Keys in memory, for tests and the simulator. Random like the real ones, unless given a seed.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/keys/keys.h"

namespace porchlight {

class MemoryKeys final : public Keys {
 public:
  MemoryKeys() = default;
  // Keys depend on nothing but the seed and their name: a run can be repeated.
  explicit MemoryKeys(uint64_t seed) : seed_(seed) {}

  absl::StatusOr<Key> GetOrCreate(const std::string& name) override;
  absl::StatusOr<Key> Get(const std::string& name) override;
  absl::Status Destroy(const std::string& name) override;

  // While set, every call answers Unavailable and changes nothing.
  void SetUnavailable(bool unavailable);

 private:
  absl::StatusOr<Key> Find(const std::string& name) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::optional<uint64_t> seed_;
  absl::Mutex mutex_;
  bool unavailable_ ABSL_GUARDED_BY(mutex_) = false;
  // nullopt: destroyed.
  std::map<std::string, std::optional<Key>> keys_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
