// Services in processes of their own, on a real Kafka broker and a real Redis: what one instance
// accepted another may decide, and no kill loses anything. Time is the real one, so nothing is
// asserted of how long anything takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/hash.h"
#include "common/base/limits.h"
#include "common/keys/kafka_keys.h"
#include "common/keys/master_key.h"
#include "common/log/kafka_log.h"
#include "common/rpc/client.h"
#include "common/store/redis_store.h"
#include "tests/support/cluster_processes.h"
#include "tests/support/report_load.h"
#include "tests/support/store_digest.h"

namespace porchlight::testing::cluster_test {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLongest = absl::Seconds(90);
constexpr char kProgram[] = BINARY_DIR "/porchlight";

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() { EXPECT_EQ(cluster_.status(), absl::OkStatus()); }

  void StartAll(const std::vector<std::string>& names) {
    ASSERT_TRUE(cluster_.status().ok());
    for (const std::string& name : names) cluster_.Start(name);
    for (const std::string& name : names)
      ASSERT_TRUE(cluster_.WaitUntilReady(name)) << name << ": " << cluster_.errors(name);
  }

  static std::vector<v1::ReportMissingRequest> Reports(const std::string& what, int count) {
    std::vector<v1::ReportMissingRequest> reports;
    for (int i = 0; i < count; ++i)
      reports.push_back(PlantedReport(absl::StrCat("youth-", what, "-", i)));
    return reports;
  }

  // Delivery ids of police's notices, by the youth whom they name.
  std::map<std::string, std::set<std::string>> Told() const {
    std::map<std::string, std::set<std::string>> told;
    if (!std::filesystem::exists(cluster_.outbox() + "/police")) return told;
    for (const auto& [name, text] : AllFiles(cluster_.outbox() + "/police")) {
      if (!absl::EndsWith(name, ".json")) continue;
      const auto value = [&text](const std::string& key) {
        const std::string begins = absl::StrCat("\"", key, "\":\"");
        const size_t at = text.find(begins);
        if (at == std::string::npos) return std::string();
        const size_t begin = at + begins.size();
        return text.substr(begin, text.find('"', begin) - begin);
      };
      told[value("youthId")].insert(value("deliveryId"));
    }
    return told;
  }

  bool EachIsToldOnce(const std::vector<v1::ReportMissingRequest>& reports) const {
    const auto told = Told();
    for (const v1::ReportMissingRequest& report : reports) {
      const auto found = told.find(report.youth_id());
      if (found == told.end() || found->second.size() != 1) return false;
    }
    return true;
  }

  // Of a service's store on Redis, read by this test.
  std::string Digest(const std::string& service) {
    const absl::StatusOr<Key> master = ReadMasterKey(cluster_.folder() + "/master.key");
    const auto keys = KafkaKeys::Open({.client = cluster_.broker().Client()}, *master);
    EXPECT_TRUE(keys.ok()) << keys.status();
    RedisServer server;
    server.host = "127.0.0.1";
    server.port = cluster_.redis().port();
    RedisStore store({.server = server, .service = service, .restarted = {}}, clock_);
    const absl::StatusOr<std::string> digest = StoreDigest(store, **keys, kPartitions);
    return digest.ok() ? *digest : digest.status().ToString();
  }

  // Once it doesn't change any more.
  std::string SettledDigest(const std::string& service) {
    constexpr int kTimesTheSame = 20;
    std::string digest;
    int same = 0;
    EXPECT_TRUE(WaitUntil(
        [&] {
          const std::string earlier = std::exchange(digest, Digest(service));
          same = digest == earlier ? same + 1 : 0;
          return same == kTimesTheSame;
        },
        kLongest));
    return digest;
  }

  // What was not accepted is sent again to `name`, with the same request id.
  void AcceptAll(const std::string& name, ReportLoad& load) {
    const ReportLoad::Outcome first = load.Finish();
    if (first.again.empty()) return;
    const ReportLoad::Outcome rest = ReportUntilAccepted(cluster_.address(name), first.again);
    EXPECT_TRUE(rest.again.empty()) << rest.again.size() << " are never accepted";
  }

  const SystemClock clock_;
  ClusterProcesses cluster_;
};

TEST_F(ClusterTest, TwoInstancesShareThePartitionsAndEitherAnswersForBoth) {
  StartAll({"directory", "intake", "intake-2", "notification", "notification-2"});
  const auto first = Reports("first", 40);
  const auto second = Reports("second", 40);
  // Answered with what was decided, whichever of the two decided it.
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake"), first).again.empty());
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake-2"), second).again.empty());
  EXPECT_EQ(ListAllEpisodes(cluster_.address("intake")).size(), 80u);
  EXPECT_EQ(ListAllEpisodes(cluster_.address("intake-2")).size(), 80u);
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(first) && EachIsToldOnce(second); }, kLongest));
  // The same request at the other instance is the same report.
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake-2"), first).again.empty());
  EXPECT_EQ(ListAllEpisodes(cluster_.address("intake")).size(), 80u);
  EXPECT_EQ(cluster_.Stop("intake-2"), 0) << cluster_.errors("intake-2");
}

