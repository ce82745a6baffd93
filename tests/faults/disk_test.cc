// A disk that runs full: reports are refused in clear words until there is room, the server stays,
// and nothing is half done.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/client.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::disk_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A file system of its own, seen by this thread and its children only, so that it goes away with
// them.
class SmallDisk {
 public:
  bool Mount(const std::string& options) {
    mounted_ = unshare(CLONE_NEWNS) == 0 &&
               mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    return mounted_;
  }
  bool Resize(const std::string& options) {
    return mount("tmpfs", folder_.path().c_str(), "tmpfs", MS_REMOUNT, options.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) umount2(folder_.path().c_str(), MNT_DETACH);
  }
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  bool mounted_ = false;
};

TEST(FullDisk, ReportsAreRefusedInClearWordsAndAcceptedOnceThereIsRoom) {
  SmallDisk disk;
  if (!disk.Mount("size=12m")) GTEST_SKIP() << "this user may not mount: " << strerror(errno);
  DataFolder outbox;
  TemporaryFolder folder;
  FarEnds far(SOURCE_DIR, outbox.path() + "/outbox");
  ServerProcess server({.program = BINARY_DIR "/porchlight",
                        .data = disk.path() + "/data",
                        .config_file = far.config_file(),
                        .error_file = folder.path() + "/errors"});
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  std::vector<v1::ReportMissingRequest> reports;
  for (int i = 0; i < 1000; ++i) reports.push_back(PlantedReport(absl::StrCat("youth-", i)));
  ReportLoad load(server.address(), reports, 16, absl::Seconds(5));
  ReportLoad::Outcome full = load.Finish();
  const size_t accepted = full.accepted.size();
  std::cout << "accepted before the disk was full: " << accepted << ", refused "
            << full.again.size() << "\n";
  ASSERT_GT(accepted, 0u);
  ASSERT_GT(full.again.size(), 0u);
  // Whoever got an answer was told that the report was not accepted. None may come in time: the
  // command was the last that found room, and its decision found none.
  for (const std::string& refusal : full.refusals) {
    EXPECT_THAT(refusal, ::testing::AnyOf(HasSubstr("not accepted"), HasSubstr("Deadline")));
  }

  // The last one again: the server is still there, and still says why.
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(server.address()));
  grpc::ClientContext context;
  rpc::PrepareCall(context, absl::Seconds(20));
  v1::ReportMissingReply reply;
  const grpc::Status refused = stub->ReportMissing(&context, full.again[0], &reply);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(refused.error_message(),
              AllOf(HasSubstr("not accepted"), HasSubstr("disk is full"), HasSubstr("Free space"),
                    HasSubstr(absl::StrCat("request id ", full.again[0].request_id()))));
  EXPECT_EQ(server.child().WaitForExit(absl::ZeroDuration()), std::nullopt);

  ASSERT_TRUE(disk.Resize("size=512m"));
  EXPECT_TRUE(ReportUntilAccepted(server.address(), full.again).again.empty());
  const auto all_told = [&] {
    return far.Files().size() == reports.size() && far.Webhooks().size() == reports.size() &&
           far.Mails().size() == reports.size();
  };
  EXPECT_TRUE(WaitUntil(all_told, absl::Minutes(2)))
      << far.Files().size() << " " << far.Webhooks().size() << " " << far.Mails().size();
  const std::vector<v1::Episode> episodes = ListAllEpisodes(server.address());
  EXPECT_EQ(episodes.size(), reports.size());
  for (const v1::Episode& episode : episodes) EXPECT_EQ(episode.report_ids_size(), 1);
  server.child().Send(SIGTERM);
  EXPECT_EQ(server.child().WaitForExit(absl::Seconds(30)), 0);
  const RunResult verified =
      RunProgram({BINARY_DIR "/porchlight", "evidence", "verify", "--data", disk.path() + "/data"});
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;
  EXPECT_THAT(verified.output, HasSubstr(absl::StrCat(reports.size() + 1, " commands decided, 0")));
  EXPECT_FALSE(absl::StrContains(server.errors(), kPlanted));
}

}  // namespace
}  // namespace porchlight::testing::disk_test
