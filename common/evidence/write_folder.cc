// See show.h. Files are only ever made, never opened: whatever somebody puts into the folder
// meanwhile, nothing is written over or through it.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "common/evidence/show.h"

namespace porchlight {
namespace {

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::ErrnoToStatus(
      error, absl::StrCat("can't write ", path, ": check the folder, the disk and the rights"));
}

absl::Status MakeFolder(const std::string& folder) {
  if (mkdir(folder.c_str(), 0700) == 0) return absl::OkStatus();
  if (errno != EEXIST) return CannotWrite(folder, errno);
  std::error_code error;
  const bool is_empty = std::filesystem::is_empty(folder, error);
  if (error) return CannotWrite(folder, error.value());
  if (!std::filesystem::is_directory(folder, error) || !is_empty) {
    return absl::FailedPreconditionError(
        absl::StrCat(folder, " is there already and isn't an empty folder: name a new one"));
  }
  if (chmod(folder.c_str(), 0700) != 0) return CannotWrite(folder, errno);
  return absl::OkStatus();
}

absl::Status MakeFile(const std::string& path, absl::string_view content) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return CannotWrite(path, errno);
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t count = write(file, content.data(), content.size());
    if (count >= 0) {
      content.remove_prefix(static_cast<size_t>(count));
    } else if (errno != EINTR) {
      error = errno;
    }
  }
  if (close(file) != 0 && error == 0) error = errno;
  return error == 0 ? absl::OkStatus() : CannotWrite(path, error);
}

}  // namespace

absl::Status WriteFolder(const std::string& folder, const std::vector<ShownFile>& files) {
  if (absl::Status made = MakeFolder(folder); !made.ok()) return made;
  std::set<std::string> made_in;
  for (const ShownFile& file : files) {
    const size_t slash = file.name.find('/');
    if (slash != std::string::npos && made_in.insert(file.name.substr(0, slash)).second) {
      const std::string inner = absl::StrCat(folder, "/", file.name.substr(0, slash));
      if (mkdir(inner.c_str(), 0700) != 0) return CannotWrite(inner, errno);
    }
    const absl::Status written = MakeFile(absl::StrCat(folder, "/", file.name), file.content);
    if (!written.ok()) return written;
  }
  return absl::OkStatus();
}

}  // namespace porchlight
