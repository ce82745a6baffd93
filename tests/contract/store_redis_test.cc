// What the Redis store adds to the store's contract: a server that dies, hangs, goes back, is
// wiped, isn't what it should be or doesn't let us in costs the service no more than the store, is
// told in words, and is used again as soon as it can be.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/contract/store_testing.h"
#include "tests/support/redis_process.h"
#include "tests/support/server_process.h"

namespace porchlight::store_redis_test {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RedisProcess;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using testing::WaitUntil;

constexpr absl::Duration kLongest = absl::Seconds(60);
const SystemClock kClock;

RedisStoreOptions OptionsOf(RedisServer server) {
  return {.server = std::move(server), .service = "intake", .restarted = {}};
}

// Where the store stands, as soon as it can be asked.
uint64_t SequenceOnceBack(Store& store) {
  EXPECT_TRUE(WaitUntil([&] { return store.Where(0).ok(); }, kLongest)) << store.Where(0).status();
  return store.Where(0)->sequence();
}

// Tries again while the store is away.
absl::Status ApplyOnceBack(Store& store, const StoreBatch& batch) {
  absl::Status applied;
  WaitUntil(
      [&] {
        applied = store.Apply(0, batch);
        return !absl::IsUnavailable(applied);
      },
      kLongest);
  return applied;
}

std::string Away(const absl::Status& status) {
  EXPECT_TRUE(absl::IsUnavailable(status)) << status;
  return std::string(status.message());
}

// Says the same to whoever connects, and reads nothing.
class Speaker {
 public:
  explicit Speaker(std::string words) : words_(std::move(words)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* where = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(listener_, where, size), 0);
    EXPECT_EQ(listen(listener_, 16), 0);
    EXPECT_EQ(getsockname(listener_, where, &size), 0);
    server_.host = "127.0.0.1";
    server_.port = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Speaker() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    for (int fd : open_) close(fd);
    close(listener_);
  }
  const RedisServer& server() const { return server_; }

 private:
  void Run() {
    for (int fd; (fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      send(fd, words_.data(), words_.size(), MSG_NOSIGNAL);
      open_.push_back(fd);
    }
  }

  const std::string words_;
  const int listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  RedisServer server_;
  std::vector<int> open_;
  std::thread thread_;
};

TEST(RedisStore, IsThereAfterARestartWhichIsNoticed) {
  RedisProcess redis({"--appendonly", "yes"});
  int restarts = 0;
  RedisStoreOptions options = OptionsOf(ServerOf(redis));
  options.restarted = [&] { ++restarts; };
  RedisStore store(options, kClock);
  ASSERT_TRUE(store.Apply(0, Batch(0, {Change("a", 0)})).ok());
  redis.Stop();
  EXPECT_THAT(Away(store.Where(0).status()),
              HasSubstr(absl::StrCat("Redis at 127.0.0.1:", redis.port())));
  EXPECT_EQ(restarts, 0);
  redis.Start();
  EXPECT_EQ(SequenceOnceBack(store), 1u);
  EXPECT_EQ(store.Load(0, "a")->sealed_state, "sealed a 0");
  EXPECT_TRUE(store.Apply(0, Batch(1, {Change("a", 1)})).ok());
  EXPECT_EQ(restarts, 1);
}

TEST(RedisStore, SurvivesAServerThatIsKilledAsOneMoment) {
  RedisProcess redis({"--appendonly", "yes"});
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  std::atomic<uint64_t> applied = 0;
  std::thread applier([&] {
    for (uint64_t n = 0;; ++n) {
      const auto offset = static_cast<int64_t>(n);
      const StoreBatch batch = Batch(2 * n, {Change("a", offset), Change("b", offset)});
      if (!store->Apply(0, batch).ok()) return;
      applied = batch.to.sequence();
    }
  });
  EXPECT_TRUE(WaitUntil([&] { return applied >= 100; }, kLongest));
  redis.Send(SIGKILL);
  applier.join();
  redis.Start();
  const uint64_t sequence = SequenceOnceBack(*store);
  EXPECT_GE(sequence, applied);  // the last one may have taken effect without an answer
  EXPECT_LE(sequence, applied + 2);
  const auto offset = static_cast<int64_t>(sequence / 2) - 1;
  EXPECT_EQ(store->Load(0, "a")->offset, offset);
  EXPECT_EQ(store->Load(0, "b")->offset, offset);
  EXPECT_TRUE(store->Apply(0, Batch(sequence, {Change("a", offset + 1)})).ok());
}

TEST(RedisStore, AnOlderCopyIsGoneOnFrom) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  StoreChange first = Change("a", 0);
  first.timers_set = {TimerDue("t", 30)};
  ASSERT_TRUE(store->Apply(0, Batch(0, {first})).ok());
  ASSERT_EQ(redis.Command({"SAVE"}), "OK");
  StoreChange second = Change("a", 1);
  second.timers_removed = {"t"};
  ASSERT_TRUE(store->Apply(0, Batch(1, {second, Change("b", 2)})).ok());
  redis.Send(SIGKILL);
  redis.Start();  // with what was saved
  EXPECT_TRUE(absl::IsFailedPrecondition(ApplyOnceBack(*store, Batch(3, {Change("b", 3)}))));
  EXPECT_EQ(store->Where(0)->sequence(), 1u);
  Heard heard;
  ASSERT_TRUE(store->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, UnorderedElementsAre("aggregate a at 0", "timer a t due 30"));
  EXPECT_TRUE(store->Apply(0, Batch(1, {second, Change("b", 2)})).ok());
  EXPECT_TRUE(store->Apply(0, Batch(3, {Change("b", 3)})).ok());
}

