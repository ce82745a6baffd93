// The store's contract, for every adapter: what common/store/store.h promises.

#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/store/faulty_store.h"
#include "common/store/memory_store.h"
#include "common/store/redis_store.h"
#include "common/store/sqlite_store.h"
#include "gmock/gmock.h"
#include "tests/contract/log_testing.h"
#include "tests/contract/store_testing.h"

namespace porchlight::store_contract_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StoreContract : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (GetParam() == std::string("Sqlite")) {
      store_ = std::make_unique<SqliteStore>(directory_.File("store"));
    } else if (GetParam() == std::string("Redis")) {
      static testing::RedisProcess redis;
      redis.Command({"FLUSHALL"});
      store_ = OpenRedis(redis);
    } else {
      store_ = std::make_unique<MemoryStore>();
    }
  }

  TempDirectory directory_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(Adapters, StoreContract, ::testing::Values("Memory", "Sqlite", "Redis"),
                         [](const auto& adapter) { return std::string(adapter.param); });

TEST_P(StoreContract, IsEmptyAtFirst) {
  EXPECT_EQ(store_->Where(3)->ByteSizeLong(), 0u);
  EXPECT_TRUE(absl::IsNotFound(store_->Load(3, "a").status()));
  Heard heard;
  EXPECT_EQ(store_->Visit(3, heard)->ByteSizeLong(), 0u);
  EXPECT_THAT(heard.lines, IsEmpty());
  EXPECT_THAT(IdsOf(store_->List(3, {})), IsEmpty());
  EXPECT_THAT(*store_->DeadLetters(3, 10), IsEmpty());
}

TEST_P(StoreContract, KeepsWhatABatchChanged) {
  StoreChange first = Change("a", 0);
  first.timers_set = {TimerDue("late", 60), TimerDue("early", 30)};
  first.deliveries = {Delivery("a_d1", v1::DELIVERY_STATE_PENDING)};
  ASSERT_TRUE(store_->Apply(3, Batch(0, {first, Change("b", 1, false)})).ok());
  const absl::StatusOr<v1::Checkpoint> where = store_->Where(3);
  EXPECT_EQ(where->SerializeAsString(), Batch(1, {Change("x", 0)}).to.SerializeAsString());
  const absl::StatusOr<StoredAggregate> loaded = store_->Load(3, "b");
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded->aggregate_id, "b");
  EXPECT_EQ(loaded->offset, 1);
  EXPECT_FALSE(loaded->active);
  EXPECT_EQ(loaded->sealed_state, "sealed b 1");
  Heard heard;
  EXPECT_EQ(store_->Visit(3, heard)->SerializeAsString(), where->SerializeAsString());
  EXPECT_THAT(heard.lines,
              UnorderedElementsAre("aggregate a at 0", "aggregate b at 1", "timer a late due 60",
                                   "timer a early due 30", "delivery a_d1 DELIVERY_STATE_PENDING"));
}

TEST_P(StoreContract, LaterChangesReplaceEarlierOnes) {
  StoreChange first = Change("a", 0);
  first.timers_set = {TimerDue("t", 30), TimerDue("u", 30)};
  first.deliveries = {Delivery("d1", v1::DELIVERY_STATE_PENDING),
                      Delivery("d2", v1::DELIVERY_STATE_PENDING)};
  StoreChange second = Change("a", 1);
  second.timers_set = {TimerDue("t", 90)};
  second.timers_removed = {"u", "never set"};
  second.deliveries = {Delivery("d1", v1::DELIVERY_STATE_DELIVERED),
                       Delivery("d2", v1::DELIVERY_STATE_DEAD),
                       Delivery("never made", v1::DELIVERY_STATE_DELIVERED)};
  ASSERT_TRUE(store_->Apply(0, Batch(0, {first})).ok());
  ASSERT_TRUE(store_->Apply(0, Batch(1, {second})).ok());
  EXPECT_EQ(store_->Load(0, "a")->sealed_state, "sealed a 1");
  Heard heard;
  ASSERT_TRUE(store_->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, UnorderedElementsAre("aggregate a at 1", "timer a t due 90",
                                                "delivery d2 DELIVERY_STATE_DEAD"));
  // A dead letter that is replayed is pending again.
  StoreChange replayed = Change("a", 2);
  replayed.deliveries = {Delivery("d2", v1::DELIVERY_STATE_PENDING)};
  ASSERT_TRUE(store_->Apply(0, Batch(2, {replayed})).ok());
  EXPECT_THAT(*store_->DeadLetters(0, 10), IsEmpty());
}

