// Somebody or something changes the files while no server runs: the server says so instead of
// deciding on what isn't true, the check of the log names the place, and neither of them changes or
// removes what is left.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::damage_test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

constexpr absl::Duration kLongest = absl::Seconds(60);
constexpr size_t kPage = 4096;

using Files = std::vector<std::pair<std::string, std::string>>;

class Damage : public ::testing::Test {
 protected:
  ServerOptions Options() {
    return {.program = BINARY_DIR "/porchlight",
            .data = data_.path(),
            .error_file = absl::StrCat(folder_.path(), "/errors-", ++starts_)};
  }
  std::string Path(absl::string_view name) const { return absl::StrCat(data_.path(), "/", name); }

  // Starts, takes `count` more reports, waits until everybody is told of them, and ends.
  void Report(int count, int end_by = SIGTERM) {
    ServerProcess server(Options());
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    std::vector<v1::ReportMissingRequest> reports;
    for (int i = 0; i < count; ++i)
      reports.push_back(PlantedReport(absl::StrCat("youth-", ++youths_)));
    ASSERT_TRUE(ReportUntilAccepted(server.address(), std::move(reports)).again.empty());
    ASSERT_TRUE(WaitUntil([&] { return Told() == 2 * youths_; }, kLongest)) << Told();
    const std::vector<v1::Episode> episodes = ListAllEpisodes(server.address());
    ASSERT_EQ(static_cast<int>(episodes.size()), youths_);
    report_id_ = episodes[0].report_ids(0);
    server.child().Send(end_by);
    ASSERT_EQ(server.child().WaitForExit(kLongest), end_by == SIGTERM ? 0 : -end_by);
  }

  int Told() const {
    int told = 0;
    if (!std::filesystem::exists(Path("outbox"))) return 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path("outbox")))
      told += entry.path().extension() == ".txt" && entry.path().filename().string()[0] != '.';
    return told;
  }

  RunResult Verify() const {
    return RunProgram({BINARY_DIR "/porchlight", "evidence", "verify", "--data", data_.path()});
  }

  // The check finds something, and leaves every file as it is: not one made, changed or removed.
  std::string Found() const {
    const Files before = AllFiles(data_.path());
    const RunResult verified = Verify();
    EXPECT_NE(verified.exit_code, 0) << verified.output;
    EXPECT_TRUE(AllFiles(data_.path()) == before) << "the check changed a file";
    return verified.errors;
  }

  // The server doesn't start, writes nothing to the log, and removes nothing but what SQLite keeps
  // beside a database for itself.
  std::string Refusal() {
    const std::string log = ReadFile(Path("log.db"));
    const Files before = AllFiles(data_.path());
    ServerProcess server(Options());
    EXPECT_FALSE(server.WaitUntilReady());
    EXPECT_EQ(server.child().WaitForExit(kLongest), 1) << server.errors();
    EXPECT_TRUE(ReadFile(Path("log.db")) == log) << "the log was changed by the attempt";
    for (const auto& [name, content] : before) {
      if (name.find(".db-") != std::string::npos) continue;
      EXPECT_TRUE(std::filesystem::exists(Path(name))) << name << " was removed";
    }
    return server.errors();
  }

  void Change(const std::string& name, size_t at, char to) const {
    std::fstream file(Path(name), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(at));
    file.put(to);
  }

  void Put(const Files& files) const {
    for (const auto& entry : std::filesystem::directory_iterator(data_.path()))
      std::filesystem::remove_all(entry.path());
    for (const auto& [name, content] : files) {
      std::filesystem::create_directories(std::filesystem::path(Path(name)).parent_path());
      WriteTextFile(Path(name), content);
    }
  }

  DataFolder data_;
  TemporaryFolder folder_;
  int starts_ = 0;
  int youths_ = 0;
  std::string report_id_;
};

TEST_F(Damage, ALogFromAnOlderBackupIsRefusedAndThenTheRightOneServes) {
  ASSERT_NO_FATAL_FAILURE(Report(10));
  const std::string older = ReadFile(Path("log.db"));
  ASSERT_NO_FATAL_FAILURE(Report(10));
  const Files whole = AllFiles(data_.path());
  WriteTextFile(Path("log.db"), older);
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("cut short"), HasSubstr("Restore the log from a backup")));
  EXPECT_THAT(Found(), HasSubstr("porchlight."));
  Put(whole);
  ASSERT_NO_FATAL_FAILURE(Report(1));
}

TEST_F(Damage, AWriteAheadLogThatIsGoneIsMissedAndPutBackServes) {
  ASSERT_NO_FATAL_FAILURE(Report(10, SIGKILL));
  const Files whole = AllFiles(data_.path());
  std::filesystem::remove(Path("log.db-wal"));
  std::filesystem::remove(Path("log.db-shm"));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("cut short"), HasSubstr("Restore the log from a backup")));
  std::filesystem::remove(Path("log.db-wal"));
  std::filesystem::remove(Path("log.db-shm"));
  EXPECT_THAT(Found(), HasSubstr("porchlight."));
  Put(whole);
  ASSERT_NO_FATAL_FAILURE(Report(1));
}

TEST_F(Damage, ALogOfHalfItsLengthIsRefused) {
  ASSERT_NO_FATAL_FAILURE(Report(20));
  std::filesystem::resize_file(Path("log.db"), std::filesystem::file_size(Path("log.db")) / 2);
  EXPECT_THAT(Found(), HasSubstr("log.db"));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("log.db"), HasSubstr("restore it from a backup")));
}