TEST(RedisStore, AWipedServerIsBegunAnew) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  ASSERT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  redis.Command({"FLUSHALL"});
  EXPECT_TRUE(absl::IsFailedPrecondition(store->Apply(0, Batch(1, {Change("a", 1)}))));
  EXPECT_EQ(store->Where(0)->ByteSizeLong(), 0u);
  EXPECT_TRUE(absl::IsNotFound(store->Load(0, "a").status()));
  EXPECT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
}

TEST(RedisStore, AServerThatHangsIsNotWaitedFor) {
  RedisProcess redis;
  RedisServer server = ServerOf(redis);
  server.connect_limit = absl::Milliseconds(100);
  server.answer_limit = absl::Milliseconds(100);
  RedisStore store(OptionsOf(server), kClock);
  ASSERT_TRUE(ApplyOnceBack(store, Batch(0, {Change("a", 0)})).ok());
  const uint64_t stood_at = SequenceOnceBack(store);
  redis.Send(SIGSTOP);
  EXPECT_THAT(Away(store.Apply(0, Batch(stood_at, {Change("a", 1)}))),
              HasSubstr("gave no answer within 100ms"));
  for (int n = 0; n < 1000; ++n) Away(store.Where(0).status());
  Heard heard;
  Away(store.Visit(0, heard).status());
  redis.Send(SIGCONT);
  // It may have taken effect after all.
  const uint64_t sequence = SequenceOnceBack(store);
  EXPECT_THAT(sequence, ::testing::AnyOf(stood_at, stood_at + 1));
  EXPECT_TRUE(ApplyOnceBack(store, Batch(sequence, {Change("a", 2)})).ok());
}

TEST(RedisStore, WhileItIsAwayItIsTriedMoreAndMoreSeldom) {
  RedisProcess redis;
  ManualClock clock(absl::UnixEpoch());
  RedisStore store(OptionsOf(ServerOf(redis)), clock);
  redis.Stop();
  for (int n = 0; n < 10; ++n) {
    clock.Advance(absl::Seconds(2));
    EXPECT_THAT(Away(store.Where(0).status()), HasSubstr("can't be reached"));
  }
  redis.Start();
  clock.Advance(absl::Milliseconds(1900));
  Away(store.Where(0).status());  // told what the last one found
  clock.Advance(absl::Milliseconds(100));
  EXPECT_TRUE(store.Where(0).ok());
  // The next time it begins anew.
  redis.Stop();
  Away(store.Where(0).status());  // it closed the connection
  Away(store.Where(0).status());  // it can't be reached
  redis.Start();
  clock.Advance(absl::Milliseconds(50));
  EXPECT_TRUE(store.Where(0).ok());
}

TEST(RedisStore, AReplicaIsRefusedUntilItIsAPrimary) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  ASSERT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  redis.Command({"REPLICAOF", "127.0.0.1", "1"});
  // Known from the answer on the connection that there is, then from the server's own word.
  EXPECT_THAT(Away(store->Apply(0, Batch(1, {Change("a", 1)}))),
              AllOf(HasSubstr("read-only replica"), HasSubstr("address of the primary")));
  EXPECT_THAT(Away(store->Where(0).status()), HasSubstr("read-only replica"));
  redis.Command({"REPLICAOF", "NO", "ONE"});
  EXPECT_TRUE(ApplyOnceBack(*store, Batch(1, {Change("a", 1)})).ok());
}

