// A folder that goes away with the test, and keys in it.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "common/keys/file_keys.h"

namespace porchlight {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string path = (std::filesystem::temp_directory_path() / "porchlight-keys-XXXXXX").string();
    path_ = mkdtemp(path.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

 private:
  std::string path_;
};

inline Key TestMaster(unsigned char byte = 7) {
  Key key;
  key.fill(byte);
  return key;
}

inline std::unique_ptr<FileKeys> OpenKeys(const std::string& path) {
  absl::StatusOr<std::unique_ptr<FileKeys>> keys = FileKeys::Open(path, TestMaster());
  EXPECT_TRUE(keys.ok()) << keys.status();
  return keys.ok() ? *std::move(keys) : nullptr;
}

}  // namespace porchlight