TEST_P(StoreContract, ATimerThatFiredMaySetItselfAgain) {
  StoreChange first = Change("a", 0);
  first.timers_set = {TimerDue("t", 30)};
  StoreChange fired = Change("a", 1);
  fired.timers_removed = {"t"};
  fired.timers_set = {TimerDue("t", 60)};
  ASSERT_TRUE(store_->Apply(0, Batch(0, {first, fired})).ok());
  Heard heard;
  ASSERT_TRUE(store_->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, UnorderedElementsAre("aggregate a at 1", "timer a t due 60"));
}

TEST_P(StoreContract, TimersOfTwoAggregatesMayHaveTheSameId) {
  StoreChange a = Change("a", 0);
  a.timers_set = {TimerDue("t", 30)};
  StoreChange b = Change("b", 1);
  b.timers_set = {TimerDue("t", 60)};
  StoreChange cancelled = Change("a", 2);
  cancelled.timers_removed = {"t"};
  ASSERT_TRUE(store_->Apply(0, Batch(0, {a, b, cancelled})).ok());
  Heard heard;
  ASSERT_TRUE(store_->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines,
              UnorderedElementsAre("aggregate a at 2", "aggregate b at 1", "timer b t due 60"));
}

TEST_P(StoreContract, TellsTheTimersOfOneAggregate) {
  StoreChange a = Change("a", 0);
  a.timers_set = {TimerDue("u", 90), TimerDue("t", 30)};
  StoreChange longer = Change("a-b", 1);
  longer.timers_set = {TimerDue("t", 60)};
  ASSERT_TRUE(store_->Apply(0, Batch(0, {a, longer})).ok());
  const absl::StatusOr<std::vector<v1::Timer>> timers = store_->Timers(0, "a");
  ASSERT_TRUE(timers.ok()) << timers.status();
  ASSERT_EQ(timers->size(), 2u);
  EXPECT_EQ(timers->at(0).timer_id(), "t");
  EXPECT_EQ(timers->at(1).timer_id(), "u");
  EXPECT_THAT(*store_->Timers(0, "c"), IsEmpty());
  EXPECT_THAT(*store_->Timers(1, "a"), IsEmpty());
}

TEST_P(StoreContract, ABatchThatDoesNotFollowChangesNothing) {
  ASSERT_TRUE(store_->Apply(0, Batch(0, {Change("a", 0), Change("b", 1)})).ok());
  for (const uint64_t from : {0, 1, 3}) {
    StoreChange other = Change("a", 9);
    other.timers_set = {TimerDue("t", 30)};
    EXPECT_TRUE(absl::IsFailedPrecondition(store_->Apply(0, Batch(from, {other}))));
  }
  StoreBatch leads_nowhere = Batch(2, {Change("a", 9)});
  leads_nowhere.to.set_sequence(2);
  EXPECT_TRUE(absl::IsInvalidArgument(store_->Apply(0, leads_nowhere)));
  StoreBatch more_changes_than_transitions = Batch(2, {Change("a", 9), Change("b", 10)});
  more_changes_than_transitions.to.set_sequence(3);
  EXPECT_TRUE(absl::IsInvalidArgument(store_->Apply(0, more_changes_than_transitions)));
  EXPECT_EQ(store_->Where(0)->sequence(), 2u);
  Heard heard;
  ASSERT_TRUE(store_->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, UnorderedElementsAre("aggregate a at 0", "aggregate b at 1"));
}

