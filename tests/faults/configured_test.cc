// The real server follows its configuration from start to start, without undoing what people set by
// command; and the command line shows and changes the directory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "common/directory/directory.h"
#include "google/protobuf/util/json_util.h"
#include "porchlight/v1/directory.pb.h"
#include "tests/support/far_ends.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::configured_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kProgram[] = BINARY_DIR "/porchlight";
constexpr absl::Duration kLongest = absl::Seconds(60);

class Configured : public ::testing::Test {
 protected:
  // The server with these recipients in its configuration, as folders of the same name; "id=folder"
  // for another.
  void Start(const std::vector<std::string>& recipients) {
    Stop();
    const std::string file = folder_.path() + "/porchlight.yaml";
    std::ofstream out(file);
    out << "agency: {id: a, name: A, time_zone: UTC}\nrecipients:\n";
    for (const std::string& recipient : recipients) {
      const std::string id = recipient.substr(0, recipient.find('='));
      const std::string address = recipient.substr(recipient.find('=') + 1);
      out << "  - {id: " << id << ", kind: law_enforcement, channel: folder, address: " << address
          << ", name: Example}\n";
    }
    out.close();
    server_ = std::make_unique<ServerProcess>(
        ServerOptions{.program = kProgram,
                      .data = data_.path() + "/data",
                      .config_file = file,
                      .error_file = absl::StrCat(folder_.path(), "/errors-", ++starts_)});
    ASSERT_TRUE(server_->WaitUntilReady()) << server_->errors();
  }
  void Stop() {
    if (server_ == nullptr) return;
    server_->child().Send(SIGTERM);
    ASSERT_EQ(server_->child().WaitForExit(kLongest), 0);
    server_.reset();
  }

  RunResult Run(std::vector<std::string> words) {
    words.insert(words.begin(), kProgram);
    words.insert(words.end(), {"--server", server_->address()});
    return RunProgram(words);
  }
  v1::GetDirectoryReply Shown() {
    const RunResult shown = Run({"directory", "show", "--json"});
    EXPECT_EQ(shown.exit_code, 0) << shown.errors;
    v1::GetDirectoryReply reply;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(shown.output, &reply).ok());
    return reply;
  }
  // "id=folder" of each.
  std::vector<std::string> Recipients() {
    const v1::GetDirectoryReply shown = Shown();
    std::vector<std::string> recipients;
    for (const v1::Recipient& recipient : shown.directory().recipients()) {
      recipients.push_back(absl::StrCat(recipient.recipient_id(), "=", recipient.address()));
    }
    return recipients;
  }
  RunResult SetDesk(const std::string& id, const std::string& folder,
                    const std::string& person = "") {
    std::vector<std::string> words = {"directory", "set-recipient", "--id",      id,
                                      "--kind",    "supervisor",    "--channel", "folder",
                                      "--address", folder,          "--name",    "Example"};
    if (!person.empty()) words.insert(words.end(), {"--person", person});
    return Run(words);
  }

  DataFolder data_;
  TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  int starts_ = 0;
};

TEST_F(Configured, FollowsWhatChangesAndKeepsWhatPeopleSet) {
  Start({"kept", "moved", "gone"});
  EXPECT_THAT(Recipients(), ::testing::ElementsAre("kept=kept", "moved=moved", "gone=gone"));
  EXPECT_NE(PackInForce(Shown().directory(), "us-tx"), nullptr);
  ASSERT_EQ(SetDesk("kept", "mended").exit_code, 0);
  ASSERT_EQ(SetDesk("added", "added").exit_code, 0);
  const uint64_t before = Shown().sequence();
  Start({"kept", "moved", "gone"});
  EXPECT_EQ(Shown().sequence(), before) << "what is unchanged is no change";
  Start({"kept", "moved=elsewhere"});
  EXPECT_THAT(Recipients(),
              ::testing::UnorderedElementsAre("kept=mended", "moved=elsewhere", "added=added"));
  Start({"kept", "moved", "gone"});
  EXPECT_THAT(Recipients(), ::testing::UnorderedElementsAre("kept=mended", "moved=moved",
                                                            "gone=gone", "added=added"))
      << "a configuration that comes back to what it was";
}

