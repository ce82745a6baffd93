#include "common/edge/directory_view.h"

namespace porchlight {

absl::StatusOr<std::shared_ptr<const v1::Directory>> DirectoryView::Read() {
  absl::MutexLock lock(&mutex_);
  if (absl::Status folded = reference_.Step(); !folded.ok()) return folded;
  if (directory_ == nullptr || sequence_ != reference_.sequence()) {
    directory_ = std::make_shared<const v1::Directory>(reference_.directory());
    sequence_ = reference_.sequence();
  }
  return directory_;
}

}  // namespace porchlight