TEST_P(StoreContract, PartitionsAreApart) {
  StoreChange change = Change("a", 5);
  change.timers_set = {TimerDue("t", 30)};
  change.deliveries = {Delivery("d", v1::DELIVERY_STATE_DEAD)};
  ASSERT_TRUE(store_->Apply(1, Batch(0, {change})).ok());
  ASSERT_TRUE(store_->Apply(2, Batch(0, {change, Change("a", 6)})).ok());
  EXPECT_EQ(store_->Load(1, "a")->offset, 5);
  EXPECT_EQ(store_->Load(2, "a")->offset, 6);
  ASSERT_TRUE(store_->Wipe(1).ok());
  EXPECT_EQ(store_->Where(1)->sequence(), 0u);
  EXPECT_TRUE(absl::IsNotFound(store_->Load(1, "a").status()));
  EXPECT_THAT(*store_->DeadLetters(1, 10), IsEmpty());
  Heard heard;
  ASSERT_TRUE(store_->Visit(1, heard).ok());
  EXPECT_THAT(heard.lines, IsEmpty());
  EXPECT_EQ(store_->DeadLetters(2, 10)->size(), 1u);
  // A wiped partition starts from nothing.
  EXPECT_TRUE(store_->Apply(1, Batch(0, {Change("a", 0)})).ok());
  EXPECT_EQ(store_->Load(2, "a")->sealed_state, "sealed a 6");
}

TEST_P(StoreContract, ListsInOrderPageByPage) {
  ASSERT_TRUE(store_
                  ->Apply(0, Batch(0, {Change("c", 0), Change("a", 1), Change("d", 2, false),
                                       Change("b", 3), Change("e", 4)}))
                  .ok());
  EXPECT_THAT(IdsOf(store_->List(0, {.active_only = true, .after = "", .limit = 10})),
              ElementsAre("a", "b", "c", "e"));
  EXPECT_THAT(IdsOf(store_->List(0, {.active_only = false, .after = "b", .limit = 2})),
              ElementsAre("c", "d"));
  EXPECT_THAT(IdsOf(store_->List(0, {.active_only = true, .after = "c", .limit = 2})),
              ElementsAre("e"));
  EXPECT_THAT(IdsOf(store_->List(0, {.active_only = true, .after = "e", .limit = 2})), IsEmpty());
  EXPECT_EQ(store_->List(0, {})->front().sealed_state, "sealed a 1");
  ASSERT_TRUE(store_->Apply(0, Batch(5, {Change("c", 5, false), Change("d", 6, true)})).ok());
  EXPECT_THAT(IdsOf(store_->List(0, {})), ElementsAre("a", "b", "d", "e"));
}

TEST_P(StoreContract, DeadLettersAreListed) {
  StoreChange change = Change("a", 0);
  change.deliveries = {Delivery("d1", v1::DELIVERY_STATE_DEAD),
                       Delivery("d2", v1::DELIVERY_STATE_PENDING),
                       Delivery("d3", v1::DELIVERY_STATE_DEAD)};
  ASSERT_TRUE(store_->Apply(0, Batch(0, {change})).ok());
  const auto dead = store_->DeadLetters(0, 10);
  ASSERT_EQ(dead->size(), 2u);
  EXPECT_EQ(dead->at(0).SerializeAsString(), change.deliveries[0].SerializeAsString());
  EXPECT_EQ(dead->at(1).delivery_id(), "d3");
  EXPECT_EQ(store_->DeadLetters(0, 1)->size(), 1u);
}

TEST_P(StoreContract, AVisitSeesOneMomentWhileOthersApply) {
  constexpr uint64_t kBatches = 100;
  ASSERT_TRUE(store_->Apply(0, Batch(0, {Change("a", 0), Change("b", 0)})).ok());
  std::thread applier([&] {
    for (uint64_t n = 1; n <= kBatches; ++n) {
      const auto offset = static_cast<int64_t>(n);
      EXPECT_TRUE(store_->Apply(0, Batch(2 * n, {Change("a", offset), Change("b", offset)})).ok());
    }
  });
  uint64_t seen = 0;
  while (seen < 2 * kBatches + 2) {
    Heard heard;
    const auto visited = store_->Visit(0, heard);
    ASSERT_TRUE(visited.ok()) << visited.status();
    EXPECT_GE(visited->sequence(), seen);
    seen = visited->sequence();
    const uint64_t offset = seen / 2 - 1;
    EXPECT_THAT(heard.lines, UnorderedElementsAre(absl::StrCat("aggregate a at ", offset),
                                                  absl::StrCat("aggregate b at ", offset)));
  }
  applier.join();
}

