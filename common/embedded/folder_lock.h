// Holds a data folder for one process; let go when the process ends, however it ends.
#pragma once

#include <string>
#include <utility>

#include "absl/status/statusor.h"

namespace porchlight {

class FolderLock {
 public:
  // FailedPrecondition: another process holds it, or nothing can be written there.
  static absl::StatusOr<FolderLock> Take(const std::string& data);
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

}  // namespace porchlight
