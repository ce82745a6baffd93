// What the log promises beyond its process: abrupt ends, torn writes, other processes, files that
// are something else.

#include <sqlite3.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log/sqlite_log.h"
#include "gmock/gmock.h"
#include "tests/contract/log_testing.h"

namespace porchlight::log_sqlite_contract_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

const TopicPartition kCommands = {CommandsTopic("intake"), 5};
const TopicPartition kEvents = {EventsTopic("intake"), 5};

std::unique_ptr<SqliteLog> Opened(const std::string& path, SqliteLogOptions options = {}) {
  absl::StatusOr<std::unique_ptr<SqliteLog>> log = SqliteLog::Open(path, options);
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? *std::move(log) : nullptr;
}

void Execute(const std::string& path, const std::string& sql) {
  sqlite3* connection = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &connection), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_close(connection);
}

// The number of records, each of which must be "record N" of its offset.
size_t CountNumbered(Log& log) {
  const std::vector<std::string> all = ReadAll(log, kCommands);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i], absl::StrCat("record ", i));
  return all.size();
}

// Appends "record N" until it is killed, and writes a byte for each that was accepted.
void AppendNumbered(const std::string& path, int count, int descriptor) {
  const std::unique_ptr<SqliteLog> log = Opened(path);
  const int64_t end = EndOf(*log, kCommands);
  for (int64_t n = end; n < end + count; ++n) {
    if (AppendTo(*log, kCommands, {absl::StrCat("record ", n)}).outcome !=
        AppendOutcome::kAccepted) {
      _exit(1);
    }
    if (write(descriptor, ".", 1) != 1) _exit(1);
  }
  _exit(0);  // without closing
}

TEST(SqliteLog, AcceptedRecordsAreThereAfterReopening) {
  TempDirectory directory;
  AppendTo(*Opened(directory.File("log")), kCommands, {"a", "b"});
  const std::unique_ptr<SqliteLog> log = Opened(directory.File("log"));
  EXPECT_EQ(EndOf(*log, kCommands), 2);
  EXPECT_EQ(AppendTo(*log, kCommands, {"c"}, 2).outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(ReadAll(*log, kCommands), ElementsAre("a", "b", "c"));
}

TEST(SqliteLog, AcceptedRecordsSurviveAProcessThatNeverCloses) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  const std::string accepted =
      InChildProcess([&](int descriptor) { AppendNumbered(path, 50, descriptor); });
  EXPECT_EQ(accepted.size(), 50u);
  EXPECT_EQ(CountNumbered(*Opened(path)), 50u);
}

TEST(SqliteLog, AcceptedRecordsSurviveProcessesKilledAtAnyMoment) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  size_t accepted = 0;
  for (size_t round = 1; round <= 10; ++round) {
    accepted = CountNumbered(*Opened(path));
    accepted += InChildProcess([&](int descriptor) { AppendNumbered(path, 100'000, descriptor); },
                               7 * round)
                    .size();
    EXPECT_GE(CountNumbered(*Opened(path)), accepted);
  }
  EXPECT_GE(accepted, 7u * 55);
}

// As after a power failure while the newest commits were being written: whatever is left of the
// write-ahead log, what is read is a prefix, and appending goes on after it.
TEST(SqliteLog, OfATornWriteAheadLogAPrefixIsLeft) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  InChildProcess([&](int descriptor) { AppendNumbered(path, 40, descriptor); });
  const auto size = std::filesystem::file_size(path + "-wal");
  size_t most = 0;
  for (int cut = 0; cut <= 40; ++cut) {
    const std::string torn = directory.File(absl::StrCat("torn", cut));
    std::filesystem::copy_file(path, torn);
    std::filesystem::copy_file(path + "-wal", torn + "-wal");
    // Odd ones in the middle of a page, even ones wherever it falls.
    const auto left = size - size * static_cast<unsigned>(cut) / 40 - (cut % 2 == 1 ? 1 : 0);
    std::filesystem::resize_file(torn + "-wal", left);
    const std::unique_ptr<SqliteLog> log = Opened(torn);
    ASSERT_NE(log, nullptr);
    const size_t kept = CountNumbered(*log);
    EXPECT_EQ(kept == 40, cut == 0) << "cut " << cut << " left " << kept;
    most = std::max(most, cut == 0 ? 0 : kept);
    const AppendResult next =
        AppendTo(*log, kCommands, {absl::StrCat("record ", kept)}, static_cast<int64_t>(kept));
    EXPECT_EQ(next.outcome, AppendOutcome::kAccepted) << next.reason;
    EXPECT_EQ(CountNumbered(*log), kept + 1);
  }
  EXPECT_GT(most, 30u);
}

