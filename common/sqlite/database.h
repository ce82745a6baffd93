// SQLite, as the embedded log, the store and the keys use it: connections and statements that
// close themselves, and errors that say what a person must do. It knows nothing of what is stored.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace porchlight::sqlite {

// A prepared statement. Not thread-safe. What is bound is not copied: it must stay until the next
// Reset. Columns stay until the next Step or Reset.
class Statement {
 public:
  Statement() = default;

  // Parameters count from 1.
  Statement& Bind(int parameter, int64_t value);
  Statement& BindText(int parameter, absl::string_view value);
  Statement& BindBytes(int parameter, absl::string_view value);

  // True: there is a row. After false or an error the statement is reset.
  absl::StatusOr<bool> Step();
  // Runs to the end and resets.
  absl::Status Run();
  void Reset();

  // Columns count from 0.
  int64_t Integer(int column) const;
  absl::string_view Bytes(int column) const;

 private:
  friend class Database;
  absl::Status Failure(int code) const;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  // Of the database, which need not be there any more.
  std::string what_, path_;
};

// What a file holds, so that no program takes it for something else.
struct Format {
  absl::string_view what;      // "the log", for error texts
  int32_t application_id = 0;  // in the file's header
  int32_t version = 1;         // any other is not opened
  // Statements that make an empty file into one of this version.
  absl::string_view schema;
};

struct DatabaseOptions {
  bool read_only = false;
  // With read_only: no file is made, written or removed, not even those that SQLite keeps beside
  // the database for itself. For those who only check; slower than sharing these with a writer.
  bool leave_untouched = false;
  enum class Synchronous {
    kFull,    // after a commit it is on the disk
    kNormal,  // after a power failure the newest commits may be gone, but nothing else
  };
  Synchronous synchronous = Synchronous::kFull;
  // How long to wait for another process to finish writing.
  absl::Duration busy_wait = absl::Seconds(2);
  // A checkpoint is made within a commit when so many pages wait for it; 0: never by itself.
  int checkpoint_pages = 8000;
};

// One connection. Not thread-safe; every thread that uses it at once needs its own.
class Database {
 public:
  // Makes the file if there is none (unless read_only), in WAL mode. Errors:
  //   FailedPrecondition  something else than `format`
  //   Unimplemented       of another version
  //   NotFound            read_only, and there is none
  //   and what Error gives.
  static absl::StatusOr<Database> Open(const std::string& path, const Format& format,
                                       const DatabaseOptions& options = {});

  Database() = default;

  absl::StatusOr<Statement> Prepare(absl::string_view sql);
  absl::Status PrepareAll(std::initializer_list<std::pair<Statement*, absl::string_view>> wanted);
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<int64_t> Integer(absl::string_view sql);

  // Takes the right to write at once, or waits for it at most busy_wait.
  absl::Status Begin();
  absl::Status Commit();
  // True if nothing of the transaction is or will be there. False after a commit that failed while
  // making it durable: then it may or may not be there after a crash.
  bool Rollback();

  // Makes the write-ahead log at least so long at once, by zeros, which SQLite takes for the
  // remains of an earlier one. A commit that needn't lengthen its file is on the disk in half the
  // time.
  absl::Status LengthenWriteAheadLog(int64_t bytes);
  // Pages that wait in the write-ahead log, as of the last commit of this connection.
  int wal_pages() const { return state_->wal_pages; }
  // Moves pages from the write-ahead log into the file as far as nobody uses them; delays no one.
  absl::Status Checkpoint();

 private:
  friend class Statement;
  struct State {
    std::string path, what;
    int wal_pages = 0;
    int checkpoint_pages = 0;
    bool commit_may_stand = false;
  };
  struct Close {
    void operator()(sqlite3* connection) const;
  };

  static int OnCommit(void* state, sqlite3* connection, const char* database, int pages);
  absl::Status Failure(int code) const;
  absl::Status Connect(const std::string& name, int flags);
  absl::Status ConnectUntouched(const std::string& path, int flags);
  absl::Status RunKept(Statement& kept, absl::string_view sql);
  absl::Status Configure(const Format& format, const DatabaseOptions& options);
  absl::Status MakeSchema(const Format& format);

  std::unique_ptr<State> state_;  // stays where it is when the connection is moved
  std::unique_ptr<sqlite3, Close> connection_;
  Statement begin_, commit_;
};

// The error of `code` (a SQLite result code) in the file `path`, and what to do about it:
//   ResourceExhausted  disk full
//   Unavailable        another process holds the file, or reading and writing fails
//   PermissionDenied   the file can't be opened or written by this user
//   DataLoss           damaged, or no database
absl::Status Error(int code, absl::string_view detail, absl::string_view what,
                   absl::string_view path);

}  // namespace porchlight::sqlite
