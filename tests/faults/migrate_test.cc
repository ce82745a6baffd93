// A data folder of `porchlight serve` is moved into a cluster of real parts: killed in the middle
// and run again, it ends with the same log, and the services go on with what was pending.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/rpc/client.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "tests/support/cluster_processes.h"
#include "tests/support/far_ends.h"
#include "tests/support/http_receiver.h"
#include "tests/support/report_load.h"

namespace porchlight::testing::migrate_test {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLongest = absl::Seconds(90);
constexpr char kProgram[] = BINARY_DIR "/porchlight";
constexpr int kYouths = 16;
constexpr int kKillsMax = 30;

std::string Recipients(const HttpReceiver& receiver) {
  return absl::StrCat(
      "folder: {directory: outbox}\n"
      "recipients:\n"
      "  - {id: police, kind: law_enforcement, channel: webhook, name: Example Police,\n"
      "     secret_file: webhook.secret, address: \"",
      receiver.Url("/police"), "\"}\n");
}

class Migrate : public ::testing::Test {
 protected:
  Migrate() : cluster_({.config = Recipients(receiver_)}) {
    EXPECT_EQ(cluster_.status(), absl::OkStatus());
    WriteTextFile(cluster_.folder() + "/webhook.secret",
                  "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=\n");
    receiver_.Always("/police", {.status = 503});
  }

  ServerOptions Embedded(const std::string& data) const {
    return {.program = kProgram,
            .data = data,
            .config_file = cluster_.embedded_config_file(),
            .error_file = cluster_.folder() + "/embedded.log"};
  }

  std::vector<std::string> Command(const std::string& data) const {
    return {kProgram, "migrate", "--from", data, "--to", cluster_.config_file(), "--brokers", "1"};
  }
  RunResult Run(const std::string& data, const std::string& option = "",
                const std::string& value = "") const {
    std::vector<std::string> command = Command(data);
    const auto given = std::find(command.begin(), command.end(), option);
    if (given != command.end()) {
      *(given + 1) = value;
    } else if (!option.empty()) {
      command.insert(command.end(), {option, value});
    }
    return RunProgram(command);
  }

  // Reports youths, some of whom are back, and ends.
  void Fill(const std::string& data) {
    ASSERT_TRUE(cluster_.status().ok());
    ServerProcess server(Embedded(data));
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    std::vector<v1::ReportMissingRequest> reports;
    for (int i = 0; i < kYouths; ++i) reports.push_back(PlantedReport(absl::StrCat("youth-", i)));
    ASSERT_TRUE(ReportUntilAccepted(server.address(), reports).again.empty());
    const RunResult back =
        RunProgram({kProgram, "return", "youth-3_e1", "--server", server.address()});
    ASSERT_EQ(back.exit_code, 0) << back.errors;
    // Some were sent before, none was taken.
    ASSERT_TRUE(WaitUntil([&] { return !DeliveryIds().empty(); }, kLongest));
    EXPECT_TRUE(WaitUntil(
        [&] {
          const Lists earlier =
              std::exchange(before_, Shown(server.address(), server.address(), server.address()));
          return earlier == before_;
        },
        kLongest));
    const RunResult running = Run(data);
    EXPECT_EQ(running.exit_code, 4) << running.output;
    EXPECT_THAT(running.errors, HasSubstr("another porchlight is running on the data folder"));
    server.child().Send(SIGTERM);
    ASSERT_EQ(server.child().WaitForExit(kLongest), 0) << server.errors();
  }

