// The log's contract, for every adapter: what common/log/log.h and common/log/chain.h promise.

#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/log/faulty_log.h"
#include "common/log/kafka_log.h"
#include "common/log/memory_log.h"
#include "common/log/sqlite_log.h"
#include "gmock/gmock.h"
#include "tests/contract/log_testing.h"
#include "tests/support/kafka_broker.h"

namespace porchlight::log_contract_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

enum class Engine { kMemory, kSqlite, kKafka };

struct Adapter {
  std::string name;
  Engine engine;
  LostRaces lost_races = LostRaces::kNotWritten;
};

std::ostream& operator<<(std::ostream& out, const Adapter& adapter) { return out << adapter.name; }

class LogContract : public ::testing::TestWithParam<Adapter> {
 protected:
  void SetUp() override { Open(); }

  void Open() {
    switch (GetParam().engine) {
      case Engine::kMemory:
        log_ = std::make_unique<MemoryLog>(GetParam().lost_races);
        return;
      case Engine::kSqlite:
        return OpenSqlite();
      case Engine::kKafka:
        return OpenKafka();
    }
  }

  void OpenSqlite() {
    absl::StatusOr<std::unique_ptr<SqliteLog>> opened = SqliteLog::Open(directory_.File("log"));
    ASSERT_TRUE(opened.ok()) << opened.status();
    log_ = *std::move(opened);
  }

  void OpenKafka() {
    testing::KafkaBroker& broker = testing::KafkaBroker::Shared();
    ASSERT_TRUE(broker.status().ok()) << broker.status();
    absl::StatusOr<std::unique_ptr<KafkaLog>> opened = KafkaLog::Open({.client = broker.Client()});
    ASSERT_TRUE(opened.ok()) << opened.status();
    log_ = std::make_unique<testing::FreshTopicsLog>(*std::move(opened), broker.Client(),
                                                     testing::FreshPrefix());
  }

  MemoryLog& memory() { return static_cast<MemoryLog&>(*log_); }

  // What no log does by itself.
  void ChangeFile(const std::string& sql) {
    log_.reset();
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(directory_.File("log").c_str(), &connection), SQLITE_OK);
    char* error = nullptr;
    ASSERT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(connection);
    Open();
  }

  // As if the topics were lost, and made anew from a copy.
  void RestoreKafka(std::vector<std::string> records) {
    Open();
    ASSERT_EQ(AppendTo(*log_, events_, std::move(records)).outcome, AppendOutcome::kAccepted);
  }

  const TopicPartition events_{EventsTopic("intake"), 3};
  const TopicPartition commands_{CommandsTopic("intake"), 3};
  TempDirectory directory_;
  std::unique_ptr<Log> log_;
};

INSTANTIATE_TEST_SUITE_P(
    Adapters, LogContract,
    ::testing::Values(Adapter{"MemoryLikeSqlite", Engine::kMemory, LostRaces::kNotWritten},
                      Adapter{"MemoryLikeKafka", Engine::kMemory, LostRaces::kWritten},
                      Adapter{"Sqlite", Engine::kSqlite}, Adapter{"Kafka", Engine::kKafka}),
    [](const auto& adapter) { return adapter.param.name; });

TEST_P(LogContract, APartitionNeverWrittenToIsEmpty) {
  EXPECT_EQ(EndOf(*log_, commands_), 0);
  EXPECT_THAT(ReadAll(*log_, commands_), IsEmpty());
}

TEST_P(LogContract, AcceptedRecordsStandTogetherInOrder) {
  EXPECT_EQ(AppendTo(*log_, commands_, {"a"}).first_offset, 0);
  const AppendResult result = AppendTo(*log_, commands_, {"b", "", "d"});
  EXPECT_EQ(result.outcome, AppendOutcome::kAccepted);
  EXPECT_TRUE(result.reason.ok());
  EXPECT_EQ(result.first_offset, 1);
  EXPECT_EQ(EndOf(*log_, commands_), 4);
  EXPECT_THAT(ReadAll(*log_, commands_), ElementsAre("a", "b", "", "d"));
  EXPECT_EQ(EndOf(*log_, events_), 0);
}

