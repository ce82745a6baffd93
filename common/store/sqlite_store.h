// The embedded store: one SQLite file for each service. It is a cache, so nothing about it is ever
// a reason not to start: a damaged file, or one of another version, is set aside and made again
// from the log; one that can't be opened now is tried again at the next call.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/store/store.h"

namespace porchlight {

struct SqliteStoreOptions {
  // For those who only look: no file is made, changed or set aside, and whatever would change the
  // store is refused.
  bool read_only = false;
  // Told when a file was set aside (as PATH.damaged) and why: a warning for the logger.
  std::function<void(const absl::Status& why)> set_aside;
  // How long to wait while another process writes.
  absl::Duration busy_wait = absl::Seconds(2);
};

// Thread-safe. Readers wait neither for writers nor for each other.
class SqliteStore final : public Store {
 public:
  // Opens nothing yet: that is done by the first call, and by later ones if it didn't work.
  explicit SqliteStore(std::string path, SqliteStoreOptions options = {});
  ~SqliteStore() override;

  absl::StatusOr<v1::Checkpoint> Where(int32_t partition) override;
  absl::Status Apply(int32_t partition, const StoreBatch& batch) override;
  absl::StatusOr<StoredAggregate> Load(int32_t partition, const std::string& aggregate_id) override;
  absl::StatusOr<v1::Checkpoint> Visit(int32_t partition, StoreVisitor& visitor) override;
  absl::StatusOr<std::vector<v1::Timer>> Timers(int32_t partition,
                                                const std::string& aggregate_id) override;
  absl::StatusOr<std::vector<StoredAggregate>> List(int32_t partition,
                                                    const ListOptions& options) override;
  absl::StatusOr<std::vector<v1::DeliveryStatus>> DeadLetters(int32_t partition,
                                                              size_t limit) override;
  absl::Status Wipe(int32_t partition) override;

 private:
  struct Reader;
  struct File;

  // Runs `work` on the open file, opening it first if need be. Whatever goes wrong with the file
  // itself becomes Unavailable.
  absl::Status Do(absl::FunctionRef<absl::Status(File&)> work);
  absl::Status Read(absl::FunctionRef<absl::Status(Reader&)> work);
  absl::Status OpenIfNeeded();
  absl::StatusOr<std::unique_ptr<Reader>> TakeReader(File& file) const;
  void SetAside(const absl::Status& why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string path_;
  const SqliteStoreOptions options_;
  // Shared by all who use the file; exclusive to open it or to set it aside, so that no connection
  // is open to a file that is moved.
  absl::Mutex mutex_;
  std::unique_ptr<File> file_ ABSL_GUARDED_BY(mutex_);
  int files_set_aside_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace porchlight