TEST_F(Damage, AChangedByteOfARecordIsNamed) {
  ASSERT_NO_FATAL_FAILURE(Report(20));
  const std::string log = ReadFile(Path("log.db"));
  std::vector<size_t> places;
  for (size_t at = log.find(report_id_); at != std::string::npos; at = log.find(report_id_, at + 1))
    places.push_back(at);
  ASSERT_GE(places.size(), 3u) << "the command, what intake decided, what notification decided";
  for (const size_t at : places) {
    SCOPED_TRACE(at);
    Change("log.db", at, log[at] == 'a' ? 'b' : 'a');
    EXPECT_THAT(Found(), AllOf(HasSubstr("porchlight."),
                               AnyOf(HasSubstr("commands/"), HasSubstr("events/"))));
    Change("log.db", at, log[at]);
  }
  EXPECT_EQ(Verify().exit_code, 0);
}

TEST_F(Damage, AChangedByteIsFoundBeforeStoresAreMadeAgainFromIt) {
  ASSERT_NO_FATAL_FAILURE(Report(20));
  const std::string log = ReadFile(Path("log.db"));
  const Files whole = AllFiles(data_.path());
  int refused = 0;
  for (size_t at = log.find(report_id_); at != std::string::npos;
       at = log.find(report_id_, at + 1)) {
    SCOPED_TRACE(at);
    Change("log.db", at, log[at] == 'a' ? 'b' : 'a');
    for (const char* service : {"intake", "notification"})
      std::filesystem::remove(Path(absl::StrCat(service, ".store.db")));
    ServerProcess server(Options());
    if (!server.WaitUntilReady()) {
      ++refused;
      EXPECT_EQ(server.child().WaitForExit(kLongest), 1);
      EXPECT_THAT(server.errors(),
                  AllOf(HasSubstr("porchlight."), HasSubstr("events/"), HasSubstr("backup")));
    }
    server.child().Kill();
    Put(whole);
  }
  // Commands that are decided aren't read again; every transition is.
  EXPECT_GE(refused, 2);
}

TEST_F(Damage, AChangedPageHeaderIsFound) {
  ASSERT_NO_FATAL_FAILURE(Report(40));
  const std::string log = ReadFile(Path("log.db"));
  std::vector<size_t> places = {0, 100};
  for (size_t page = kPage; page < log.size() && places.size() < 8; page += kPage) {
    // The first byte of a page of a table's tree: 5 inside, 13 at a leaf.
    if (log[page] == 5 || log[page] == 13) places.push_back(page);
  }
  ASSERT_EQ(places.size(), 8u);
  for (const size_t at : places) {
    SCOPED_TRACE(at);
    Change("log.db", at, static_cast<char>(log[at] ^ 0x40));
    EXPECT_THAT(Found(), AllOf(HasSubstr("log.db"), HasSubstr("damaged")));
    Change("log.db", at, log[at]);
  }
  Change("log.db", 0, 'X');
  EXPECT_THAT(Refusal(), AllOf(HasSubstr("log.db"), HasSubstr("damaged"), HasSubstr("backup")));
}

TEST_F(Damage, TheCheckChangesNothingWhateverStateTheFolderIsIn) {
  const auto whole_and_untouched = [&](const char* state) {
    SCOPED_TRACE(state);
    const Files before = AllFiles(data_.path());
    const RunResult verified = Verify();
    EXPECT_EQ(verified.exit_code, 0) << verified.errors;
    // With the one by which the directory follows the configuration.
    EXPECT_THAT(verified.output, HasSubstr(absl::StrCat(youths_ + 1, " commands decided, 0")));
    const Files after = AllFiles(data_.path());
    ASSERT_EQ(after.size(), before.size());
    for (size_t i = 0; i < before.size(); ++i) {
      EXPECT_TRUE(before[i] == after[i]) << before[i].first << " was changed";
    }
  };
  ASSERT_NO_FATAL_FAILURE(Report(10));
  whole_and_untouched("stopped");
  ASSERT_NO_FATAL_FAILURE(Report(10, SIGKILL));
  whole_and_untouched("killed");
  std::filesystem::remove(Path("log.db-shm"));
  whole_and_untouched("killed, and copied without what SQLite makes for itself");
  ASSERT_NO_FATAL_FAILURE(Report(1));
  WriteTextFile(Path("intake.store.db"), "no database at all, but long enough to be looked into");
  std::filesystem::remove(Path("notification.store.db"));
  whole_and_untouched("one store damaged, one away");
}

TEST_F(Damage, TheCheckOfARunningServersLogLeavesTheServerAlone) {
  ASSERT_NO_FATAL_FAILURE(Report(5));
  ServerProcess server(Options());
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  const RunResult verified = Verify();
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;
  EXPECT_TRUE(ReportUntilAccepted(server.address(), {PlantedReport("youth-6")}).again.empty());
  ASSERT_TRUE(WaitUntil([&] { return Told() == 12; }, kLongest));
  const RunResult again = Verify();
  EXPECT_EQ(again.exit_code, 0) << again.errors;
  EXPECT_THAT(again.output, HasSubstr("7 commands decided"));
}

}  // namespace
}  // namespace porchlight::testing::damage_test