TEST_P(LogContract, ReadsFromAnyOffsetWithinItsLimits) {
  AppendTo(*log_, commands_, {"aaaa", "bbbb", "cccc", "dddd"});
  EXPECT_THAT(*log_->Read(commands_, 2), ElementsAre("cccc", "dddd"));
  EXPECT_THAT(*log_->Read(commands_, 4), IsEmpty());
  EXPECT_THAT(*log_->Read(commands_, 1, {.records_max = 2}), ElementsAre("bbbb", "cccc"));
  EXPECT_THAT(*log_->Read(commands_, 0, {.bytes_max = 11}), ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(*log_->Read(commands_, 1, {.bytes_max = 1}), ElementsAre("bbbb"));
}

TEST_P(LogContract, AReadFromBeyondTheEndIsOutOfRange) {
  AppendTo(*log_, commands_, {"a"});
  EXPECT_TRUE(absl::IsOutOfRange(log_->Read(commands_, 2).status()));
  EXPECT_TRUE(absl::IsOutOfRange(log_->Read(commands_, -1).status()));
  EXPECT_TRUE(absl::IsOutOfRange(log_->Read(events_, 1).status()));
}

TEST_P(LogContract, AnAppendThatMeetsItsExpectedEndIsAcceptedThere) {
  EXPECT_EQ(AppendTo(*log_, events_, {"a", "b"}, 0).outcome, AppendOutcome::kAccepted);
  const AppendResult second = AppendTo(*log_, events_, {"c"}, 2);
  EXPECT_EQ(second.outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(second.first_offset, 2);
}

TEST_P(LogContract, AnAppendThatMissesItsExpectedEndLosesTheRace) {
  AppendTo(*log_, events_, {"a", "b"}, 0);
  for (const int64_t expected_end : {0, 1, 99}) {
    const AppendResult lost = AppendTo(*log_, events_, {"late"}, expected_end);
    EXPECT_EQ(lost.outcome, AppendOutcome::kLostRace);
    EXPECT_FALSE(lost.reason.ok());
  }
  EXPECT_EQ(EndOf(*log_, events_), log_->WritesOnlyWinners() ? 2 : 5);
}

TEST_P(LogContract, RequestsSucceedOrFailEachByItself) {
  std::vector<AppendRequest> requests;
  requests.push_back({.where = events_, .records = {"a"}, .expected_end = 0});
  requests.push_back({.where = events_, .records = {"b"}, .expected_end = 0});
  requests.push_back({.where = commands_, .records = {"c"}, .expected_end = {}});
  requests.push_back({.where = commands_, .records = {}, .expected_end = {}});
  requests.push_back({.where = commands_, .records = {"e"}, .expected_end = {}});
  const std::vector<AppendResult> results = log_->Append(std::move(requests));
  ASSERT_EQ(results.size(), 5u);
  EXPECT_EQ(results[0].outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(results[1].outcome, AppendOutcome::kLostRace);
  EXPECT_EQ(results[2].first_offset, 0);
  EXPECT_EQ(results[3].outcome, AppendOutcome::kRefused);
  EXPECT_EQ(results[4].first_offset, 1);
  EXPECT_THAT(ReadAll(*log_, commands_), ElementsAre("c", "e"));
}

TEST_P(LogContract, RefusesWhatNoLogCanTakeAndWritesNoneOfIt) {
  const std::string too_large(kRecordBytesMax + 1, 'x');
  for (const AppendResult& result :
       {AppendTo(*log_, commands_, {}), AppendTo(*log_, commands_, {"a", too_large}),
        AppendTo(*log_, {"", 0}, {"a"}), AppendTo(*log_, {"topic", -1}, {"a"})}) {
    EXPECT_EQ(result.outcome, AppendOutcome::kRefused);
    EXPECT_TRUE(absl::IsInvalidArgument(result.reason)) << result.reason;
  }
  EXPECT_EQ(EndOf(*log_, commands_), 0);
}

TEST_P(LogContract, TakesARecordOfTheLargestSize) {
  const std::string largest(kRecordBytesMax, 'x');
  EXPECT_EQ(AppendTo(*log_, commands_, {largest, "b"}).outcome, AppendOutcome::kAccepted);
  const auto read = log_->Read(commands_, 0);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), 1u);
  EXPECT_TRUE(read->front() == largest);
}

TEST_P(LogContract, KeepsManyPartitionsApart) {
  constexpr int kTopics = 8;
  for (int n = 0; n < 3; ++n) {
    std::vector<AppendRequest> requests;
    for (int i = 0; i < kTopics * kPartitions; ++i) {
      const TopicPartition where{absl::StrCat("topic", i % kTopics), i / kTopics};
      requests.push_back({.where = where, .records = {absl::StrCat(i, "/", n)}, .expected_end = n});
    }
    for (const AppendResult& result : log_->Append(std::move(requests))) {
      ASSERT_EQ(result.outcome, AppendOutcome::kAccepted) << result.reason;
    }
  }
  for (int i = 0; i < kTopics * kPartitions; ++i) {
    EXPECT_THAT(ReadAll(*log_, {absl::StrCat("topic", i % kTopics), i / kTopics}),
                ElementsAre(absl::StrCat(i, "/0"), absl::StrCat(i, "/1"), absl::StrCat(i, "/2")));
  }
}

TEST_P(LogContract, ListenersHearOfEveryAppend) {
  Signal signal;
  log_->AddListener(&signal, {"another", commands_.topic});
  std::thread appender([&] { AppendTo(*log_, commands_, {"a"}); });
  signal.Wait(absl::InfiniteDuration());
  appender.join();
  log_->RemoveListener(&signal);
  AppendTo(*log_, commands_, {"b"});
  EXPECT_EQ(EndOf(*log_, commands_), 2);
}

TEST_P(LogContract, EightThreadsAppendAndEachRecordIsThereOnceAndInItsPlace) {
  constexpr int kThreads = 8;
  constexpr int kAppends = 150;
  std::vector<std::vector<int64_t>> offsets(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int n = 0; n < kAppends; ++n) {
        const AppendResult result =
            AppendTo(*log_, {"shared", t % 2}, {absl::StrCat(t, "/", n), absl::StrCat(t, "+", n)});
        offsets[static_cast<size_t>(t)].push_back(
            result.outcome == AppendOutcome::kAccepted ? result.first_offset : -1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int partition = 0; partition < 2; ++partition) {
    const std::vector<std::string> all = ReadAll(*log_, {"shared", partition});
    ASSERT_EQ(all.size(), static_cast<size_t>(kThreads / 2 * kAppends * 2));
    for (int t = partition; t < kThreads; t += 2) {
      for (int n = 0; n < kAppends; ++n) {
        const auto at =
            static_cast<size_t>(offsets[static_cast<size_t>(t)][static_cast<size_t>(n)]);
        ASSERT_LT(at + 1, all.size());
        EXPECT_EQ(all[at], absl::StrCat(t, "/", n));
        EXPECT_EQ(all[at + 1], absl::StrCat(t, "+", n));
      }
    }
  }
}

TEST_P(LogContract, OfTwoWritersAtOnceExactlyWhatEachBelievesCounts) {
  constexpr int kEach = 60;
  std::vector<std::vector<std::string>> accepted(2);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      ChainWriter writer(*log_, events_);
      for (int n = 0; n < kEach;) {
        const std::string name = absl::StrCat("writer", t, "-", n, "-");
        const AppendResult result = writer.Append(name);
        const std::vector<std::string> caught_up = writer.CatchUp();
        // Where losers' records are kept, one that only came after other losers' counts all the
        // same.
        const bool counts_after_all =
            result.outcome == AppendOutcome::kLostRace &&
            std::find(caught_up.begin(), caught_up.end(), name + "1") != caught_up.end();
        if (result.outcome == AppendOutcome::kAccepted || counts_after_all) {
          accepted[t].push_back(name + "1");
          ++n;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto chain = ReadChain(*log_, events_);
  ASSERT_TRUE(chain.ok()) << chain.status();
  std::vector<std::vector<std::string>> counted(2);
  for (const Counted& transition : *chain) {
    const std::string& id = transition.transition.aggregate_id();
    counted[id.substr(0, 7) == "writer1"].push_back(id);
  }
  EXPECT_EQ(counted, accepted);
}

TEST_P(LogContract, OneOfTwoInterleavedWritersWins) {
  ChainWriter first(*log_, events_);
  ChainWriter second(*log_, events_);
  EXPECT_EQ(first.Append("first", 2).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(second.Append("second").outcome, AppendOutcome::kLostRace);
  EXPECT_THAT(second.CatchUp(), ElementsAre("first1", "first2"));
  EXPECT_EQ(second.Append("again").outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(first.CatchUp(), ElementsAre("first1", "first2", "again1"));
}

// How the processor finds out what became of an append without an answer.
TEST_P(LogContract, AfterALostAnswerReadingTellsWhatHappened) {
  for (const LogFault::Kind kind : {LogFault::kLoseAnswer, LogFault::kLoseRequest}) {
    const TopicPartition where{"lost", kind};
    LogFault next{.kind = kind};
    FaultyLog faulty(*log_, [&](const AppendRequest&) { return std::exchange(next, LogFault{}); });
    ChainWriter writer(faulty, where);
    const AppendResult result = writer.Append("a");
    EXPECT_EQ(result.outcome, AppendOutcome::kUnknown);
    EXPECT_FALSE(result.reason.ok());
    if (kind == LogFault::kLoseAnswer) {
      EXPECT_THAT(writer.CatchUp(), ElementsAre("a1"));
    } else {
      EXPECT_THAT(writer.CatchUp(), IsEmpty());
    }
    EXPECT_EQ(writer.Append("b").outcome, AppendOutcome::kAccepted);
  }
}

TEST_P(LogContract, OfASplitBatchTheFirstPartCounts) {
  LogFault next{.kind = LogFault::kSplit, .records_written = 2};
  FaultyLog faulty(*log_, [&](const AppendRequest&) { return std::exchange(next, LogFault{}); });
  ChainWriter writer(faulty, events_);
  EXPECT_EQ(writer.Append("a", 3).outcome, AppendOutcome::kUnknown);
  EXPECT_THAT(writer.CatchUp(), ElementsAre("a1", "a2"));
  EXPECT_EQ(writer.Append("b").outcome, AppendOutcome::kAccepted);
}

TEST_P(LogContract, ATransitionThatComesTooLateDoesNotCount) {
  LogFault next{.kind = LogFault::kLate};
  FaultyLog faulty(*log_, [&](const AppendRequest&) { return std::exchange(next, LogFault{}); });
  ChainWriter writer(faulty, events_);
  EXPECT_EQ(writer.Append("late").outcome, AppendOutcome::kUnknown);
  EXPECT_THAT(writer.CatchUp(), IsEmpty());
  EXPECT_EQ(writer.Append("first").outcome, AppendOutcome::kAccepted);
  faulty.DeliverLate();
  EXPECT_EQ(EndOf(*log_, events_), log_->WritesOnlyWinners() ? 1 : 2);
  EXPECT_THAT(writer.CatchUp(), ElementsAre("first1"));
  EXPECT_EQ(writer.Append("next").outcome, AppendOutcome::kAccepted);
}

TEST_P(LogContract, ATransitionThatComesLateButFirstCounts) {
  LogFault next{.kind = LogFault::kLate, .appends_later = 1};
  FaultyLog faulty(*log_, [&](const AppendRequest&) { return std::exchange(next, LogFault{}); });
  ChainWriter writer(faulty, events_);
  EXPECT_EQ(writer.Append("late").outcome, AppendOutcome::kUnknown);
  EXPECT_EQ(writer.Append("second").outcome, AppendOutcome::kLostRace);
  EXPECT_THAT(writer.CatchUp(), ElementsAre("late1"));
}

TEST_P(LogContract, ALateCommandAlwaysLands) {
  LogFault next{.kind = LogFault::kLate};
  FaultyLog faulty(*log_, [&](const AppendRequest&) { return std::exchange(next, LogFault{}); });
  EXPECT_EQ(AppendTo(faulty, commands_, {"late"}).outcome, AppendOutcome::kUnknown);
  AppendTo(faulty, commands_, {"first"});
  EXPECT_EQ(faulty.late_requests(), 1u);
  faulty.DeliverLate();
  EXPECT_EQ(faulty.late_requests(), 0u);
  EXPECT_THAT(ReadAll(*log_, commands_), ElementsAre("first", "late"));
}

TEST_P(LogContract, ARefusedAppendIsNotThere) {
  FaultyLog faulty(*log_, [](const AppendRequest&) { return LogFault{.kind = LogFault::kRefuse}; });
  EXPECT_EQ(AppendTo(faulty, commands_, {"a"}).outcome, AppendOutcome::kRefused);
  EXPECT_EQ(EndOf(*log_, commands_), 0);
}

TEST_P(LogContract, ReadFaultsReachTheCaller) {
  absl::Status answer = absl::UnavailableError("away");
  FaultyLog faulty(*log_, nullptr, [&](const TopicPartition&) { return answer; });
  AppendTo(faulty, commands_, {"a"});
  EXPECT_TRUE(absl::IsUnavailable(faulty.Read(commands_, 0).status()));
  EXPECT_TRUE(absl::IsUnavailable(faulty.End(commands_).status()));
  answer = absl::OkStatus();
  EXPECT_THAT(ReadAll(faulty, commands_), ElementsAre("a"));
}

// Two writers, all faults at once, many seeds: what was accepted counts, in order, exactly once;
// every reader sees the same chain; and nothing counts that nobody wrote.
TEST_P(LogContract, WhateverHappensAcceptedTransitionsCountOnceAndInOrder) {
  const int seeds = GetParam().engine == Engine::kMemory ? 200 : 10;
  for (int seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const TopicPartition where{"random", seed};
    std::mt19937 random(static_cast<unsigned>(seed));
    FaultyLog faulty(
        *log_,
        [&](const AppendRequest&) {
          const unsigned drawn = random() % 12;
          const auto kind =
              drawn <= LogFault::kLate ? static_cast<LogFault::Kind>(drawn) : LogFault::kNone;
          return LogFault{.kind = kind,
                          .records_written = random() % 3,
                          .appends_later = static_cast<int>(random() % 4)};
        },
        [&](const TopicPartition&) {
          return random() % 10 == 0 ? absl::UnavailableError("away") : absl::OkStatus();
        });
    ChainWriter writers[] = {{faulty, where}, {faulty, where}};
    std::vector<std::string> accepted;
    for (int step = 0; step < 60; ++step) {
      ChainWriter& writer = writers[random() % 2];
      const std::string name = absl::StrCat("step", step, "-");
      const int count = 1 + static_cast<int>(random() % 3);
      if (writer.Append(name, count).outcome == AppendOutcome::kAccepted) {
        for (int i = 1; i <= count; ++i) accepted.push_back(absl::StrCat(name, i));
      }
      if (random() % 2 == 0) writer.CatchUp();
    }
    faulty.DeliverLate();
    const auto chain = ReadChain(*log_, where);
    ASSERT_TRUE(chain.ok()) << chain.status();
    std::set<std::string> seen;
    size_t next_accepted = 0;
    for (const Counted& counted : *chain) {
      const std::string& id = counted.transition.aggregate_id();
      EXPECT_TRUE(seen.insert(id).second) << id << " counts twice";
      if (next_accepted < accepted.size() && id == accepted[next_accepted]) ++next_accepted;
    }
    EXPECT_EQ(next_accepted, accepted.size());
  }
}

TEST_P(LogContract, AChangedByteIsNoticedAndNamed) {
  ChainWriter writer(*log_, events_);
  writer.Append("a", 3);
  std::string bytes = log_->Read(events_, 1)->front();
  bytes[bytes.find("a2")] = 'b';
  if (GetParam().engine == Engine::kMemory) {
    memory().Damage(events_, 1, bytes);
  } else if (GetParam().engine == Engine::kKafka) {
    RestoreKafka({log_->Read(events_, 0)->front(), bytes, log_->Read(events_, 2)->front()});
  } else {
    ChangeFile("UPDATE record SET bytes = CAST(replace(bytes, 'a2', 'b2') AS BLOB)");
  }
  ChainReader reader(*log_, events_, ChainTail());
  const absl::Status status = reader.Next().status();
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("record 1 of ", events_.topic)));
}

TEST_P(LogContract, ALogCutShortIsNoticed) {
  ChainWriter writer(*log_, events_);
  writer.Append("a", 3);
  writer.CatchUp();
  if (GetParam().engine == Engine::kMemory) {
    memory().CutShort(events_, 2);
  } else if (GetParam().engine == Engine::kKafka) {
    RestoreKafka({log_->Read(events_, 0)->front(), log_->Read(events_, 1)->front()});
  } else {
    ChangeFile("DELETE FROM record WHERE place = (SELECT max(place) FROM record)");
  }
  EXPECT_EQ(EndOf(*log_, events_), 2);
  EXPECT_TRUE(absl::IsOutOfRange(log_->Read(events_, 3).status()));
}

}  // namespace
}  // namespace porchlight::log_contract_test