TEST_F(Configured, StartsAlsoWhereSomethingNeedsWhatItNoLongerHas) {
  const std::string file = folder_.path() + "/directory.yaml";
  std::ofstream(file)
      << "rosters:\n  - id: team\n    seats: [{role: police, kind: law_enforcement, "
         "recipients: needed}]\n";
  Start({"needed", "gone"});
  const RunResult imported = Run({"directory", "import", file});
  ASSERT_EQ(imported.exit_code, 0) << imported.errors;
  Start({"new"});
  EXPECT_THAT(Recipients(),
              ::testing::UnorderedElementsAre("needed=needed", "gone=gone", "new=new"));
  EXPECT_THAT(server_->errors(),
              AllOf(HasSubstr("stay in the directory"), HasSubstr("roster team")));
}

TEST_F(Configured, SaysWhoIsOnCallAndRefusesAHole) {
  Start({"police"});
  ASSERT_EQ(SetDesk("ann", "ann", "worker-1").exit_code, 0);
  ASSERT_EQ(SetDesk("ben", "ben", "worker-2").exit_code, 0);
  const auto rota = [&](const char* hours) {
    const std::string file = folder_.path() + "/rota.yaml";
    std::ofstream(file) << "rotas:\n  - role: desk\n    time_zone: UTC\n    levels:\n"
                           "      - escalate_after_seconds: 60\n        shifts:\n"
                           "          - {people: [worker-1, worker-2], starts_on: 2026-01-05"
                        << hours << "}\n";
    return Run({"directory", "import", file});
  };
  const RunResult hole = rota(", from: \"08:00\", to: \"20:00\"");
  EXPECT_EQ(hole.exit_code, 4);
  EXPECT_THAT(hole.errors, HasSubstr("rota desk, level 1: nobody is on call on "));
  ASSERT_EQ(rota("").exit_code, 0);
  const RunResult first = Run({"oncall", "who", "--role", "desk", "--at", "2026-01-06T00:00:00Z"});
  EXPECT_THAT(first.output, AllOf(HasSubstr("worker-1"), Not(HasSubstr("worker-2"))));
  const RunResult stands_in =
      Run({"directory", "override", "--role", "desk", "--person", "worker-2", "--from",
           "2026-01-06T00:00:00Z", "--until", "2026-01-06T12:00:00Z", "--id", "o-1"});
  EXPECT_EQ(stands_in.exit_code, 0) << stands_in.errors;
  EXPECT_THAT(stands_in.output, HasSubstr("override o-1 is over already"));
  const RunResult second = Run({"oncall", "who", "--role", "desk", "--at", "2026-01-06T00:00:00Z"});
  EXPECT_THAT(second.output, AllOf(HasSubstr("worker-2"), Not(HasSubstr("worker-1"))));
  EXPECT_EQ(Run({"directory", "remove", "--override", "o-1"}).exit_code, 0);
  EXPECT_EQ(Run({"directory", "remove", "--recipient", "ann"}).exit_code, 4);
  EXPECT_EQ(Run({"oncall", "who", "--role", "night"}).exit_code, 4);
}

TEST_F(Configured, NobodyElseMayCallThemselvesTheConfiguration) {
  Start({"police"});
  const RunResult claimed =
      Run({"directory", "remove", "--recipient", "police", "--by", "configuration"});
  EXPECT_EQ(claimed.exit_code, 2);
  EXPECT_THAT(claimed.errors, HasSubstr("give your own worker id"));
  EXPECT_THAT(Recipients(), Contains("police=police"));
}

}  // namespace
}  // namespace porchlight::testing::configured_test
