// The server is told to stop in the middle of everything: it ends by itself, soon, and what it said
// yes to is there after the next start.
#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::stop_test {
namespace {

constexpr size_t kReports = 2000;

TEST(Stop, UnderLoadAndWithAHangingRecipientItEndsAndLosesNothing) {
  DataFolder data;
  DataFolder outbox;
  TemporaryFolder folder;
  FarEnds far(SOURCE_DIR, outbox.path() + "/outbox");
  const ServerOptions options{.program = BINARY_DIR "/porchlight",
                              .data = data.path(),
                              .config_file = far.config_file(),
                              .error_file = folder.path() + "/errors"};
  far.http().Always("/police", {.fault = HttpReceiver::Fault::kHold});
  std::vector<v1::ReportMissingRequest> reports;
  for (size_t i = 0; i < kReports; ++i) reports.push_back(PlantedReport(absl::StrCat("youth-", i)));
  ReportLoad::Outcome outcome;
  {
    ServerProcess server(options);
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    ReportLoad load(server.address(), reports);
    ASSERT_TRUE(load.WaitForAccepted(200));
    server.child().Send(SIGTERM);
    // Five seconds of grace for calls, and as long again for a machine that is busy.
    EXPECT_EQ(server.child().WaitForExit(absl::Seconds(15)), 0) << server.errors();
    outcome = load.Finish();
  }
  std::cout << "accepted " << outcome.accepted.size() << ", cut off " << outcome.unknown << "\n";
  EXPECT_GE(outcome.accepted.size(), 200u);
  EXPECT_LT(outcome.accepted.size(), kReports) << "it was not in the middle of the load";

  far.http().Release();
  ServerProcess server(options);
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  std::set<std::string> kept;
  for (const v1::Episode& episode : ListAllEpisodes(server.address())) {
    EXPECT_TRUE(kept.insert(episode.youth_id()).second);
    EXPECT_EQ(episode.report_ids_size(), 1);
  }
  for (const v1::ReportMissingRequest& report : outcome.accepted)
    EXPECT_TRUE(kept.contains(report.youth_id())) << report.youth_id() << " was lost";
  const auto all_told = [&] {
    return far.Webhooks().size() == kept.size() && far.Mails().size() == kept.size() &&
           far.Files().size() == kept.size();
  };
  EXPECT_TRUE(WaitUntil(all_told, absl::Minutes(1)));
  server.child().Send(SIGTERM);
  EXPECT_EQ(server.child().WaitForExit(absl::Seconds(15)), 0);
  const RunResult verified =
      RunProgram({options.program, "evidence", "verify", "--data", data.path()});
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;
  for (const auto& [name, content] : AllFiles(data.path()))
    EXPECT_FALSE(absl::StrContains(content, kPlanted)) << "in clear in " << name;
  EXPECT_FALSE(absl::StrContains(server.errors(), kPlanted)) << "logged in clear";
}

}  // namespace
}  // namespace porchlight::testing::stop_test
