// What keeps the server from starting is told in a text that names the thing and what to do; and
// nothing that is there already is changed by the attempt.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::start_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;
constexpr absl::Duration kLongest = absl::Seconds(60);

class Start : public ::testing::Test {
 protected:
  ServerOptions Options() {
    return {.program = BINARY_DIR "/porchlight",
            .data = data_.path() + "/data",
            .error_file = absl::StrCat(folder_.path(), "/errors-", ++starts_)};
  }
  std::string Path(absl::string_view name) const {
    return absl::StrCat(data_.path(), "/data/", name);
  }

  // Starts, has one report accepted, and stops.
  void LeaveData() {
    ServerProcess server(Options());
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    ASSERT_TRUE(ReportUntilAccepted(server.address(), {PlantedReport("youth-1")}).again.empty());
    server.child().Send(SIGTERM);
    ASSERT_EQ(server.child().WaitForExit(kLongest), 0);
  }

  // What the server says when it can't start.
  std::string Refusal(const ServerOptions& options, int exit_code = 1) {
    ServerProcess server(options);
    EXPECT_FALSE(server.WaitUntilReady());
    EXPECT_EQ(server.child().WaitForExit(kLongest), exit_code) << server.errors();
    return server.errors();
  }

  void ExpectStartsWithTheReport() {
    ServerProcess server(Options());
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    EXPECT_EQ(ListAllEpisodes(server.address()).size(), 1u);
  }

  DataFolder data_;
  TemporaryFolder folder_;
  int starts_ = 0;
};

TEST_F(Start, ASecondServerOnTheSameFolderIsRefusedAndTheFirstGoesOn) {
  ServerProcess first(Options());
  ASSERT_TRUE(first.WaitUntilReady()) << first.errors();
  EXPECT_THAT(Refusal(Options()), AllOf(HasSubstr("another porchlight is running"),
                                        HasSubstr(data_.path()), HasSubstr("--data")));
  EXPECT_TRUE(ReportUntilAccepted(first.address(), {PlantedReport("youth-1")}).again.empty());
}

TEST_F(Start, APortThatIsTakenIsNamed) {
  ServerProcess first(Options());
  ASSERT_TRUE(first.WaitUntilReady()) << first.errors();
  ServerOptions second = Options();
  second.data = data_.path() + "/other";
  second.listen = first.address();
  EXPECT_THAT(Refusal(second), AllOf(HasSubstr(first.address()), HasSubstr("ss -ltnp")));
}

TEST_F(Start, AFolderThatCantBeMadeIsNamed) {
  WriteTextFile(data_.path() + "/file", "in the way");
  ServerOptions options = Options();
  options.data = data_.path() + "/file/data";
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr(options.data), HasSubstr("--data")));
}

TEST_F(Start, AFolderThatCantBeWrittenIsNamed) {
  if (getuid() != 0) GTEST_SKIP() << "only root can start a server as another user";
  chmod(data_.path().c_str(), 0755);
  std::filesystem::create_directory(Path(""));
  chmod(Path("").c_str(), 0755);
  ServerOptions options = Options();
  options.user = kNobody;
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr("can't write to the data folder"),
                                      HasSubstr(options.data), HasSubstr("--data")));
}

TEST_F(Start, AMasterKeyThatThisUserMayNotReadIsNamed) {
  if (getuid() != 0) GTEST_SKIP() << "only root can start a server as another user";
  ASSERT_NO_FATAL_FAILURE(LeaveData());
  chmod(data_.path().c_str(), 0755);
  for (const auto& entry : std::filesystem::directory_iterator(Path("")))
    ASSERT_EQ(chown(entry.path().c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(chown(Path("").c_str(), kNobody, kNobody), 0);
  ASSERT_EQ(chown(Path("master.key").c_str(), 0, 0), 0);
  ServerOptions options = Options();
  options.user = kNobody;
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr(Path("master.key")), HasSubstr("chown")));
}