TEST(RedisStore, WithoutMemoryNothingIsAppliedAndAllCanBeRead) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  ASSERT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  redis.Command({"CONFIG", "SET", "maxmemory", "1"});
  StoreChange change = Change("b", 1);
  change.timers_set = {TimerDue("t", 30)};
  EXPECT_THAT(Away(store->Apply(0, Batch(1, {change}))),
              AllOf(HasSubstr("out of memory"), HasSubstr("maxmemory")));
  EXPECT_EQ(store->Where(0)->sequence(), 1u);
  Heard heard;
  ASSERT_TRUE(store->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, ElementsAre("aggregate a at 0"));
  redis.Command({"CONFIG", "SET", "maxmemory", "0"});
  EXPECT_TRUE(store->Apply(0, Batch(1, {change})).ok());
}

TEST(RedisStore, AServerThatThrowsDataAwayIsRefused) {
  RedisProcess redis({"--maxmemory", "1gb", "--maxmemory-policy", "allkeys-lru"});
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  EXPECT_THAT(Away(store->Where(0).status()), HasSubstr("maxmemory-policy to noeviction"));
  redis.Command({"CONFIG", "SET", "maxmemory-policy", "noeviction"});
  EXPECT_TRUE(ApplyOnceBack(*store, Batch(0, {Change("a", 0)})).ok());
}

TEST(RedisStore, SaysWhatElseIsAtItsAddress) {
  const auto said = [](const RedisServer& server) {
    RedisStore store(OptionsOf(server), kClock);
    const std::string text = Away(store.Apply(0, Batch(0, {Change("a", 0)})));
    EXPECT_THAT(text, HasSubstr(absl::StrCat("Redis at 127.0.0.1:", server.port)));
    return text;
  };
  const Speaker http("HTTP/1.1 400 Bad Request\r\n\r\n");
  EXPECT_THAT(said(http.server()), HasSubstr("doesn't speak Redis's protocol"));
  const Speaker mail("220 mail.example ESMTP\r\n");
  EXPECT_THAT(said(mail.server()), HasSubstr("doesn't speak Redis's protocol"));
  const Speaker other("+PONG\r\n");
  EXPECT_THAT(said(other.server()), HasSubstr("doesn't answer as Redis does"));
  const Speaker old("$22\r\nredis_version:6.2.14\r\n\r\n");
  EXPECT_THAT(said(old.server()),
              AllOf(HasSubstr("is version 6.2.14"), HasSubstr("at least version 7")));
  const Speaker full("-ERR max number of clients reached\r\n");
  EXPECT_THAT(said(full.server()), HasSubstr("maxclients"));
  const Speaker cluster("-MOVED 3999 127.0.0.1:6381\r\n");
  EXPECT_THAT(said(cluster.server()), HasSubstr("Redis Cluster"));
  const Speaker talkative("-ERR unknown command with args beginning with: sealed\r\n");
  EXPECT_THAT(said(talkative.server()), AllOf(HasSubstr("ERR to INFO"), Not(HasSubstr("sealed"))));
  const Speaker silent("");
  RedisServer impatient = silent.server();
  impatient.connect_limit = absl::Milliseconds(50);
  EXPECT_THAT(said(impatient), HasSubstr("gave no answer within 50ms"));
  RedisServer nobody;
  nobody.host = "127.0.0.1";
  nobody.port = 1;
  EXPECT_THAT(said(nobody), AllOf(HasSubstr("can't be reached"), HasSubstr("check its address")));
}

