#include "common/embedded/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace porchlight {

absl::StatusOr<FolderLock> FolderLock::Take(const std::string& data) {
  const std::string path = absl::StrCat(data, "/lock");
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    return absl::FailedPreconditionError(
        absl::StrCat("can't write to the data folder ", data, ": ", std::strerror(errno),
                     ". Give this user write access to it, or choose another with --data."));
  }
  if (flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return absl::FailedPreconditionError(
        absl::StrCat("another porchlight is running on the data folder ", data,
                     ". Stop it first, or choose another folder with --data."));
  }
  return FolderLock(file);
}

FolderLock::~FolderLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace porchlight
