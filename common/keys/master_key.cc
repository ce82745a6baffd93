#include "common/keys/master_key.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace porchlight {
namespace {

constexpr size_t kHexCharacters = 64;
constexpr mode_t kOthersMask = 0077;

absl::Status ErrnoStatus(absl::string_view what, absl::string_view path, int error) {
  return absl::ErrnoToStatus(error, absl::StrCat("can't ", what, " the master key file ", path));
}

absl::Status BadContent(absl::string_view path) {
  return absl::FailedPreconditionError(absl::StrCat(
      "the master key file ", path, " must hold exactly 64 hexadecimal characters, and doesn't; ",
      "restore it from the copy that was set aside when it was made"));
}

absl::Status SyncFolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return ErrnoStatus("make durable the folder of", path, errno);
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  if (fsync(fd) != 0) return ErrnoStatus("make durable the folder of", path, errno);
  return absl::OkStatus();
}

absl::Status WriteAll(int fd, absl::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t written = write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return ErrnoStatus("write", path, errno);
    text.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(fd) != 0) return ErrnoStatus("write", path, errno);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Key> ReadMasterKey(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 && errno == EACCES) {
    return absl::PermissionDeniedError(
        absl::StrCat("the master key file ", path,
                     " can't be read by this user; run Porchlight as the user that owns the file, "
                     "or give the file to the user that runs Porchlight with chown"));
  }
  if (fd < 0) return ErrnoStatus("open", path, errno);
  const auto close_it = absl::MakeCleanup([fd] { close(fd); });
  struct stat about {};
  if (fstat(fd, &about) != 0) return ErrnoStatus("look at", path, errno);
  if (!S_ISREG(about.st_mode)) {
    return absl::FailedPreconditionError(
        absl::StrCat("the master key file ", path, " is not a file"));
  }
  if ((about.st_mode & kOthersMask) != 0) {
    return absl::FailedPreconditionError(absl::StrFormat(
        "the master key file %s may be used by others than its owner (mode %04o): whoever could "
        "read it can open every record; run: chmod 600 %s",
        path, about.st_mode & 07777, path));
  }
  char text[kHexCharacters + 8];
  const auto clear = absl::MakeCleanup([&text] { sodium_memzero(text, sizeof text); });
  size_t size = 0;
  while (size < sizeof text) {
    const ssize_t got = read(fd, text + size, sizeof text - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus("read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  const absl::string_view hex = absl::StripAsciiWhitespace({text, size});
  Key key;
  size_t decoded = 0;
  if (size == sizeof text || hex.size() != kHexCharacters ||
      sodium_hex2bin(key.data(), key.size(), hex.data(), hex.size(), nullptr, &decoded, nullptr) !=
          0 ||
      decoded != key.size()) {
    return BadContent(path);
  }
  return key;
}

absl::StatusOr<Key> CreateMasterKey(const std::string& path) {
  // Under another name first: a crash in the middle must not leave half a key under this one.
  const std::string temporary = absl::StrCat(path, ".new-", randombytes_random());
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return ErrnoStatus("create", temporary, errno);
  const auto tidy = absl::MakeCleanup([fd, &temporary] {
    close(fd);
    unlink(temporary.c_str());
  });
  Key key;
  randombytes_buf(key.data(), key.size());
  std::string text =
      absl::BytesToHexString({reinterpret_cast<const char*>(key.data()), key.size()});
  text += '\n';
  const absl::Status written = WriteAll(fd, text, temporary);
  sodium_memzero(text.data(), text.size());
  if (!written.ok()) return written;
  // Unlike rename, link never replaces a file that is there.
  if (link(temporary.c_str(), path.c_str()) != 0) return ErrnoStatus("create", path, errno);
  if (absl::Status synced = SyncFolderOf(path); !synced.ok()) return synced;
  return key;
}

std::string WrappingOf(absl::string_view key_name) {
  return absl::StrCat("porchlight.key/", key_name);
}

absl::Status KeyDestroyed(absl::string_view key_name) {
  return absl::FailedPreconditionError(absl::StrCat(
      "key \"", key_name, "\" was destroyed: what it sealed can't be read any more, by anybody"));
}

std::array<unsigned char, 32> SigningSeed(const Key& master) {
  static_assert(std::tuple_size<Key>::value == crypto_kdf_KEYBYTES);
  static constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "evidence";
  std::array<unsigned char, 32> seed;
  crypto_kdf_derive_from_key(seed.data(), seed.size(), 1, kContext, master.data());
  return seed;
}

Key LinkKey(const Key& master) {
  static constexpr char kContext[crypto_kdf_CONTEXTBYTES + 1] = "weblinks";
  Key key;
  crypto_kdf_derive_from_key(key.data(), key.size(), 1, kContext, master.data());
  return key;
}

}  // namespace porchlight
