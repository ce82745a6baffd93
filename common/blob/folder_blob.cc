#include "common/blob/folder_blob.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

// No blob's name starts with a dot.
constexpr absl::string_view kTemporaryPrefix = ".new-";

std::string TemporaryName() {
  static std::atomic<uint64_t> made{0};
  return absl::StrCat(kTemporaryPrefix, getpid(), "-", made.fetch_add(1));
}

void RemoveTemporaries(int folder_fd) {
  const int own_fd = dup(folder_fd);
  DIR* entries = own_fd < 0 ? nullptr : fdopendir(own_fd);
  if (entries == nullptr) {
    if (own_fd >= 0) close(own_fd);
    return;
  }
  while (const dirent* entry = readdir(entries)) {
    if (absl::StartsWith(entry->d_name, kTemporaryPrefix)) unlinkat(folder_fd, entry->d_name, 0);
  }
  closedir(entries);
}

}  // namespace

absl::StatusOr<std::unique_ptr<FolderBlob>> FolderBlob::Open(const std::string& folder) {
  const bool made = mkdir(folder.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) {
    return absl::ErrnoToStatus(errno, absl::StrCat("can't make the folder ", folder));
  }
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return absl::ErrnoToStatus(errno, absl::StrCat("can't open the folder ", folder));
  std::unique_ptr<FolderBlob> blob(new FolderBlob(folder, fd));
  if (made) {
    const int parent = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool durable = parent >= 0 && fsync(parent) == 0;
    const int error = errno;
    if (parent >= 0) close(parent);
    if (!durable) {
      return absl::ErrnoToStatus(error, absl::StrCat("can't make durable the folder ", folder));
    }
  }
  RemoveTemporaries(fd);
  return blob;
}

FolderBlob::~FolderBlob() { close(fd_); }

absl::Status FolderBlob::Failed(absl::string_view what, absl::string_view name, int error) const {
  return absl::UnavailableError(absl::StrCat("can't ", what, " ", folder_, "/", name, ": ",
                                             absl::ErrnoToStatus(error, "").message(),
                                             "; check the disk and the folder's owner"));
}

absl::Status FolderBlob::WriteTemporary(const std::string& temporary, absl::string_view sealed,
                                        const std::string& name) const {
  const int fd = openat(fd_, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Failed("create", name, errno);
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  while (!sealed.empty()) {
    const ssize_t written = write(fd, sealed.data(), sealed.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Failed("write", name, errno);
    sealed.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return Failed("write", name, errno);
  return absl::OkStatus();
}

absl::Status FolderBlob::Put(const std::string& name, const std::string& sealed) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  const std::string temporary = TemporaryName();
  absl::Status written = WriteTemporary(temporary, sealed, name);
  if (written.ok() && renameat(fd_, temporary.c_str(), fd_, name.c_str()) != 0) {
    written = Failed("write", name, errno);
  }
  if (!written.ok()) {
    unlinkat(fd_, temporary.c_str(), 0);
    return written;
  }
  if (fsync(fd_) != 0) return Failed("make durable", name, errno);
  return absl::OkStatus();
}

absl::StatusOr<std::string> FolderBlob::Get(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  const int fd = openat(fd_, name.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return NoSuchBlob(name);
  if (fd < 0) return Failed("open", name, errno);
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  struct stat about {};
  if (fstat(fd, &about) != 0) return Failed("look at", name, errno);
  // Under its name a blob's file never changes, only is replaced: its size is what will be read.
  std::string sealed(static_cast<size_t>(about.st_size), '\0');
  size_t size = 0;
  while (size < sealed.size()) {
    const ssize_t got = read(fd, sealed.data() + size, sealed.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed("read", name, errno);
    if (got == 0) return absl::DataLossError(absl::StrCat(folder_, "/", name, " was cut short"));
    size += static_cast<size_t>(got);
  }
  return sealed;
}

absl::Status FolderBlob::Remove(const std::string& name) {
  if (absl::Status checked = CheckBlobName(name); !checked.ok()) return checked;
  if (unlinkat(fd_, name.c_str(), 0) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Failed("remove", name, errno);
  }
  if (fsync(fd_) != 0) return Failed("make durable the removal of", name, errno);
  return absl::OkStatus();
}

}  // namespace porchlight
