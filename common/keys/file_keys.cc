#include "common/keys/file_keys.h"

#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/keys/master_key.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

// Rows are only added, at the end, and overwritten with as many bytes: SQLite then never moves one,
// so none leaves a copy of a wrapped key behind on another page.
constexpr sqlite::Format kFormat = {
    .what = "the keys",
    .application_id = 0x504c4b59,  // "PLKY"
    .version = 1,
    .schema =
        "CREATE TABLE keys ("
        "  id INTEGER PRIMARY KEY,"
        "  name TEXT NOT NULL UNIQUE,"
        "  wrapped BLOB NOT NULL)",  // zero bytes: destroyed
};

absl::string_view View(const Key& key) {
  return {reinterpret_cast<const char*>(key.data()), key.size()};
}

bool IsDestroyed(absl::string_view wrapped) {
  return std::all_of(wrapped.begin(), wrapped.end(), [](char byte) { return byte == 0; });
}

Key RandomKey() {
  Key key;
  randombytes_buf(key.data(), key.size());
  return key;
}

// SQLite would make it readable by all; its other files take their rights from it.
absl::Status MakePrivateFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0) {
    close(fd);
    return absl::OkStatus();
  }
  return absl::ErrnoToStatus(
      errno, absl::StrCat("can't open ", path,
                          " for reading and writing; give the user that runs Porchlight the right "
                          "to read and write the file and its folder"));
}

}  // namespace

FileKeys::FileKeys(std::string path, const Key& master, sqlite::Database database)
    : path_(std::move(path)),
      master_(master),
      group_commit_([this](absl::Span<Work* const> group) { Commit(group); }),
      database_(std::move(database)) {}

absl::StatusOr<std::unique_ptr<FileKeys>> FileKeys::Open(const std::string& path, const Key& master,
                                                         absl::string_view master_key_file) {
  if (absl::Status made = MakePrivateFile(path); !made.ok()) return made;
  absl::StatusOr<sqlite::Database> database = sqlite::Database::Open(path, kFormat);
  if (!database.ok()) return database.status();
  std::unique_ptr<FileKeys> keys(new FileKeys(path, master, *std::move(database)));
  if (absl::Status status = keys->Prepare(); !status.ok()) return status;
  if (absl::Status status = keys->CheckMaster(master_key_file); !status.ok()) return status;
  return keys;
}