TEST(SqliteLog, WhileAnotherProcessHoldsTheFileAppendsAreRefusedAndReadsGoOn) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  const std::unique_ptr<SqliteLog> log = Opened(path, {.busy_wait = absl::Milliseconds(1)});
  AppendTo(*log, kCommands, {"a"});
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const AppendResult refused = AppendTo(*log, kCommands, {"b"});
  EXPECT_EQ(refused.outcome, AppendOutcome::kRefused);
  EXPECT_TRUE(absl::IsUnavailable(refused.reason));
  EXPECT_THAT(std::string(refused.reason.message()),
              AllOf(HasSubstr(path), HasSubstr("another process holds it"), HasSubstr("fuser")));
  EXPECT_THAT(ReadAll(*log, kCommands), ElementsAre("a"));
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_EQ(AppendTo(*log, kCommands, {"c"}).first_offset, 1);
  EXPECT_THAT(ReadAll(*log, kCommands), ElementsAre("a", "c"));
}

TEST(SqliteLog, AppendsOfAnotherProcessAreSeenAndRacesWithItAreLost) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  const std::unique_ptr<SqliteLog> log = Opened(path);
  AppendTo(*log, kEvents, {"a"}, 0);
  InChildProcess([&](int) {
    const std::unique_ptr<SqliteLog> other = Opened(path);
    AppendTo(*other, kEvents, {"b"}, 1);
    AppendTo(*other, kCommands, {"c"});
  });
  EXPECT_EQ(AppendTo(*log, kEvents, {"lost"}, 1).outcome, AppendOutcome::kLostRace);
  EXPECT_THAT(ReadAll(*log, kEvents), ElementsAre("a", "b"));
  EXPECT_THAT(ReadAll(*log, kCommands), ElementsAre("c"));
  EXPECT_EQ(AppendTo(*log, kEvents, {"d"}, 2).outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(ReadAll(*log, kEvents), ElementsAre("a", "b", "d"));
}

TEST(SqliteLog, WhoeverPollsTheEndNoticesAnotherProcessSoon) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  const std::unique_ptr<SqliteLog> log = Opened(path);
  InChildProcess([&](int) { AppendTo(*Opened(path), kCommands, {"a", "b"}); });
  int64_t end = 0;
  for (int i = 0; i < SqliteLog::kPollsUnchecked; ++i) end = EndOf(*log, kCommands);
  EXPECT_EQ(end, 2);
}

TEST(SqliteLog, TwoProcessesThatAppendAtOnceLoseNothing) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  Opened(path);
  const auto append_chain = [&](const std::string& name) {
    return InChildProcess([&, name](int descriptor) {
      const std::unique_ptr<SqliteLog> log = Opened(path);
      ChainWriter writer(*log, kEvents);
      for (int n = 0; n < 50;) {
        if (writer.Append(absl::StrCat(name, n, "-")).outcome == AppendOutcome::kAccepted) ++n;
        writer.CatchUp();
      }
      WriteLine(descriptor, "done");
    });
  };
  std::string first;
  std::thread beside([&] { first = append_chain("first"); });
  const std::string second = append_chain("second");
  beside.join();
  EXPECT_EQ(first, "done\n");
  EXPECT_EQ(second, "done\n");
  const auto chain = ReadChain(*Opened(path), kEvents);
  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(chain->size(), 100u);
}

TEST(SqliteLog, OpenedToBeReadItFollowsTheWriterAndRefusesAppends) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  EXPECT_TRUE(absl::IsNotFound(SqliteLog::Open(path, {.read_only = true}).status()));
  const std::unique_ptr<SqliteLog> writer = Opened(path);
  const std::unique_ptr<SqliteLog> reader = Opened(path, {.read_only = true});
  AppendTo(*writer, kCommands, {"a"});
  EXPECT_EQ(EndOf(*reader, kCommands), 1);
  EXPECT_THAT(ReadAll(*reader, kCommands), ElementsAre("a"));
  EXPECT_EQ(AppendTo(*reader, kCommands, {"b"}).outcome, AppendOutcome::kRefused);
}

TEST(SqliteLog, ReadsAreTheSameFromMemoryAndFromTheFile) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  // Room for a few records only.
  const std::unique_ptr<SqliteLog> log = Opened(path, {.cache_bytes_max = 1000});
  const std::unique_ptr<SqliteLog> file = Opened(path, {.read_only = true});
  for (int n = 0; n < 60; ++n) {
    AppendTo(*log, n % 3 == 0 ? kEvents : kCommands, {absl::StrCat("record ", n)});
  }
  for (const TopicPartition& where : {kCommands, kEvents}) {
    for (int64_t from = 0; from <= EndOf(*log, where); ++from) {
      const ReadLimits limits = {.records_max = 4, .bytes_max = 25};
      EXPECT_EQ(*log->Read(where, from, limits), *file->Read(where, from, limits));
    }
  }
}

TEST(SqliteLog, AMissingRecordIsNoticed) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  AppendTo(*Opened(path), kCommands, {"a", "b", "c"});
  Execute(path, "DELETE FROM record WHERE bytes = CAST('b' AS BLOB)");
  const std::unique_ptr<SqliteLog> log = Opened(path);
  const absl::Status status = log->Read(kCommands, 0).status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("record 1 of porchlight.intake.commands/5"));
}

TEST(SqliteLog, ANewerVersionsFileIsLeftAlone) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  Opened(path);
  Execute(path, "PRAGMA user_version = 2");
  const absl::Status status = SqliteLog::Open(path).status();
  EXPECT_TRUE(absl::IsUnimplemented(status));
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path), HasSubstr("a newer version")));
}

