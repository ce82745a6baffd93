#include "common/sqlite/database.h"

#include <sqlite3.h>

#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"

namespace porchlight::sqlite {

absl::Status Error(int code, absl::string_view detail, absl::string_view what,
                   absl::string_view path) {
  const auto text = [&](absl::string_view wrong, absl::string_view advice) {
    return absl::StrCat(what, " ", path, ": ", wrong, " (SQLite ", code, ": ", detail, "). ",
                        advice);
  };
  switch (code & 0xff) {
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(
          text("the disk is full", "Free space on its disk; writing goes on by itself then."));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::UnavailableError(text("another process holds it",
                                         "Find out which with `fuser` and end it: only one "
                                         "`porchlight serve` may run on a data directory."));
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(
          text("it can't be written to",
               "Give the user that runs Porchlight the right to write "
               "the file and its directory."));
    case SQLITE_CANTOPEN:
      return absl::PermissionDeniedError(
          text("it can't be opened",
               "Check that its directory exists and that the user that runs "
               "Porchlight may read and write in it."));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(text("it is damaged, or not a database",
                                      "Keep a copy of the file and its -wal for inspection, then "
                                      "restore it from a backup."));
    case SQLITE_IOERR:
      return absl::UnavailableError(
          text("reading or writing failed", "Check the disk and the system's own log of errors."));
    case SQLITE_TOOBIG:
      return absl::InvalidArgumentError(text("what was given is too large", "Send less at once."));
    default:
      return absl::InternalError(text("unexpected error", "Please report this."));
  }
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

// A binding fails only for a parameter that isn't there or what is too large: the statement then
// runs with NULL, which no column of ours takes.
Statement& Statement::Bind(int parameter, int64_t value) {
  sqlite3_bind_int64(statement_.get(), parameter, value);
  return *this;
}

Statement& Statement::BindText(int parameter, absl::string_view value) {
  sqlite3_bind_text64(statement_.get(), parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

Statement& Statement::BindBytes(int parameter, absl::string_view value) {
  sqlite3_bind_blob64(statement_.get(), parameter, value.empty() ? "" : value.data(), value.size(),
                      SQLITE_STATIC);
  return *this;
}

absl::Status Statement::Failure(int code) const {
  return Error(code, sqlite3_errmsg(sqlite3_db_handle(statement_.get())), what_, path_);
}

absl::StatusOr<bool> Statement::Step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    Reset();
    return false;
  }
  absl::Status failure = Failure(code);
  Reset();
  return failure;
}

absl::Status Statement::Run() {
  while (true) {
    const absl::StatusOr<bool> row = Step();
    if (!row.ok()) return row.status();
    if (!*row) return absl::OkStatus();
  }
}

void Statement::Reset() { sqlite3_reset(statement_.get()); }

int64_t Statement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

absl::string_view Statement::Bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return "";
  return {static_cast<const char*>(bytes), static_cast<size_t>(size)};
}

void Database::Close::operator()(sqlite3* connection) const { sqlite3_close_v2(connection); }

absl::StatusOr<Database> Database::Open(const std::string& path, const Format& format,
                                        const DatabaseOptions& options) {
  Database database;
  database.state_ = std::make_unique<State>();
  database.state_->path = path;
  database.state_->what = std::string(format.what);
  database.state_->checkpoint_pages = options.checkpoint_pages;
  const int flags =
      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
      (options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  std::error_code unreadable;
  if (options.read_only && !std::filesystem::exists(path, unreadable) && !unreadable) {
    return absl::NotFoundError(absl::StrCat(format.what, " ", path, " doesn't exist"));
  }
  absl::Status status = options.read_only && options.leave_untouched
                            ? database.ConnectUntouched(path, flags)
                            : database.Connect(path, flags);
  if (status.ok()) status = database.Configure(format, options);
  if (!status.ok()) return status;
  return database;
}

absl::Status Database::Connect(const std::string& name, int flags) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &opened, flags, nullptr);
  connection_.reset(opened);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

// A write-ahead log holds what isn't in the file yet, and must be read with it. Where there is
// none, the file is all there is. Where there is one, its index is either there, from the process
// that writes or was killed, and is read; or was left out of a copy, and is made in memory, which
// needs the file for oneself: so locks, which a process that isn't there can't hold, are left out.
absl::Status Database::ConnectUntouched(const std::string& path, int flags) {
  std::string name = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      absl::StrAppend(&name, "%", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      name += c;
    }
  }
  std::error_code unreadable;
  const bool wal = std::filesystem::exists(path + "-wal", unreadable);
  const bool index = std::filesystem::exists(path + "-shm", unreadable);
  absl::StrAppend(&name, !wal ? "?immutable=1" : index ? "?readonly_shm=1" : "?vfs=unix-none");
  absl::Status status = Connect(name, flags | SQLITE_OPEN_URI);
  if (!status.ok()) return status;
  sqlite3_db_config(connection_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return wal && !index ? Execute("PRAGMA locking_mode=EXCLUSIVE") : absl::OkStatus();
}

absl::Status Database::Failure(int code) const {
  const char* detail =
      connection_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(connection_.get());
  return Error(code, detail, state_->what, state_->path);
}

absl::Status Database::Configure(const Format& format, const DatabaseOptions& options) {
  sqlite3_busy_timeout(connection_.get(),
                       static_cast<int>(absl::ToInt64Milliseconds(options.busy_wait)));
  absl::StatusOr<int64_t> tables = Integer("SELECT count(*) FROM sqlite_master");
  if (!tables.ok()) return tables.status();
  if (!options.read_only) {
    if (*tables == 0) {
      if (absl::Status status = MakeSchema(format); !status.ok()) return status;
    }
    absl::Status status = Execute(
        absl::StrCat("PRAGMA journal_mode=WAL; PRAGMA synchronous=",
                     options.synchronous == DatabaseOptions::Synchronous::kFull ? "FULL" : "NORMAL",
                     // Shrinks a write-ahead log that grew in a rush, once it starts over.
                     "; PRAGMA journal_size_limit=67108864"));
    if (!status.ok()) return status;
    sqlite3_wal_hook(connection_.get(), &Database::OnCommit, state_.get());
  }
  const absl::StatusOr<int64_t> application = Integer("PRAGMA application_id");
  if (!application.ok()) return application.status();
  if (*application != format.application_id) {
    return absl::FailedPreconditionError(
        absl::StrCat(state_->path, " is not ", format.what,
                     " but some other file. It was left alone; name another path."));
  }
  const absl::StatusOr<int64_t> version = Integer("PRAGMA user_version");
  if (!version.ok()) return version.status();
  if (*version == format.version) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(format.what, " ", state_->path, " was written by ",
                                               *version > format.version ? "a newer" : "an older",
                                               " version of Porchlight (format ", *version,
                                               "; this one reads ", format.version,
                                               "). It was left alone; run the version of "
                                               "Porchlight that wrote it."));
}

