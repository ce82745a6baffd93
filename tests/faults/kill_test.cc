// The real server is killed again and again, at any moment, while reports come in and notices go
// out. Whatever was accepted must be there in the end, once, and told to everybody.
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/rpc/client.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::kill_test {
namespace {

constexpr char kProgram[] = BINARY_DIR "/porchlight";
constexpr int kRounds = 20;
constexpr size_t kReportsPerRound = 500;
constexpr uint32_t kSeed = 20261122;

struct Counts {
  int kills = 0;
  int kills_while_starting = 0;
  int stores_deleted = 0;
  size_t accepted = 0;
  int repeated_unknown = 0;
  size_t lost = 0;
  size_t deliveries = 0;
  size_t repeated_deliveries = 0;
};

class Killed : public ::testing::Test {
 protected:
  ServerOptions Options() const {
    return {.program = kProgram,
            .data = data_.path(),
            .config_file = far_.config_file(),
            .error_file = folder_.path() + "/errors"};
  }

  // The receiver of webhooks is well, says 500 now and then, holds everything, or hangs up.
  void SetMood(int round) {
    using Fault = HttpReceiver::Fault;
    far_.http().Release();
    far_.http().Always("/police", {});
    if (round % 4 == 2) {
      far_.http().HoldAgain();
      far_.http().Always("/police", {.fault = Fault::kHold});
    }
    for (int i = 0; i < 100 && round % 4 == 1; ++i) {
      far_.http().Next("/police", {.status = 500});
      far_.http().Next("/police", {});
      far_.http().Next("/police", {});
    }
    for (int i = 0; i < 50 && round % 4 == 3; ++i) {
      far_.http().Next("/police", {.fault = Fault::kHangUpUnanswered});
      for (int fine = 0; fine < 4; ++fine) far_.http().Next("/police", {});
    }
  }

  void Count(const ReportLoad::Outcome& outcome) {
    counts_.accepted += outcome.accepted.size();
    counts_.repeated_unknown += outcome.unknown;
    for (const v1::ReportMissingRequest& report : outcome.accepted)
      accepted_.insert({report.youth_id(), report});
  }

  void DeleteStores() {
    ++counts_.stores_deleted;
    for (const char* service : {"intake", "notification"}) {
      for (const char* part : {"", "-wal", "-shm"}) {
        std::filesystem::remove(absl::StrCat(data_.path(), "/", service, ".store.db", part));
      }
    }
  }

  void Round(int round);
  void CheckEpisodes(const std::string& address);
  void CheckNotices(ServerProcess& server);
  void CheckArrivals(const std::string& recipient, const Arrivals& arrivals);
  void CheckNoPersonalData();
  void PrintCounts() const;

  std::mt19937 random_{kSeed};
  DataFolder data_;
  DataFolder outbox_;
  TemporaryFolder folder_;
  FarEnds far_{SOURCE_DIR, outbox_.path() + "/outbox"};
  Counts counts_;
  std::map<std::string, v1::ReportMissingRequest> accepted_;  // by youth id
  // Recipient -> delivery id -> youth id, as the server says.
  std::map<std::string, std::map<std::string, std::string>> known_;
};

void Killed::Round(int round) {
  SetMood(round);
  std::vector<v1::ReportMissingRequest> reports;
  for (size_t i = 0; i < kReportsPerRound; ++i)
    reports.push_back(PlantedReport(absl::StrCat("youth-", round, "-", i)));
  {
    ServerProcess server(Options());
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    ReportLoad load(server.address(), reports);
    ASSERT_TRUE(load.WaitForAccepted(1 + random_() % (kReportsPerRound - 1)));
    server.child().Kill();
    ++counts_.kills;
    ReportLoad::Outcome outcome = load.Finish();
    Count(outcome);
    reports = std::move(outcome.again);
  }
  if (round % 3 == 1) DeleteStores();
  if (round % 3 == 2) {
    ServerProcess server(Options());
    EXPECT_EQ(server.child().WaitForExit(absl::Milliseconds(50 + random_() % 451)), std::nullopt);
    server.child().Kill();
    ++counts_.kills_while_starting;
  }
  ServerProcess server(Options());
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  const ReportLoad::Outcome outcome = ReportUntilAccepted(server.address(), std::move(reports));
  EXPECT_TRUE(outcome.again.empty());
  Count(outcome);
  // Killed once more, with notices on their way.
  server.child().Kill();
  ++counts_.kills;
}

// Each accepted report is in one episode, once, word for word.
void Killed::CheckEpisodes(const std::string& address) {
  std::map<std::string, v1::Episode> episodes;
  for (const v1::Episode& episode : ListAllEpisodes(address)) {
    EXPECT_TRUE(episodes.insert({episode.youth_id(), episode}).second) << "two episodes";
  }
  EXPECT_EQ(episodes.size(), accepted_.size());
  for (const auto& [youth_id, report] : accepted_) {
    const auto found = episodes.find(youth_id);
    if (found == episodes.end()) {
      ++counts_.lost;
      continue;
    }
    const v1::Episode& episode = found->second;
    EXPECT_EQ(episode.youth().SerializeAsString(), report.youth().SerializeAsString());
    EXPECT_EQ(episode.circumstances(), report.circumstances());
    EXPECT_EQ(episode.report_ids_size(), 1) << "a repetition counted as a second report";
  }
  EXPECT_EQ(counts_.lost, 0u);
}

// Waits until everybody was told of every episode.
void Killed::CheckNotices(ServerProcess& server) {
  const auto stub = v1::Notification::NewStub(rpc::NewChannel(server.address()));
  for (const auto& [youth_id, report] : accepted_) {
    v1::ListNoticesReply reply;
    const auto all_told = [&, youth = youth_id] {
      if (server.child().WaitForExit(absl::ZeroDuration()).has_value()) return true;
      v1::ListNoticesRequest request;
      request.set_episode_id(youth + "_e1");
      grpc::ClientContext context;
      rpc::PrepareCall(context, absl::Seconds(20));
      reply.Clear();
      if (!stub->ListNotices(&context, request, &reply).ok()) return false;
      int told = 0;
      for (const v1::Notice& notice : reply.notices())
        told += notice.state() == v1::DELIVERY_STATE_DELIVERED;
      return told == 3;
    };
    ASSERT_TRUE(WaitUntil(all_told, absl::Minutes(3))) << reply.DebugString();
    ASSERT_EQ(server.child().WaitForExit(absl::ZeroDuration()), std::nullopt)
        << "the server ended, and not by this test";
    ASSERT_EQ(reply.notices_size(), 3);
    for (const v1::Notice& notice : reply.notices())
      known_[notice.recipient_id()][notice.delivery_id()] = youth_id;
  }
}

// Every notice arrived with the right content; a repetition is the same in every byte; and nothing
// arrived that the server doesn't know.
void Killed::CheckArrivals(const std::string& recipient, const Arrivals& arrivals) {
  SCOPED_TRACE(recipient);
  const std::map<std::string, std::string>& known = known_[recipient];
  EXPECT_EQ(known.size(), accepted_.size());
  for (const auto& [delivery_id, youth_id] : known) {
    const auto found = arrivals.find(delivery_id);
    ASSERT_NE(found, arrivals.end()) << delivery_id << " never arrived";
    v1::NoticePacket packet;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(found->second[0], &packet).ok());
    const v1::ReportMissingRequest& report = accepted_.at(youth_id);
    EXPECT_EQ(packet.delivery_id(), delivery_id);
    EXPECT_EQ(packet.episode().youth_id(), youth_id);
    EXPECT_EQ(packet.episode().youth().SerializeAsString(), report.youth().SerializeAsString());
    EXPECT_EQ(packet.episode().circumstances(), report.circumstances());
  }
  for (const auto& [delivery_id, bodies] : arrivals) {
    EXPECT_TRUE(known.contains(delivery_id)) << delivery_id << " isn't known to the server";
    counts_.deliveries += bodies.size();
    counts_.repeated_deliveries += bodies.size() - 1;
    for (const std::string& body : bodies) EXPECT_EQ(body, bodies[0]) << delivery_id;
  }
}

void Killed::CheckNoPersonalData() {
  for (const auto& [name, content] : AllFiles(data_.path())) {
    EXPECT_FALSE(absl::StrContains(content, kPlanted)) << "in clear in " << name;
  }
  EXPECT_FALSE(absl::StrContains(ReadFile(Options().error_file), kPlanted)) << "logged in clear";
}

void Killed::PrintCounts() const {
  const std::pair<const char*, size_t> rows[] = {
      {"rounds", kRounds},
      {"kill -9", static_cast<size_t>(counts_.kills)},
      {"kill -9 of a start", static_cast<size_t>(counts_.kills_while_starting)},
      {"stores deleted", static_cast<size_t>(counts_.stores_deleted)},
      {"reports accepted", counts_.accepted},
      {"unknown, repeated", static_cast<size_t>(counts_.repeated_unknown)},
      {"reports lost", counts_.lost},
      {"arrivals", counts_.deliveries},
      {"of these repetitions", counts_.repeated_deliveries},
  };
  std::cout << absl::StreamFormat("seed %d\n", kSeed);
  for (const auto& [name, count] : rows)
    std::cout << absl::StreamFormat("%-24s %8d\n", name, count);
}

TEST_F(Killed, NothingAcceptedIsLostAndEverybodyIsTold) {
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_NO_FATAL_FAILURE(Round(round));
  }
  SetMood(0);
  ServerProcess server(Options());
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  EXPECT_EQ(accepted_.size(), kRounds * kReportsPerRound);
  ASSERT_NO_FATAL_FAILURE(CheckNotices(server));
  CheckEpisodes(server.address());
  const std::vector<std::string> verify = {kProgram, "evidence", "verify", "--data", data_.path()};
  const RunResult running = RunProgram(verify);
  EXPECT_EQ(running.exit_code, 0) << running.errors;
  server.child().Send(SIGTERM);
  EXPECT_EQ(server.child().WaitForExit(absl::Seconds(20)), 0);
  const RunResult stopped = RunProgram(verify);
  EXPECT_EQ(stopped.exit_code, 0) << stopped.errors;
  // Pages went on meanwhile; every command was decided before.
  EXPECT_THAT(stopped.output, ::testing::HasSubstr(" 0 waiting to be decided"));
  CheckArrivals("police", far_.Webhooks());
  CheckArrivals("sheriff", far_.Mails());
  CheckArrivals("state-police", far_.Files());
  CheckNoPersonalData();
  PrintCounts();
}

}  // namespace
}  // namespace porchlight::testing::kill_test