  // Of all notices that are made.
  static std::set<std::string> NoticeIds(const std::string& address) {
    const auto stub = v1::Notification::NewStub(rpc::NewChannel(address));
    std::set<std::string> ids;
    for (int i = 0; i < kYouths; ++i) {
      grpc::ClientContext context;
      rpc::PrepareCall(context, kLongest);
      v1::ListNoticesRequest request;
      request.set_episode_id(absl::StrCat("youth-", i, "_e1"));
      v1::ListNoticesReply reply;
      EXPECT_TRUE(stub->ListNotices(&context, request, &reply).ok());
      for (const v1::Notice& notice : reply.notices()) ids.insert(notice.delivery_id());
    }
    ids.erase("");
    return ids;
  }
  // Of all that the receiver was ever sent.
  std::set<std::string> DeliveryIds() const {
    std::set<std::string> ids;
    for (const HttpReceiver::Request& request : receiver_.requests())
      ids.insert(request.headers.at("webhook-id"));
    return ids;
  }

  // Episodes and duties, as people are shown them.
  struct Lists {
    std::set<std::string> episodes;
    std::string duties;
    std::set<std::string> notice_ids;
    bool operator==(const Lists&) const = default;
  };
  static Lists Shown(const std::string& servers, const std::string& intake,
                     const std::string& notification) {
    Lists lists;
    for (const v1::Episode& episode : ListAllEpisodes(intake))
      lists.episodes.insert(episode.SerializeAsString());
    lists.notice_ids = NoticeIds(notification);
    const RunResult duties =
        RunProgram({kProgram, "duties", "--all", "--json", "--server", servers});
    EXPECT_EQ(duties.exit_code, 0) << duties.errors;
    lists.duties = duties.output;
    return lists;
  }

  // Killed once it has told so many lines; whether it ended by itself before.
  bool KillAfterLines(const std::string& data, size_t lines) {
    const std::string errors = absl::StrCat(cluster_.folder(), "/migrate-", lines);
    Child child({.command = Command(data), .error_file = errors});
    std::optional<int> exit;
    WaitUntil(
        [&] {
          exit = child.WaitForExit(absl::ZeroDuration());
          const std::string told = ReadFile(errors);
          return exit.has_value() ||
                 static_cast<size_t>(std::count(told.begin(), told.end(), '\n')) >= lines;
        },
        kLongest);
    child.Kill();
    EXPECT_EQ(exit.value_or(0), 0) << ReadFile(errors);
    return exit.has_value();
  }