// Two processes may get here at once: the second finds the work done.
absl::Status Database::MakeSchema(const Format& format) {
  absl::Status status = Begin();
  if (!status.ok()) return status;
  const absl::StatusOr<int64_t> tables = Integer("SELECT count(*) FROM sqlite_master");
  if (tables.ok() && *tables > 0) return Commit();
  status =
      tables.ok()
          ? Execute(absl::StrCat(format.schema, "; PRAGMA application_id=", format.application_id,
                                 "; PRAGMA user_version=", format.version))
          : tables.status();
  if (status.ok()) status = Commit();
  if (!status.ok()) Rollback();
  return status;
}

int Database::OnCommit(void* state, sqlite3* connection, const char*, int pages) {
  State& own = *static_cast<State*>(state);
  own.wal_pages = pages;
  if (own.checkpoint_pages > 0 && pages >= own.checkpoint_pages) {
    sqlite3_wal_checkpoint_v2(connection, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  }
  return SQLITE_OK;
}

absl::StatusOr<Statement> Database::Prepare(absl::string_view sql) {
  sqlite3_stmt* prepared = nullptr;
  const int code = sqlite3_prepare_v3(connection_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  Statement statement;
  statement.statement_.reset(prepared);
  statement.what_ = state_->what;
  statement.path_ = state_->path;
  return statement;
}

absl::Status Database::Execute(const std::string& sql) {
  const int code = sqlite3_exec(connection_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

absl::StatusOr<int64_t> Database::Integer(absl::string_view sql) {
  absl::StatusOr<Statement> statement = Prepare(sql);
  if (!statement.ok()) return statement.status();
  const absl::StatusOr<bool> row = statement->Step();
  if (!row.ok()) return row.status();
  return *row ? statement->Integer(0) : 0;
}

absl::Status Database::PrepareAll(
    std::initializer_list<std::pair<Statement*, absl::string_view>> wanted) {
  for (const auto& [statement, sql] : wanted) {
    absl::StatusOr<Statement> prepared = Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    *statement = *std::move(prepared);
  }
  return absl::OkStatus();
}

absl::Status Database::RunKept(Statement& kept, absl::string_view sql) {
  if (kept.statement_ == nullptr) {
    absl::StatusOr<Statement> prepared = Prepare(sql);
    if (!prepared.ok()) return prepared.status();
    kept = *std::move(prepared);
  }
  return kept.Run();
}

absl::Status Database::Begin() {
  state_->commit_may_stand = false;
  return RunKept(begin_, "BEGIN IMMEDIATE");
}

// These end a commit before its last frame is whole in the write-ahead log, so it can't be found
// there later either. After others, such as a failed fsync, it may.
absl::Status Database::Commit() {
  absl::Status status = RunKept(commit_, "COMMIT");
  if (status.ok()) return status;
  const int code = sqlite3_errcode(connection_.get());
  state_->commit_may_stand = code != SQLITE_FULL && code != SQLITE_BUSY && code != SQLITE_LOCKED &&
                             code != SQLITE_READONLY;
  return status;
}

bool Database::Rollback() {
  const bool ended = sqlite3_get_autocommit(connection_.get()) != 0 || Execute("ROLLBACK").ok();
  return ended && !state_->commit_may_stand;
}

absl::Status Database::LengthenWriteAheadLog(int64_t bytes) {
  // Nobody else may lengthen it at the same time.
  if (absl::Status status = Begin(); !status.ok()) return status;
  sqlite3_file* file = nullptr;
  sqlite3_int64 size = 0;
  int code = sqlite3_file_control(connection_.get(), "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
  if (code == SQLITE_OK) code = file->pMethods->xFileSize(file, &size);
  const std::string zeros(64 << 10, '\0');  // SQLite's files take no more than 128 KiB at once
  while (code == SQLITE_OK && size < bytes) {
    code = file->pMethods->xWrite(file, zeros.data(), static_cast<int>(zeros.size()), size);
    size += static_cast<sqlite3_int64>(zeros.size());
  }
  if (code == SQLITE_OK) code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL);
  Rollback();
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

absl::Status Database::Checkpoint() {
  const int code = sqlite3_wal_checkpoint_v2(connection_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  return code == SQLITE_OK ? absl::OkStatus() : Failure(code);
}

}  // namespace porchlight::sqlite