TEST_F(ClusterTest, KillsOfServicesAndOfRedisLoseNothing) {
  StartAll({"directory", "intake", "intake-2", "notification", "notification-2"});
  std::vector<v1::ReportMissingRequest> all;
  for (const std::string victim : {"intake-2", "notification", "notification-2"}) {
    const auto reports = Reports(victim, 60);
    all.insert(all.end(), reports.begin(), reports.end());
    ReportLoad load(cluster_.address("intake"), reports, 4);
    EXPECT_TRUE(load.WaitForAccepted(20));
    cluster_.Kill(victim);
    AcceptAll("intake", load);
    cluster_.Start(victim);
    EXPECT_TRUE(cluster_.WaitUntilReady(victim)) << cluster_.errors(victim);
  }
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(all); }, kLongest)) << Told().size();

  // While Redis is away, reports are accepted, decided and told; it comes back empty.
  cluster_.redis().Send(SIGKILL);
  const auto meanwhile = Reports("meanwhile", 20);
  ReportLoad load(cluster_.address("intake"), meanwhile, 4, absl::Seconds(5));
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(meanwhile); }, kLongest)) << Told().size();
  load.Finish();
  cluster_.redis().Start();
  cluster_.redis().Command({"FLUSHALL"});
  AcceptAll("intake", load);
  all.insert(all.end(), meanwhile.begin(), meanwhile.end());
  EXPECT_TRUE(WaitUntil(
      [&] { return ListAllEpisodes(cluster_.address("intake")).size() == all.size(); }, kLongest));
  EXPECT_TRUE(EachIsToldOnce(all));
}

TEST_F(ClusterTest, AServiceThatStoodStillDoesNotDecideOnWhatWasDecidedMeanwhile) {
  StartAll({"directory", "intake", "intake-2", "notification"});
  cluster_.Send("intake-2", SIGSTOP);
  const auto reports = Reports("stopped", 60);
  ReportLoad load(cluster_.address("intake"), reports, 4, absl::Seconds(5));
  AcceptAll("intake", load);
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(reports); }, kLongest)) << Told().size();
  cluster_.Send("intake-2", SIGCONT);
  const auto later = Reports("later", 40);
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake-2"), later).again.empty());
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(later); }, kLongest)) << Told().size();
  EXPECT_TRUE(EachIsToldOnce(reports));
}

TEST_F(ClusterTest, SaysPlainlyWhatIsMissingAndGoesOnOnceItIsThere) {
  ASSERT_TRUE(cluster_.status().ok());
  cluster_.broker().Kill();
  cluster_.Start("directory");
  EXPECT_TRUE(
      WaitUntil([&] { return absl::StrContains(cluster_.errors("directory"), "not started yet"); },
                kLongest));
  ASSERT_EQ(cluster_.broker().Restart(), absl::OkStatus());
  EXPECT_TRUE(cluster_.WaitUntilReady("directory")) << cluster_.errors("directory");
}

TEST_F(ClusterTest, ATopicThatIsMissingIsNamedUntilItIsThere) {
  ASSERT_TRUE(cluster_.status().ok());
  const kafka::TopicSpec topic = TestTopic(CommandsTopic("directory"), 1);
  const kafka::ClientOptions client = cluster_.broker().Client();
  ASSERT_EQ(DeleteTopic(client, topic.name), absl::OkStatus());
  // The broker hears of it a moment after the controller.
  ASSERT_TRUE(WaitUntil(
      [&] {
        return absl::StrContains(kafka::CheckTopics(client, {topic}).message(), "is missing");
      },
      kLongest));
  cluster_.Start("directory");
  EXPECT_TRUE(WaitUntil(
      [&] {
        return absl::StrContains(cluster_.errors("directory"),
                                 "topic porchlight.directory.commands is missing: create it");
      },
      kLongest))
      << cluster_.errors("directory");
  const RunResult created = RunProgram(
      {kProgram, "topics", "create", "--config", cluster_.config_file(), "--brokers", "1"});
  EXPECT_EQ(created.exit_code, 0) << created.errors;
  EXPECT_TRUE(cluster_.WaitUntilReady("directory")) << cluster_.errors("directory");
  // What only weakens a promise is said, and nothing waits for it.
  EXPECT_THAT(cluster_.errors("directory"),
              HasSubstr("there are 1 copies of each record, but must be 3"));
}

TEST_F(ClusterTest, WhatIsWrongWithRedisIsSaidAndDecisionsGoOn) {
  StartAll({"directory", "intake", "notification"});
  const std::vector<std::vector<std::string>> wrong = {
      {"read-only replica", "REPLICAOF", "127.0.0.1", "1"},
      {"out of memory", "CONFIG", "SET", "maxmemory", "1"}};
  const std::vector<std::vector<std::string>> mended = {{"REPLICAOF", "NO", "ONE"},
                                                        {"CONFIG", "SET", "maxmemory", "0"}};
  std::vector<v1::ReportMissingRequest> all;
  for (size_t i = 0; i < wrong.size(); ++i) {
    cluster_.redis().Command({wrong[i].begin() + 1, wrong[i].end()});
    const auto reports = Reports(absl::StrCat("wrong-", i), 10);
    all.insert(all.end(), reports.begin(), reports.end());
    ReportLoad load(cluster_.address("intake"), reports, 4, absl::Seconds(5));
    EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(reports); }, kLongest)) << Told().size();
    EXPECT_TRUE(WaitUntil(
        [&] { return absl::StrContains(cluster_.errors("intake"), wrong[i].front()); }, kLongest));
    cluster_.redis().Command(mended[i]);
    AcceptAll("intake", load);
    EXPECT_TRUE(
        WaitUntil([&] { return ListAllEpisodes(cluster_.address("intake")).size() == all.size(); },
                  kLongest));
  }
}