TEST(RedisStore, SaysWhyItIsNotLetInAndNeverThePassword) {
  RedisProcess redis({"--requirepass", "open-sesame"});
  RedisServer server = ServerOf(redis);
  EXPECT_THAT(Away(RedisStore(OptionsOf(server), kClock).Where(0).status()),
              AllOf(HasSubstr("wants a password"), HasSubstr("password file")));
  server.password = "hunter2";
  EXPECT_THAT(Away(RedisStore(OptionsOf(server), kClock).Where(0).status()),
              AllOf(HasSubstr("refused the user or the password"), Not(HasSubstr("hunter2"))));
  server.password = "open-sesame";
  EXPECT_TRUE(RedisStore(OptionsOf(server), kClock).Apply(0, Batch(0, {Change("a", 0)})).ok());

  const RedisProcess open;
  RedisServer unguarded = ServerOf(open);
  unguarded.password = "hunter2";
  EXPECT_THAT(Away(RedisStore(OptionsOf(unguarded), kClock).Where(0).status()),
              AllOf(HasSubstr("no password set"), Not(HasSubstr("hunter2"))));
  open.Command({"ACL", "SETUSER", "reader", "on", ">hunter2", "~porchlight:*", "+info", "+hget"});
  unguarded.user = "reader";
  RedisStore reader(OptionsOf(unguarded), kClock);
  EXPECT_TRUE(reader.Where(0).ok());
  EXPECT_THAT(Away(reader.Apply(0, Batch(0, {Change("a", 0)}))),
              HasSubstr("doesn't let this user do"));
  open.Command({"ACL", "SETUSER", "reader", "+@all"});
  EXPECT_TRUE(reader.Apply(0, Batch(0, {Change("a", 0)})).ok());
}

TEST(RedisStore, NeedsNoScriptToBeKept) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  for (uint64_t n = 0; n < 3; ++n) {
    redis.Command({"SCRIPT", "FLUSH"});
    EXPECT_TRUE(store->Apply(0, Batch(n, {Change("a", static_cast<int64_t>(n))})).ok());
    EXPECT_THAT(IdsOf(store->List(0, {})), ElementsAre("a"));
  }
}

TEST(RedisStore, KeepsAPartitionUnderOneHashTag) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  StoreChange change = Change("a", 0);
  change.timers_set = {TimerDue("t", 30)};
  change.deliveries = {Delivery("d", v1::DELIVERY_STATE_DEAD)};
  ASSERT_TRUE(store->Apply(3, Batch(0, {change})).ok());
  const std::string keys = redis.Command({"KEYS", "*"});
  const std::vector<std::string> names = absl::StrSplit(keys, '\n', absl::SkipEmpty());
  EXPECT_THAT(names, AllOf(SizeIs(9), Each(StartsWith("porchlight:1:{intake/3}:"))));
  RedisStoreOptions other = OptionsOf(ServerOf(redis));
  other.service = "oncall";
  EXPECT_EQ(RedisStore(other, kClock).Where(3)->sequence(), 0u);
  ASSERT_TRUE(store->Wipe(3).ok());
  EXPECT_EQ(redis.Command({"DBSIZE"}), "0");
}

TEST(RedisStore, WhatIsNotOursIsToldAndGoesWithAWipe) {
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  ASSERT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
  redis.Command({"HSET", "porchlight:1:{intake/0}:states", "a", "nonsense"});
  EXPECT_THAT(Away(store->Load(0, "a").status()),
              AllOf(HasSubstr("isn't ours"), HasSubstr("intake/0"), HasSubstr("rebuild")));
  EXPECT_THAT(Away(store->List(0, {}).status()), HasSubstr("isn't ours"));
  redis.Command({"SET", "porchlight:1:{intake/0}:offsets", "nonsense"});
  Heard heard;
  EXPECT_THAT(Away(store->Visit(0, heard).status()), HasSubstr("isn't ours"));
  ASSERT_TRUE(store->Wipe(0).ok());
  EXPECT_TRUE(store->Apply(0, Batch(0, {Change("a", 0)})).ok());
}

