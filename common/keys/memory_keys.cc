#include "common/keys/memory_keys.h"

#include <sodium.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"

namespace porchlight {

absl::StatusOr<Key> MemoryKeys::Find(const std::string& name) const {
  if (unavailable_) {
    return absl::UnavailableError(absl::StrCat("the keys are away, so \"", name, "\" too"));
  }
  const auto found = keys_.find(name);
  if (found == keys_.end()) {
    return absl::NotFoundError(absl::StrCat("key \"", name, "\" was never created"));
  }
  if (!found->second.has_value()) {
    return absl::FailedPreconditionError(
        absl::StrCat("key \"", name, "\" was destroyed: what it sealed can't be read any more"));
  }
  return *found->second;
}

absl::StatusOr<Key> MemoryKeys::GetOrCreate(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<Key> found = Find(name);
  if (!absl::IsNotFound(found.status())) return found;
  Key key;
  if (seed_.has_value()) {
    const std::string hash = Sha256(absl::StrCat("memory key/", *seed_, "/", name));
    std::copy(hash.begin(), hash.end(), key.begin());
  } else {
    randombytes_buf(key.data(), key.size());
  }
  keys_[name] = key;
  return key;
}

absl::StatusOr<Key> MemoryKeys::Get(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  return Find(name);
}

absl::Status MemoryKeys::Destroy(const std::string& name) {
  absl::MutexLock lock(&mutex_);
  if (unavailable_) return Find(name).status();
  keys_[name] = std::nullopt;
  return absl::OkStatus();
}

void MemoryKeys::SetUnavailable(bool unavailable) {
  absl::MutexLock lock(&mutex_);
  unavailable_ = unavailable;
}

}  // namespace porchlight
