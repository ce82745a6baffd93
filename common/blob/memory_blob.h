// Blobs in memory, for tests and the simulator.
#pragma once

#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "common/blob/blob.h"

namespace porchlight {

class MemoryBlob final : public Blob {
 public:
  absl::Status Put(const std::string& name, const std::string& sealed) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::Status Remove(const std::string& name) override;

 private:
  absl::Mutex mutex_;
  std::map<std::string, std::string> blobs_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
