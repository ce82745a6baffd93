// What every Keys adapter promises.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/keys/file_keys.h"
#include "common/keys/kafka_keys.h"
#include "common/keys/memory_keys.h"
#include "tests/contract/keys_folder.h"
#include "tests/support/kafka_broker.h"

namespace porchlight::keys_contract_test {
namespace {

class KeysContract : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "memory") {
      keys_ = std::make_unique<MemoryKeys>();
    } else if (GetParam() == "file") {
      keys_ = OpenKeys(folder_.Path("keys.db"));
    } else {
      OpenKafka();
    }
  }

  void OpenKafka() {
    testing::KafkaBroker& broker = testing::KafkaBroker::Shared();
    ASSERT_TRUE(broker.status().ok()) << broker.status();
    const std::string topic = testing::FreshPrefix() + "keys";
    const absl::Status made = kafka::CreateTopics(broker.Client(), {testing::TestTopic(topic, 1)});
    ASSERT_TRUE(made.ok()) << made;
    absl::StatusOr<std::unique_ptr<KafkaKeys>> keys =
        KafkaKeys::Open({.client = broker.Client(), .topic = topic}, TestMaster());
    ASSERT_TRUE(keys.ok()) << keys.status();
    keys_ = *std::move(keys);
  }

  TemporaryFolder folder_;
  std::unique_ptr<Keys> keys_;
};

INSTANTIATE_TEST_SUITE_P(Adapters, KeysContract, ::testing::Values("memory", "file", "Kafka"),
                         [](const auto& about) { return about.param; });

TEST_P(KeysContract, GivesTheSameKeyEveryTime) {
  const absl::StatusOr<Key> made = keys_->GetOrCreate("youth/a");
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(*keys_->GetOrCreate("youth/a"), *made);
  EXPECT_EQ(*keys_->Get("youth/a"), *made);
}

TEST_P(KeysContract, NoTwoKeysAreAlike) {
  std::set<Key> seen;
  for (int i = 0; i < 100; ++i) seen.insert(*keys_->GetOrCreate(absl::StrCat("youth/", i)));
  seen.insert(*keys_->GetOrCreate(std::string(kAgencyKey)));
  EXPECT_EQ(seen.size(), 101u);
}

TEST_P(KeysContract, GetNeverCreates) {
  EXPECT_EQ(keys_->Get("youth/a").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(keys_->Get("youth/a").status().code(), absl::StatusCode::kNotFound);
}

TEST_P(KeysContract, DestroyedStaysDestroyed) {
  const Key other = *keys_->GetOrCreate("youth/b");
  ASSERT_TRUE(keys_->GetOrCreate("youth/a").ok());
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(keys_->Destroy("youth/a").ok());
    EXPECT_EQ(keys_->Get("youth/a").status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(keys_->GetOrCreate("youth/a").status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(*keys_->Get("youth/b"), other);
}

TEST_P(KeysContract, AKeyDestroyedBeforeItWasMadeIsNeverMade) {
  EXPECT_TRUE(keys_->Destroy("youth/a").ok());
  EXPECT_EQ(keys_->GetOrCreate("youth/a").status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(keys_->Get("youth/a").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_P(KeysContract, CreatorsAtOnceGetTheSameKey) {
  constexpr int kThreads = 8;
  constexpr int kNames = 50;
  std::vector<std::vector<Key>> got(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([this, &mine = got[t]] {
        for (int i = 0; i < kNames; ++i) {
          const absl::StatusOr<Key> key = keys_->GetOrCreate(absl::StrCat("youth/", i));
          EXPECT_TRUE(key.ok()) << key.status();
          mine.push_back(key.value_or(Key{}));
        }
      });
    }
  }
  for (const std::vector<Key>& mine : got) EXPECT_EQ(mine, got[0]);
  EXPECT_EQ(std::set<Key>(got[0].begin(), got[0].end()).size(), static_cast<size_t>(kNames));
}

// Once Destroy has returned, no thread gets the key, whatever was in progress.
TEST_P(KeysContract, DestroyWinsOverCreatorsAtOnce) {
  for (int round = 0; round < 20; ++round) {
    const std::string name = absl::StrCat("youth/", round);
    std::atomic<bool> destroyed = false;
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([this, &name, &destroyed] {
        bool last = false;
        while (!last) {
          last = destroyed;
          const absl::Status created = keys_->GetOrCreate(name).status();
          const absl::Status read = keys_->Get(name).status();
          if (!last) continue;
          EXPECT_EQ(created.code(), absl::StatusCode::kFailedPrecondition);
          EXPECT_EQ(read.code(), absl::StatusCode::kFailedPrecondition);
        }
      });
    }
    EXPECT_TRUE(keys_->Destroy(name).ok());
    destroyed = true;
  }
}

TEST(MemoryKeysTest, AreAwayOnRequest) {
  MemoryKeys keys;
  const Key key = *keys.GetOrCreate("youth/a");
  keys.SetUnavailable(true);
  EXPECT_EQ(keys.Get("youth/a").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(keys.GetOrCreate("youth/b").status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(keys.Destroy("youth/a").code(), absl::StatusCode::kUnavailable);
  keys.SetUnavailable(false);
  EXPECT_EQ(*keys.Get("youth/a"), key);
  EXPECT_EQ(keys.Get("youth/b").status().code(), absl::StatusCode::kNotFound);
}

TEST(MemoryKeysTest, OneSeedGivesTheSameKeys) {
  EXPECT_EQ(*MemoryKeys(1).GetOrCreate("youth/a"), *MemoryKeys(1).GetOrCreate("youth/a"));
  EXPECT_NE(*MemoryKeys(1).GetOrCreate("youth/a"), *MemoryKeys(2).GetOrCreate("youth/a"));
  EXPECT_NE(*MemoryKeys(1).GetOrCreate("youth/a"), *MemoryKeys(1).GetOrCreate("youth/b"));
}

}  // namespace
}  // namespace porchlight::keys_contract_test