TEST(SqliteLog, ADatabaseOfSomethingElseIsLeftAlone) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  Execute(path, "CREATE TABLE notes(text); INSERT INTO notes VALUES('keep me')");
  EXPECT_TRUE(absl::IsFailedPrecondition(SqliteLog::Open(path).status()));
  Execute(path, "SELECT text FROM notes");
}

TEST(SqliteLog, AFileThatIsNoDatabaseIsLeftAlone) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  std::ofstream(path) << std::string(10'000, 'x');
  const absl::Status status = SqliteLog::Open(path).status();
  EXPECT_TRUE(absl::IsDataLoss(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
  EXPECT_EQ(std::filesystem::file_size(path), 10'000u);
}

TEST(SqliteLog, ADirectoryThatIsNotThereIsNamed) {
  TempDirectory directory;
  const std::string path = directory.File("none/log");
  const absl::Status status = SqliteLog::Open(path).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status)) << status;
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(path), HasSubstr("directory")));
}

// The file may not grow, as when a disk is full or a quota is used up: appends fail and say so,
// nothing accepted is lost, and appends work again afterwards.
TEST(SqliteLog, WhenTheFileCannotGrowAppendsFailAndWorkAgainLater) {
  TempDirectory directory;
  const std::string path = directory.File("log");
  const std::string told = InChildProcess([&](int descriptor) {
    std::signal(SIGXFSZ, SIG_IGN);
    const std::unique_ptr<SqliteLog> log = Opened(path);
    rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small = {.rlim_cur = 200'000, .rlim_max = before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    for (int n = 0; n < 1000; ++n) {
      const AppendResult result = AppendTo(*log, kCommands, {std::string(5000, 'x')}, n);
      if (result.outcome != AppendOutcome::kAccepted) {
        WriteLine(descriptor, absl::StrCat("failed after ", n, ": ", result.reason.message()));
        break;
      }
    }
    setrlimit(RLIMIT_FSIZE, &before);
    const AppendResult result = AppendTo(*log, kCommands, {"again"});
    WriteLine(descriptor, absl::StrCat("accepted at ", result.first_offset));
  });
  const std::vector<std::string> lines = absl::StrSplit(told, '\n');
  ASSERT_EQ(lines.size(), 3u) << told;
  EXPECT_THAT(lines[0], AllOf(HasSubstr("failed after "), HasSubstr(path)));
  int64_t accepted_at = -1;
  ASSERT_TRUE(absl::SimpleAtoi(std::vector<std::string>(absl::StrSplit(lines[1], ' ')).back(),
                               &accepted_at));
  EXPECT_GT(accepted_at, 5);
  const std::unique_ptr<SqliteLog> log = Opened(path);
  EXPECT_EQ(EndOf(*log, kCommands), accepted_at + 1);
  EXPECT_THAT(*log->Read(kCommands, accepted_at), ElementsAre("again"));
}

TEST(SqliteErrors, SayWhatToDo) {
  struct Row {
    int code;
    absl::StatusCode status;
    std::string text;
  };
  for (const Row& row : {
           Row{SQLITE_FULL, absl::StatusCode::kResourceExhausted, "Free space"},
           Row{SQLITE_BUSY, absl::StatusCode::kUnavailable, "another process holds it"},
           Row{SQLITE_BUSY_RECOVERY, absl::StatusCode::kUnavailable, "another process holds it"},
           Row{SQLITE_READONLY, absl::StatusCode::kPermissionDenied, "the right to write"},
           Row{SQLITE_CANTOPEN, absl::StatusCode::kPermissionDenied, "directory exists"},
           Row{SQLITE_CORRUPT, absl::StatusCode::kDataLoss, "backup"},
           Row{SQLITE_NOTADB, absl::StatusCode::kDataLoss, "backup"},
           Row{SQLITE_IOERR_FSYNC, absl::StatusCode::kUnavailable, "Check the disk"},
       }) {
    const absl::Status status = sqlite::Error(row.code, "detail", "the log", "DIR/log");
    EXPECT_EQ(status.code(), row.status) << row.code;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("the log DIR/log: "), HasSubstr(row.text)));
  }
}

TEST(SqliteErrors, AFullDatabaseIsCertainlyNotWrittenTo) {
  TempDirectory directory;
  absl::StatusOr<sqlite::Database> database = sqlite::Database::Open(
      directory.File("full"), {.what = "it", .application_id = 1, .schema = "CREATE TABLE t(b)"});
  ASSERT_TRUE(database.ok()) << database.status();
  ASSERT_TRUE(database->Execute("PRAGMA max_page_count=4").ok());
  ASSERT_TRUE(database->Begin().ok());
  absl::Status status = database->Execute("INSERT INTO t VALUES(zeroblob(100000))");
  EXPECT_TRUE(absl::IsResourceExhausted(status)) << status;
  EXPECT_TRUE(database->Rollback());
  EXPECT_EQ(*database->Integer("SELECT count(*) FROM t"), 0);
}

}  // namespace
}  // namespace porchlight::log_sqlite_contract_test
