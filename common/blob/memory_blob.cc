#include "common/blob/memory_blob.h"

namespace porchlight {

absl::Status MemoryBlob::Put(const std::string& name, const std::string& sealed) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  absl::MutexLock lock(&mutex_);
  blobs_[name] = sealed;
  return absl::OkStatus();
}

absl::StatusOr<std::string> MemoryBlob::Get(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  absl::MutexLock lock(&mutex_);
  const auto found = blobs_.find(name);
  if (found == blobs_.end()) return NoSuchBlob(name);
  return found->second;
}

absl::Status MemoryBlob::Remove(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  absl::MutexLock lock(&mutex_);
  blobs_.erase(name);
  return absl::OkStatus();
}

}  // namespace porchlight