TEST_P(StoreContract, ServesManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int32_t partition = 0; partition < 8; ++partition) {
    threads.emplace_back([&, partition] {
      for (uint64_t n = 0; n < 30; ++n) {
        const std::string id = absl::StrCat("a", n % 5);
        const absl::Status applied =
            store_->Apply(partition, Batch(n, {Change(id, static_cast<int64_t>(n))}));
        EXPECT_TRUE(applied.ok()) << applied;
        EXPECT_EQ(store_->Load(partition, id)->offset, static_cast<int64_t>(n));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int32_t partition = 0; partition < 8; ++partition) {
    EXPECT_EQ(store_->Where(partition)->sequence(), 30u);
  }
}

TEST_P(StoreContract, AFaultBeforeChangesNothingAndAFaultAfterEverything) {
  StoreFault fault = StoreFault::kBefore;
  FaultyStore faulty(*store_, [&](StoreCall, int32_t) { return fault; });
  EXPECT_TRUE(absl::IsUnavailable(faulty.Apply(0, Batch(0, {Change("a", 0)}))));
  EXPECT_EQ(store_->Where(0)->sequence(), 0u);
  Heard unheard;
  EXPECT_TRUE(absl::IsUnavailable(faulty.Visit(0, unheard).status()));
  EXPECT_TRUE(absl::IsUnavailable(faulty.Where(0).status()));
  fault = StoreFault::kAfter;
  EXPECT_TRUE(absl::IsUnavailable(faulty.Apply(0, Batch(0, {Change("a", 0)}))));
  EXPECT_EQ(store_->Where(0)->sequence(), 1u);
  EXPECT_TRUE(absl::IsUnavailable(faulty.Load(0, "a").status()));
  EXPECT_TRUE(absl::IsUnavailable(faulty.List(0, {}).status()));
  EXPECT_TRUE(absl::IsUnavailable(faulty.DeadLetters(0, 1).status()));
  Heard heard;
  EXPECT_TRUE(absl::IsUnavailable(faulty.Visit(0, heard).status()));
  EXPECT_THAT(heard.lines, ElementsAre("aggregate a at 0"));
  EXPECT_TRUE(absl::IsUnavailable(faulty.Wipe(0)));
  EXPECT_EQ(store_->Where(0)->sequence(), 0u);
  fault = StoreFault::kNone;
  EXPECT_TRUE(faulty.Apply(0, Batch(0, {Change("a", 0)})).ok());
}

TEST(MemoryStore, ComesBackOldOrEmptyOnRequest) {
  MemoryStore store;
  ASSERT_TRUE(store.Apply(0, Batch(0, {Change("a", 0)})).ok());
  const MemoryStore::Contents old = store.Snapshot();
  ASSERT_TRUE(store.Apply(0, Batch(1, {Change("a", 1)})).ok());
  store.Restore(old);
  EXPECT_EQ(store.Where(0)->sequence(), 1u);
  EXPECT_EQ(store.Load(0, "a")->offset, 0);
  store.WipeAll();
  EXPECT_EQ(store.Where(0)->sequence(), 0u);
}

class SqliteStoreFile : public ::testing::Test {
 protected:
  std::unique_ptr<SqliteStore> Opened() {
    return std::make_unique<SqliteStore>(
        path_, SqliteStoreOptions{
                   .set_aside =
                       [this](const absl::Status& why) { set_aside_.emplace_back(why.message()); },
                   .busy_wait = absl::Milliseconds(1)});
  }

  void Execute(const std::string& sql) {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(connection);
  }

  TempDirectory directory_;
  const std::string path_ = directory_.File("intake.store");
  std::vector<std::string> set_aside_;
};

TEST_F(SqliteStoreFile, IsThereAfterReopening) {
  ASSERT_TRUE(Opened()->Apply(0, Batch(0, {Change("a", 0)})).ok());
  EXPECT_EQ(Opened()->Load(0, "a")->sealed_state, "sealed a 0");
  EXPECT_THAT(set_aside_, IsEmpty());
}

TEST_F(SqliteStoreFile, SurvivesAProcessThatNeverClosesAsOneMoment) {
  InChildProcess(
      [&](int descriptor) {
        const std::unique_ptr<SqliteStore> store = Opened();
        for (uint64_t n = 0;; ++n) {
          const auto offset = static_cast<int64_t>(n);
          if (!store->Apply(0, Batch(2 * n, {Change("a", offset), Change("b", offset)})).ok()) {
            _exit(1);
          }
          WriteLine(descriptor, "applied");
        }
      },
      20 * sizeof "applied");
  const std::unique_ptr<SqliteStore> store = Opened();
  const auto sequence = store->Where(0)->sequence();
  EXPECT_GE(sequence, 40u);
  EXPECT_EQ(store->Load(0, "a")->offset, static_cast<int64_t>(sequence / 2) - 1);
  EXPECT_EQ(store->Load(0, "b")->offset, static_cast<int64_t>(sequence / 2) - 1);
  EXPECT_THAT(set_aside_, IsEmpty());
}

TEST_F(SqliteStoreFile, ADamagedFileIsSetAsideAndStartedAnew) {
  std::ofstream(path_) << std::string(10'000, 'x');
  const std::unique_ptr<SqliteStore> store = Opened();
  EXPECT_EQ(store->Where(0)->sequence(), 0u);
  EXPECT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  EXPECT_THAT(set_aside_, ElementsAre(HasSubstr(path_)));
  EXPECT_TRUE(std::filesystem::exists(path_ + ".damaged"));
}

TEST_F(SqliteStoreFile, DamageFoundLaterIsSetAsideAndTheNextCallStartsAnew) {
  std::vector<StoreChange> changes;
  for (int n = 0; n < 2000; ++n) changes.push_back(Change(absl::StrCat("a", n), n));
  ASSERT_TRUE(Opened()->Apply(0, Batch(0, changes)).ok());
  {
    // All but the first page, which holds the schema.
    const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path_));
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(static_cast<size_t>(size - 4096), 'x');
  }
  const std::unique_ptr<SqliteStore> store = Opened();
  Heard heard;
  EXPECT_TRUE(absl::IsUnavailable(store->Visit(0, heard).status()));
  EXPECT_EQ(set_aside_.size(), 1u);
  EXPECT_EQ(store->Where(0)->sequence(), 0u);
  EXPECT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  EXPECT_EQ(store->Load(0, "a")->offset, 0);
  EXPECT_EQ(set_aside_.size(), 1u);
}

TEST_F(SqliteStoreFile, AFileOfAnotherVersionIsSetAside) {
  ASSERT_TRUE(Opened()->Apply(0, Batch(0, {Change("a", 0)})).ok());
  Execute("PRAGMA user_version = 99");
  EXPECT_EQ(Opened()->Where(0)->sequence(), 0u);
  EXPECT_EQ(set_aside_.size(), 1u);
}

TEST_F(SqliteStoreFile, AFileOfSomethingElseIsLeftAloneAndTheStoreIsAway) {
  Execute("CREATE TABLE notes(text)");
  EXPECT_TRUE(absl::IsUnavailable(Opened()->Where(0).status()));
  EXPECT_THAT(set_aside_, IsEmpty());
  Execute("SELECT text FROM notes");
}

TEST_F(SqliteStoreFile, WhileAnotherProcessHoldsItApplyIsUnavailableAndReadsGoOn) {
  const std::unique_ptr<SqliteStore> store = Opened();
  ASSERT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const absl::Status applied = store->Apply(0, Batch(1, {Change("a", 1)}));
  EXPECT_TRUE(absl::IsUnavailable(applied));
  EXPECT_THAT(std::string(applied.message()),
              AllOf(HasSubstr(path_), HasSubstr("another process")));
  EXPECT_EQ(store->Load(0, "a")->offset, 0);
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_TRUE(store->Apply(0, Batch(1, {Change("a", 1)})).ok());
}

TEST_F(SqliteStoreFile, ADirectoryThatIsNotThereMakesItAwayUntilItIs) {
  SqliteStore store(directory_.File("none/store"));
  EXPECT_TRUE(absl::IsUnavailable(store.Where(0).status()));
  std::filesystem::create_directory(directory_.File("none"));
  EXPECT_TRUE(store.Where(0).ok());
}

}  // namespace
}  // namespace porchlight::store_contract_test