TEST_F(ClusterTest, AStoreThatIsWipedOrRebuiltIsTheSameAfterwards) {
  StartAll({"directory", "intake", "intake-2", "notification"});
  const auto reports = Reports("kept", 60);
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake"), reports).again.empty());
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(reports); }, kLongest)) << Told().size();
  std::map<std::string, std::string> before;
  for (const std::string service : {"intake", "notification"})
    before[service] = SettledDigest(service);
  cluster_.redis().Command({"FLUSHALL"});
  for (const auto& [service, digest] : before)
    EXPECT_TRUE(WaitUntil([&] { return Digest(service) == digest; }, kLongest)) << service;
  // Each partition is made again by whoever decides it; any instance may be asked.
  for (const auto& [service, digest] : before) {
    const std::string asked = service == "intake" ? "intake-2" : service;
    const RunResult rebuilt =
        RunProgram({kProgram, "rebuild", service, "--server", cluster_.address(asked)});
    EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.errors;
    EXPECT_THAT(rebuilt.output, HasSubstr("was made again from"));
    EXPECT_EQ(Digest(service), digest) << service;
  }
}

// As after ninety days without any: all that was decided is gone, and so is one that was never.
TEST_F(ClusterTest, CommandsThatRetentionRemovedHoldNothingUpAndOneNeverDecidedIsSaid) {
  StartAll({"directory", "intake", "notification"});
  const auto first = Reports("first", 40);
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake"), first).again.empty());
  EXPECT_EQ(cluster_.Stop("intake"), 0);
  const kafka::ClientOptions client = cluster_.broker().Client();
  const auto log = KafkaLog::Open({.client = client});
  ASSERT_TRUE(log.ok()) << log.status();
  const TopicPartition undecided{CommandsTopic("intake"),
                                 PartitionOf("youth-first-0", kPartitions)};
  const auto again = (*log)->Read(undecided, 0, {.records_max = 1});
  ASSERT_TRUE(again.ok() && again->size() == 1u) << again.status();
  const auto appended =
      (*log)->Append({{.where = undecided, .records = *again, .expected_end = std::nullopt}});
  ASSERT_EQ(appended.front().outcome, AppendOutcome::kAccepted);
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    const TopicPartition where{CommandsTopic("intake"), partition};
    const absl::StatusOr<int64_t> end = (*log)->End(where);
    ASSERT_TRUE(end.ok()) << end.status();
    ASSERT_EQ(RemoveRecordsBefore(client, where, *end), absl::OkStatus());
  }
  cluster_.Start("intake");
  ASSERT_TRUE(cluster_.WaitUntilReady("intake")) << cluster_.errors("intake");
  const auto second = Reports("second", 40);
  EXPECT_TRUE(ReportUntilAccepted(cluster_.address("intake"), second).again.empty());
  EXPECT_TRUE(WaitUntil([&] { return EachIsToldOnce(first) && EachIsToldOnce(second); }, kLongest));
  EXPECT_EQ(ListAllEpisodes(cluster_.address("intake")).size(), 80u);
  // Of the one partition, and of no other.
  const std::vector<std::string> said =
      absl::StrSplit(cluster_.errors("intake"), "commands were removed by their topic's retention");
  EXPECT_EQ(said.size(), 2u) << cluster_.errors("intake");

  const std::string file = cluster_.folder() + "/evidence";
  const RunResult exported = RunProgram({kProgram, "evidence", "export", "youth-first-1_e1", file,
                                         "--server", cluster_.address("intake")});
  EXPECT_EQ(exported.exit_code, 0) << exported.errors;
  const RunResult verified = RunProgram({kProgram, "evidence", "verify", file});
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;
  EXPECT_THAT(verified.output, HasSubstr("no longer kept"));
}

TEST_F(ClusterTest, TheCommandLineFindsEachService) {
  StartAll({"directory", "intake", "notification"});
  const RunResult reported = RunProgram({kProgram, "report", "--youth", "y-1", "--last-seen-place",
                                         "the bus stop", "--server", cluster_.servers(), "--json"});
  EXPECT_EQ(reported.exit_code, 0) << reported.errors;
  const RunResult missing =
      RunProgram({kProgram, "duties", "--server", cluster_.servers(), "--json"});
  EXPECT_EQ(missing.exit_code, 3) << missing.output;
  EXPECT_THAT(missing.errors, HasSubstr("names no address of the service"));
}

}  // namespace
}  // namespace porchlight::testing::cluster_test