TEST(RedisStore, TakesABatchOfAnySizeAsOne) {
  constexpr int kChanges = 10'000;
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  std::vector<StoreChange> changes;
  for (int n = 0; n < kChanges; ++n) {
    StoreChange change = Change(absl::StrCat("a", n), n, n % 2 == 0);
    change.timers_set = {TimerDue("t", n), TimerDue("u", n), TimerDue("v", n)};
    change.deliveries = {Delivery(absl::StrCat("d", n), v1::DELIVERY_STATE_DEAD)};
    changes.push_back(std::move(change));
  }
  ASSERT_TRUE(store->Apply(0, Batch(0, changes)).ok());
  EXPECT_THAT(IdsOf(store->List(0, {.active_only = true, .after = "", .limit = 100'000})),
              SizeIs(kChanges / 2));
  EXPECT_THAT(*store->DeadLetters(0, 150), SizeIs(150));
  EXPECT_THAT(*store->Timers(0, "a17"), SizeIs(3));
  for (StoreChange& change : changes) {
    change.timers_removed = {"t", "u", "v"};
    change.timers_set.clear();
    change.deliveries[0].set_state(v1::DELIVERY_STATE_DELIVERED);
  }
  ASSERT_TRUE(store->Apply(0, Batch(kChanges, changes)).ok());
  Heard heard;
  ASSERT_TRUE(store->Visit(0, heard).ok());
  EXPECT_THAT(heard.lines, SizeIs(kChanges));
  // One large state is no different.
  StoreChange large = Change("large", kChanges);
  large.aggregate.sealed_state = std::string(20'000'000, '\0');
  ASSERT_TRUE(store->Apply(0, Batch(uint64_t{2} * kChanges, {large})).ok());
  EXPECT_EQ(store->Load(0, "large")->sealed_state, large.aggregate.sealed_state);
}

// The server hangs up on whoever has so much of an answer waiting.
TEST(RedisStore, AStartReadsAHundredThousandInSmallAnswers) {
  constexpr int kBatch = 5'000;
  constexpr int kAggregates = 100'000;
  RedisProcess redis({"--client-output-buffer-limit", "normal", "500000", "0", "0"});
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  for (int from = 0; from < kAggregates; from += kBatch) {
    std::vector<StoreChange> changes;
    for (int n = from; n < from + kBatch; ++n) {
      changes.push_back(Change(absl::StrCat("youth-with-a-usual-id-", n), n));
      if (n % 10 == 0) changes.back().timers_set = {TimerDue("t", n)};
    }
    ASSERT_TRUE(store->Apply(0, Batch(static_cast<uint64_t>(from), changes)).ok());
  }
  struct Counter : StoreVisitor {
    void Aggregate(absl::string_view, int64_t offset) override { offsets += offset; }
    void Timer(const StoredTimer& timer) override { due += timer.timer.due_at().seconds(); }
    void Delivery(const v1::DeliveryStatus&) override {}
    int64_t offsets = 0;
    int64_t due = 0;
  } counter;
  const absl::StatusOr<v1::Checkpoint> visited = store->Visit(0, counter);
  ASSERT_TRUE(visited.ok()) << visited.status();
  EXPECT_EQ(visited->sequence(), static_cast<uint64_t>(kAggregates));
  // So each came once.
  constexpr int64_t kTimers = kAggregates / 10;
  EXPECT_EQ(counter.offsets, int64_t{kAggregates} * (kAggregates - 1) / 2);
  EXPECT_EQ(counter.due, 10 * (kTimers * (kTimers - 1) / 2));
}

TEST(RedisStore, AVisitOfManyPagesIsOfOneMomentOrTellsThatItCanNotBe) {
  constexpr int kAggregates = 3'000;
  RedisProcess redis;
  const std::unique_ptr<RedisStore> store = OpenRedis(redis);
  std::vector<StoreChange> changes;
  for (int n = 0; n < kAggregates; ++n) changes.push_back(Change(absl::StrCat("a", n), 0));
  ASSERT_TRUE(store->Apply(0, Batch(0, changes)).ok());
  std::atomic<bool> stop = false;
  std::thread applier([&] {
    uint64_t sequence = kAggregates;
    for (int64_t offset = 1; !stop; ++offset, sequence += 2) {
      const StoreBatch batch = Batch(sequence, {Change("a0", offset), Change("a2999", offset)});
      EXPECT_TRUE(store->Apply(0, batch).ok());
    }
  });
  struct Pair : StoreVisitor {
    void Aggregate(absl::string_view id, int64_t offset) override {
      if (id == "a0") first = offset;
      if (id == "a2999") last = offset;
    }
    void Timer(const StoredTimer&) override {}
    void Delivery(const v1::DeliveryStatus&) override {}
    int64_t first = -1;
    int64_t last = -1;
  };
  for (int n = 0; n < 20; ++n) {
    Pair pair;
    const absl::StatusOr<v1::Checkpoint> visited = store->Visit(0, pair);
    if (visited.ok()) {
      EXPECT_EQ(pair.first, pair.last);
      EXPECT_EQ(static_cast<uint64_t>(pair.first), (visited->sequence() - kAggregates) / 2);
    } else {
      EXPECT_THAT(Away(visited.status()), HasSubstr("changed 10 times while it was read"));
    }
  }
  stop = true;
  applier.join();
  Pair pair;
  EXPECT_TRUE(store->Visit(0, pair).ok());
  EXPECT_EQ(pair.first, pair.last);
}

}  // namespace
}  // namespace porchlight::store_redis_test
