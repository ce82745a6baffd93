// Blobs as files of one folder. A blob is written under a temporary name, made durable, and only
// then given its own name.
#pragma once

#include <memory>
#include <string>

#include "common/blob/blob.h"

namespace porchlight {

class FolderBlob final : public Blob {
 public:
  // Makes the folder (not its parents) if it isn't there, and removes what a crash left half
  // written: so at most one process may use the folder.
  static absl::StatusOr<std::unique_ptr<FolderBlob>> Open(const std::string& folder);
  ~FolderBlob() override;
  FolderBlob(const FolderBlob&) = delete;
  FolderBlob& operator=(const FolderBlob&) = delete;

  absl::Status Put(const std::string& name, const std::string& sealed) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::Status Remove(const std::string& name) override;

 private:
  FolderBlob(std::string folder, int fd) : folder_(std::move(folder)), fd_(fd) {}
  absl::Status Failed(absl::string_view what, absl::string_view name, int error) const;
  absl::Status WriteTemporary(const std::string& temporary, absl::string_view sealed,
                              const std::string& name) const;

  const std::string folder_;
  const int fd_;  // of the folder: it stays the same one even if its path is moved
};

}  // namespace porchlight
