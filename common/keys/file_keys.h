// Keys in one SQLite file, each wrapped by the master key, which is kept elsewhere: a copy of the
// file alone opens nothing. A destroyed key is overwritten where it stood, and its name stays, so
// that it is never made again.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "common/keys/keys.h"
#include "common/keys/master_key.h"
#include "common/sqlite/database.h"
#include "common/sqlite/group_commit.h"

namespace porchlight {

class FileKeys final : public Keys {
 public:
  // Makes the file if there is none. Holds it alone until destroyed: what another process destroyed
  // could otherwise still be in our memory. Errors:
  //   FailedPrecondition  made with another master key, or not a file of keys
  //   Unavailable         another process holds it
  //   and what the database gives.
  // `master_key_file` is named in the error text.
  static absl::StatusOr<std::unique_ptr<FileKeys>> Open(
      const std::string& path, const Key& master,
      absl::string_view master_key_file = "the master key file");

  // Creations by several threads at once share one commit.
  absl::StatusOr<Key> GetOrCreate(const std::string& name) override;
  absl::StatusOr<Key> Get(const std::string& name) override;
  // After OK no trace of the key is left in the file or its write-ahead log. Unavailable: perhaps
  // the key is destroyed for good already, but not yet overwritten everywhere; destroy it again.
  absl::Status Destroy(const std::string& name) override;

  // All of them, in the order in which they were made, destroyed ones too.
  absl::StatusOr<std::vector<NamedKey>> All();

 private:
  enum class Action { kGetOrCreate, kDestroy };
  struct Work {
    const std::string& name;
    Action action;
    absl::Status status;
    Key key;
  };

  FileKeys(std::string path, const Key& master, sqlite::Database database);
  absl::Status Prepare();
  absl::Status CheckMaster(absl::string_view master_key_file);

  void Commit(absl::Span<Work* const> group);
  absl::Status CommitOnce(absl::Span<Work* const> group) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Key> Unwrap(const std::string& name, const std::string& wrapped) const;
  absl::StatusOr<Key> Find(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Key> Create(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status Overwrite(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status EmptyWriteAheadLog() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  bool FindCached(const std::string& name, Key& key);
  void Cache(const std::string& name, const Key& key);
  void Forget(const std::string& name);

  const std::string path_;
  const Key master_;
  sqlite::GroupCommit<Work> group_commit_;

  absl::Mutex mutex_;
  sqlite::Database database_ ABSL_GUARDED_BY(mutex_);
  sqlite::Statement find_ ABSL_GUARDED_BY(mutex_);
  sqlite::Statement insert_ ABSL_GUARDED_BY(mutex_);
  sqlite::Statement overwrite_ ABSL_GUARDED_BY(mutex_);
  sqlite::Statement truncate_ ABSL_GUARDED_BY(mutex_);

  // Apart from mutex_, so that a cached key never waits for a commit. Changed only under mutex_.
  using Recent = std::list<std::pair<std::string, Key>>;
  absl::Mutex cache_mutex_ ABSL_ACQUIRED_AFTER(mutex_);
  Recent recent_ ABSL_GUARDED_BY(cache_mutex_);  // the last used first
  absl::flat_hash_map<std::string, Recent::iterator> cached_ ABSL_GUARDED_BY(cache_mutex_);
};

}  // namespace porchlight