absl::Status FileKeys::Prepare() {
  absl::MutexLock lock(&mutex_);
  absl::Status status = database_.Execute("PRAGMA secure_delete=ON; PRAGMA locking_mode=EXCLUSIVE");
  if (!status.ok()) return status;
  const std::pair<sqlite::Statement*, absl::string_view> statements[] = {
      {&find_, "SELECT wrapped FROM keys WHERE name = ?"},
      {&insert_, "INSERT INTO keys (name, wrapped) VALUES (?, ?)"},
      {&overwrite_, "UPDATE keys SET wrapped = zeroblob(length(wrapped)) WHERE name = ?"},
      {&truncate_, "PRAGMA wal_checkpoint(TRUNCATE)"},
  };
  for (const auto& [statement, sql] : statements) {
    absl::StatusOr<sqlite::Statement> prepared = database_.Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

// Takes the file for this process, and ends what a crash may have left of a Destroy.
absl::Status FileKeys::CheckMaster(absl::string_view master_key_file) {
  absl::MutexLock lock(&mutex_);
  if (absl::Status status = database_.Begin(); !status.ok()) return status;
  const std::string name(kMasterKeyCheck);
  absl::Status status = Find(name).status();
  if (absl::IsDataLoss(status)) {
    status = absl::FailedPreconditionError(absl::StrCat(
        "the master key in ", master_key_file, " doesn't open ", path_,
        ": that was made with another one. Put back the master key that belongs to it; without "
        "it nothing that was recorded can be read."));
  } else if (absl::IsNotFound(status)) {
    const absl::StatusOr<int64_t> rows = database_.Integer("SELECT count(*) FROM keys");
    status = rows.status();
    if (rows.ok() && *rows > 0) {
      status = absl::DataLossError(
          absl::StrCat(path_,
                       " has keys, but not the entry that proves the master key: it was "
                       "changed by something else. Restore it from a backup."));
    } else if (rows.ok()) {
      status = Create(name).status();
    }
  }
  if (status.ok()) status = database_.Commit();
  if (!status.ok()) {
    database_.Rollback();
    return status;
  }
  return EmptyWriteAheadLog();
}

absl::StatusOr<Key> FileKeys::Find(const std::string& name) {
  absl::StatusOr<bool> row = find_.BindText(1, name).Step();
  if (!row.ok()) return row.status();
  if (!*row) return absl::NotFoundError(absl::StrCat("key \"", name, "\" was never created"));
  const std::string wrapped(find_.Bytes(0));
  find_.Reset();
  return Unwrap(name, wrapped);
}

absl::StatusOr<Key> FileKeys::Unwrap(const std::string& name, const std::string& wrapped) const {
  if (IsDestroyed(wrapped)) return KeyDestroyed(name);
  const absl::StatusOr<std::string> plain = porchlight::Open(master_, wrapped, WrappingOf(name));
  if (!plain.ok() || plain->size() != std::tuple_size<Key>::value) {
    return absl::DataLossError(absl::StrCat(
        "key \"", name, "\" in ", path_,
        " can't be unwrapped with the master key: the file is damaged. Restore it from a backup."));
  }
  Key key;
  std::copy(plain->begin(), plain->end(), key.begin());
  return key;
}

absl::StatusOr<Key> FileKeys::Create(const std::string& name) {
  const Key key = RandomKey();
  const std::string wrapped = Seal(master_, View(key), WrappingOf(name));
  if (absl::Status status = insert_.BindText(1, name).BindBytes(2, wrapped).Run(); !status.ok()) {
    return status;
  }
  return key;
}

absl::Status FileKeys::Overwrite(const std::string& name) {
  const absl::Status found = Find(name).status();
  if (absl::IsFailedPrecondition(found)) return absl::OkStatus();
  if (!absl::IsNotFound(found)) return overwrite_.BindText(1, name).Run();
  const std::string zeros(Seal(master_, View(master_), "").size(), '\0');
  return insert_.BindText(1, name).BindBytes(2, zeros).Run();
}

absl::Status FileKeys::EmptyWriteAheadLog() {
  absl::StatusOr<bool> row = truncate_.Step();
  if (!row.ok()) return row.status();
  const bool busy = *row && truncate_.Integer(0) != 0;
  truncate_.Reset();
  if (!busy) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("the write-ahead log of ", path_,
                                             " can't be emptied: another process reads it; "
                                             "end that process and try again"));
}

void FileKeys::Commit(absl::Span<Work* const> group) {
  absl::MutexLock lock(&mutex_);
  absl::Status status = CommitOnce(group);
  if (!status.ok()) {
    database_.Rollback();
    for (Work* work : group) work->status = status;
    return;
  }
  const bool destroys = std::any_of(group.begin(), group.end(), [](const Work* work) {
    return work->action == Action::kDestroy;
  });
  if (destroys) status = EmptyWriteAheadLog();
  for (Work* work : group) {
    if (work->action == Action::kDestroy) {
      Forget(work->name);
      if (work->status.ok()) work->status = status;
    } else if (work->status.ok()) {
      Cache(work->name, work->key);
    }
  }
}

// That one key is destroyed or damaged concerns its caller; a failing database concerns all.
absl::Status FileKeys::CommitOnce(absl::Span<Work* const> group) {
  if (absl::Status status = database_.Begin(); !status.ok()) return status;
  for (Work* work : group) {
    if (work->action == Action::kDestroy) {
      work->status = Overwrite(work->name);
    } else {
      absl::StatusOr<Key> key = Find(work->name);
      if (absl::IsNotFound(key.status())) key = Create(work->name);
      work->status = key.status();
      if (key.ok()) work->key = *key;
    }
    const bool own = absl::IsFailedPrecondition(work->status) || absl::IsDataLoss(work->status);
    if (!work->status.ok() && !own) return work->status;
  }
  return database_.Commit();
}

absl::StatusOr<Key> FileKeys::GetOrCreate(const std::string& name) {
  Work work{.name = name, .action = Action::kGetOrCreate, .status = {}, .key = {}};
  if (FindCached(name, work.key)) return work.key;
  group_commit_.Run(work);
  if (!work.status.ok()) return work.status;
  return work.key;
}

absl::StatusOr<Key> FileKeys::Get(const std::string& name) {
  Key cached;
  if (FindCached(name, cached)) return cached;
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<Key> key = Find(name);
  if (key.ok()) Cache(name, *key);
  return key;
}

absl::Status FileKeys::Destroy(const std::string& name) {
  Work work{.name = name, .action = Action::kDestroy, .status = {}, .key = {}};
  group_commit_.Run(work);
  return work.status;
}

absl::StatusOr<std::vector<NamedKey>> FileKeys::All() {
  absl::MutexLock lock(&mutex_);
  absl::StatusOr<sqlite::Statement> rows =
      database_.Prepare("SELECT name, wrapped FROM keys ORDER BY id");
  if (!rows.ok()) return rows.status();
  std::vector<NamedKey> all;
  while (true) {
    const absl::StatusOr<bool> row = rows->Step();
    if (!row.ok()) return row.status();
    if (!*row) return all;
    NamedKey named{.name = std::string(rows->Bytes(0)), .key = std::nullopt};
    if (named.name == kMasterKeyCheck) continue;
    const absl::StatusOr<Key> key = Unwrap(named.name, std::string(rows->Bytes(1)));
    if (!key.ok() && !absl::IsFailedPrecondition(key.status())) return key.status();
    if (key.ok()) named.key = *key;
    all.push_back(std::move(named));
  }
}

bool FileKeys::FindCached(const std::string& name, Key& key) {
  absl::MutexLock lock(&cache_mutex_);
  const auto found = cached_.find(name);
  if (found == cached_.end()) return false;
  recent_.splice(recent_.begin(), recent_, found->second);
  key = found->second->second;
  return true;
}

void FileKeys::Cache(const std::string& name, const Key& key) {
  absl::MutexLock lock(&cache_mutex_);
  if (cached_.contains(name)) return;
  recent_.emplace_front(name, key);
  cached_[name] = recent_.begin();
  if (recent_.size() <= kKeysCachedMax) return;
  cached_.erase(recent_.back().first);
  recent_.pop_back();
}

void FileKeys::Forget(const std::string& name) {
  absl::MutexLock lock(&cache_mutex_);
  const auto found = cached_.find(name);
  if (found == cached_.end()) return;
  sodium_memzero(found->second->second.data(), found->second->second.size());
  recent_.erase(found->second);
  cached_.erase(found);
}

}  // namespace porchlight