  HttpReceiver receiver_;
  DataFolder data_;
  ClusterProcesses cluster_;
  Lists before_;
};

TEST_F(Migrate, KilledAgainAndAgainItEndsWithTheSameLogAndTheServicesGoOn) {
  const std::string data = data_.path() + "/data";
  ASSERT_NO_FATAL_FAILURE(Fill(data));
  WriteTextFile(data + "/blobs/photo-1", "sealed");

  size_t kills = 0;
  while (kills < kKillsMax && !KillAfterLines(data, kills + 1)) {
    ++kills;
    if (kills == 6) {
      // In the middle nobody may decide there.
      cluster_.Start("directory");
      EXPECT_TRUE(WaitUntil(
          [&] {
            return absl::StrContains(cluster_.errors("directory"),
                                     "is being moved into this cluster");
          },
          kLongest));
      cluster_.Kill("directory");
    }
  }
  EXPECT_GT(kills, 6u);
  const RunResult moved = Run(data);
  EXPECT_EQ(moved.exit_code, 0) << moved.errors;
  EXPECT_THAT(moved.output, HasSubstr("Its chains were read back and are whole"));
  const RunResult repeated = Run(data);
  EXPECT_EQ(repeated.exit_code, 0) << repeated.errors;
  EXPECT_THAT(repeated.output, HasSubstr("are in the cluster already"));
  EXPECT_EQ(ReadFile(cluster_.folder() + "/blobs/photo-1"), "sealed");
  ServerProcess again(Embedded(data));
  EXPECT_FALSE(again.WaitUntilReady());
  EXPECT_THAT(again.errors(), HasSubstr("was moved into a cluster"));

  const std::vector<std::string> services = {"directory", "intake", "notification",
                                             "screening", "mdt",    "oncall"};
  for (const std::string& service : services) cluster_.Start(service);
  for (const std::string& service : services)
    ASSERT_TRUE(cluster_.WaitUntilReady(service)) << cluster_.errors(service);
  const auto same = [&] {
    return Shown(cluster_.servers(), cluster_.address("intake"),
                 cluster_.address("notification")) == before_;
  };
  EXPECT_TRUE(WaitUntil(same, kLongest));
  receiver_.Always("/police", {});
  // All that was pending is sent, under the ids that it had, and nothing else is.
  EXPECT_GE(before_.notice_ids.size(), size_t{kYouths});
  EXPECT_TRUE(
      WaitUntil([&] { return DeliveryIds().size() >= before_.notice_ids.size(); }, kLongest));
  EXPECT_EQ(DeliveryIds(), before_.notice_ids);

  const std::string file = cluster_.folder() + "/youth.evidence";
  const RunResult exported = RunProgram(
      {kProgram, "evidence", "export", "youth-3_e1", file, "--server", cluster_.servers()});
  EXPECT_EQ(exported.exit_code, 0) << exported.errors;
  const RunResult verified = RunProgram({kProgram, "evidence", "verify", file});
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;

  const RunResult later = Run(data);
  EXPECT_EQ(later.exit_code, 0) << later.errors;
  EXPECT_THAT(later.output, HasSubstr("are in the cluster already"));
}

TEST_F(Migrate, WhatMustNotBeMovedIsRefusedAndSaysWhy) {
  const std::string data = data_.path() + "/data";
  ASSERT_NO_FATAL_FAILURE(Fill(data));
  const auto refused = [&](const RunResult& run, int exit_code, const std::string& text) {
    EXPECT_EQ(run.exit_code, exit_code) << run.output << run.errors;
    EXPECT_THAT(run.errors, HasSubstr(text));
  };
  refused(Run(data_.path() + "/nothing"), 4, "isn't there");
  refused(Run(data, "--to", cluster_.embedded_config_file()), 2, "has no section cluster");

  const std::string config = ReadFile(cluster_.config_file());
  const auto changed = [&](const std::string& from, const std::string& to) {
    const std::string file = cluster_.folder() + "/changed.yaml";
    WriteTextFile(file, absl::StrReplaceAll(config, {{from, to}}));
    return Run(data, "--to", file);
  };
  refused(changed("example-county", "other-county"), 4, "is agency \"example-county\"'s");
  ASSERT_EQ(
      RunProgram({kProgram, "config", "make-key", cluster_.folder() + "/other.key"}).exit_code, 0);
  refused(changed("master.key", "other.key"), 4, "takes over the folder's master key");
  const std::string topics = cluster_.folder() + "/topics.yaml";
  WriteTextFile(topics, absl::StrReplaceAll(
                            ReadFile(SOURCE_DIR "/deploy/topics.yaml"),
                            {{"intake.events, partitions: 16", "intake.events, partitions: 8"}}));
  refused(Run(data, "--topics", topics), 2, "to have 8 partitions, but the folder's has 16");

  // A record of the folder is changed where it is stored.
  const std::string damaged = data_.path() + "/damaged";
  std::filesystem::copy(data, damaged, std::filesystem::copy_options::recursive);
  std::string log = ReadFile(damaged + "/log.db");
  const size_t at = log.find("porchlight.v1.ReportMissingRequest");
  ASSERT_NE(at, std::string::npos);
  log[at + 20] = 'X';
  WriteTextFile(damaged + "/log.db", log);
  refused(Run(damaged), 1, "porchlight.intake.");

  cluster_.Start("directory");
  ASSERT_TRUE(cluster_.WaitUntilReady("directory")) << cluster_.errors("directory");
  refused(Run(data), 4, "the cluster isn't empty and isn't a copy of the folder");
}

}  // namespace
}  // namespace porchlight::testing::migrate_test