TEST_F(Start, AMasterKeyThatOthersMayReadIsRefused) {
  ASSERT_NO_FATAL_FAILURE(LeaveData());
  chmod(Path("master.key").c_str(), 0644);
  EXPECT_THAT(Refusal(Options()), HasSubstr("chmod 600 " + Path("master.key")));
  chmod(Path("master.key").c_str(), 0600);
  ExpectStartsWithTheReport();
}

TEST_F(Start, AGarbledMasterKeyIsRefusedAndNotShown) {
  ASSERT_NO_FATAL_FAILURE(LeaveData());
  const std::string key = ReadFile(Path("master.key"));
  WriteTextFile(Path("master.key"), "garbled" + key.substr(7, 30));
  const std::string refusal = Refusal(Options());
  EXPECT_THAT(refusal, AllOf(HasSubstr("64 hexadecimal characters"), HasSubstr("restore it")));
  EXPECT_EQ(refusal.find(key.substr(10, 20)), std::string::npos);
  WriteTextFile(Path("master.key"), key);
  ExpectStartsWithTheReport();
}

TEST_F(Start, AMissingMasterKeyIsNotReplacedOverData) {
  ASSERT_NO_FATAL_FAILURE(LeaveData());
  const std::string key = ReadFile(Path("master.key"));
  std::filesystem::remove(Path("master.key"));
  EXPECT_THAT(Refusal(Options()), AllOf(HasSubstr("is missing"), HasSubstr("Restore it")));
  EXPECT_FALSE(std::filesystem::exists(Path("master.key")));
  WriteTextFile(Path("master.key"), key);
  ExpectStartsWithTheReport();
}

TEST_F(Start, AnotherMasterKeyIsRefused) {
  ASSERT_NO_FATAL_FAILURE(LeaveData());
  const std::string key = ReadFile(Path("master.key"));
  WriteTextFile(Path("master.key"), std::string(64, 'a') + "\n");
  EXPECT_THAT(Refusal(Options()),
              AllOf(HasSubstr(Path("master.key")), HasSubstr("made with another one")));
  WriteTextFile(Path("master.key"), key);
  ExpectStartsWithTheReport();
}

TEST_F(Start, EveryMistakeOfAConfigurationIsToldWithItsLine) {
  ServerOptions options = Options();
  options.config_file = folder_.path() + "/porchlight.yaml";
  EXPECT_THAT(Refusal(options, 2),
              HasSubstr("can't open the configuration " + options.config_file));
  WriteTextFile(options.config_file,
                "agency:\n  id: example-county\n  name: Example County\n  time_zone: Nowhere\n"
                "recipients: []\nsurprise: 1\n");
  EXPECT_THAT(Refusal(options, 2), AllOf(HasSubstr("porchlight.yaml:4: "), HasSubstr("time_zone"),
                                         HasSubstr("porchlight.yaml:5: "), HasSubstr("recipients"),
                                         HasSubstr("porchlight.yaml:6: "), HasSubstr("surprise")));
  EXPECT_FALSE(std::filesystem::exists(options.data));
}

TEST_F(Start, AWebhookWithoutItsSecretIsRefused) {
  ServerOptions options = Options();
  options.config_file = folder_.path() + "/porchlight.yaml";
  WriteTextFile(options.config_file, R"(agency:
  id: example-county
  name: Example County
  time_zone: America/Chicago
recipients:
  - id: police
    kind: law_enforcement
    channel: webhook
    address: https://police.example/porchlight
    name: Example City Police
    secret_file: police.secret
)");
  EXPECT_THAT(Refusal(options), HasSubstr(folder_.path() + "/police.secret"));
  WriteTextFile(folder_.path() + "/police.secret", "whsec_short\n");
  EXPECT_THAT(Refusal(options), AllOf(HasSubstr("police.secret"), HasSubstr("make a new one")));
}

}  // namespace
}  // namespace porchlight::testing::start_test
