// What keys on Kafka promise beyond one object: several processes, compaction, a master key that
// isn't theirs, brokers that are away.

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/kafka/consumer.h"
#include "common/keys/kafka_keys.h"
#include "gmock/gmock.h"
#include "tests/contract/keys_folder.h"
#include "tests/support/kafka_broker.h"

namespace porchlight::keys_kafka_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KafkaBroker;

constexpr absl::Duration kCompactionLimit = absl::Minutes(2);

struct Stored {
  std::string kafka_key;
  std::string value;
  bool tombstone = false;
};

class KafkaKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const KafkaBroker& broker = KafkaBroker::Shared();
    ASSERT_TRUE(broker.status().ok()) << broker.status();
    const absl::Status made = kafka::CreateTopics(broker.Client(), {Topic()});
    ASSERT_TRUE(made.ok()) << made;
  }

  kafka::TopicSpec Topic() const {
    kafka::TopicSpec topic = testing::TestTopic(topic_, 1);
    // As eager as compaction can be: segments close after a tenth of a second, and are cleaned.
    topic.settings = {{"cleanup.policy", "compact"},
                      {"segment.ms", "100"},
                      {"min.cleanable.dirty.ratio", "0.0001"},
                      {"max.compaction.lag.ms", "1"},
                      {"delete.retention.ms", "0"}};
    return topic;
  }

  // As another process would have it.
  absl::StatusOr<std::unique_ptr<KafkaKeys>> Open(unsigned char master = 7) const {
    return KafkaKeys::Open({.client = KafkaBroker::Shared().Client(), .topic = topic_},
                           TestMaster(master));
  }
  std::unique_ptr<KafkaKeys> Opened() const {
    absl::StatusOr<std::unique_ptr<KafkaKeys>> keys = Open();
    EXPECT_TRUE(keys.ok()) << keys.status();
    return keys.ok() ? *std::move(keys) : nullptr;
  }

  // All that the broker still has.
  std::vector<Stored> ReadTopic() const {
    std::vector<Stored> all;
    const auto consumer =
        kafka::Consumer::Open(KafkaBroker::Shared().Client(), {.tell_ends = true});
    EXPECT_TRUE(consumer.ok()) << consumer.status();
    const kafka::Consumer::Queue queue = (*consumer)->MakeQueue();
    EXPECT_TRUE((*consumer)->Start({topic_, 0}, 0, queue).ok());
    while (const auto received = (*consumer)->Receive(queue, absl::Seconds(10))) {
      EXPECT_TRUE(received->trouble.ok()) << received->trouble;
      if (received->is_end || !received->trouble.ok()) break;
      all.push_back({received->key, received->value, !received->has_value});
    }
    (*consumer)->Stop({topic_, 0});
    return all;
  }

  bool Has(absl::string_view kafka_key_end) const {
    const std::vector<Stored> all = ReadTopic();
    return std::any_of(all.begin(), all.end(), [&](const Stored& stored) {
      return absl::EndsWith(stored.kafka_key, kafka_key_end);
    });
  }

  const std::string topic_ = testing::FreshPrefix() + "keys";
};

TEST_F(KafkaKeysTest, KeysAndDestroyedOnesAreTheSameAfterReopening) {
  const std::unique_ptr<KafkaKeys> first = Opened();
  const Key kept = *first->GetOrCreate("youth/a");
  ASSERT_TRUE(first->GetOrCreate("youth/b").ok());
  ASSERT_TRUE(first->Destroy("youth/b").ok());
  const std::unique_ptr<KafkaKeys> again = Opened();
  EXPECT_EQ(*again->Get("youth/a"), kept);
  EXPECT_TRUE(absl::IsFailedPrecondition(again->Get("youth/b").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(again->GetOrCreate("youth/b").status()));
}

TEST_F(KafkaKeysTest, WhatOneProcessMadeAnotherHasAtOnce) {
  const std::unique_ptr<KafkaKeys> one = Opened();
  const std::unique_ptr<KafkaKeys> other = Opened();
  for (int i = 0; i < 20; ++i) {
    const std::string name = absl::StrCat("youth/", i);
    const Key made = *one->GetOrCreate(name);
    const absl::StatusOr<Key> seen = other->Get(name);
    ASSERT_TRUE(seen.ok()) << seen.status();
    EXPECT_EQ(*seen, made);
  }
}

TEST_F(KafkaKeysTest, ProcessesThatCreateAtOnceGetTheSameKeys) {
  constexpr int kProcesses = 3;
  constexpr int kNames = 40;
  std::vector<std::vector<Key>> got(kProcesses);
  std::vector<std::jthread> threads;
  for (int p = 0; p < kProcesses; ++p) {
    threads.emplace_back([this, &mine = got[static_cast<size_t>(p)]] {
      const std::unique_ptr<KafkaKeys> keys = Opened();
      for (int i = 0; i < kNames; ++i) {
        mine.push_back(keys->GetOrCreate(absl::StrCat("youth/", i)).value_or(Key{}));
      }
    });
  }
  threads.clear();
  for (const std::vector<Key>& mine : got) EXPECT_EQ(mine, got[0]);
  // And whoever comes later has them too.
  const std::unique_ptr<KafkaKeys> later = Opened();
  for (int i = 0; i < kNames; ++i) {
    EXPECT_EQ(*later->Get(absl::StrCat("youth/", i)), got[0][static_cast<size_t>(i)]);
  }
}

// The one thing that compaction could change is who was first, and the one thing that it must
// change is that the bytes of a destroyed key go away.
TEST_F(KafkaKeysTest, CompactionKeepsTheFirstAndRemovesWhatWasDestroyed) {
  const std::unique_ptr<KafkaKeys> keys = Opened();
  const Key first = *keys->GetOrCreate("youth/a");
  ASSERT_TRUE(keys->GetOrCreate("youth/gone").ok());
  // One who lost the race for it: as a process that hadn't seen the first would write it.
  const auto loser = kafka::Producer::Open(KafkaBroker::Shared().Client());
  ASSERT_TRUE(loser.ok());
  const std::string wrapped(72, 'x');
  std::vector<kafka::Batch> late(1);
  late[0].where = {topic_, 0};
  for (const absl::string_view name : {"youth/a", "youth/gone"}) {
    late[0].messages.push_back({.key = absl::StrCat("key/ff00/", name),
                                .value = absl::string_view(wrapped),
                                .headers = {}});
  }
  ASSERT_TRUE((*loser)->Send(late).front().trouble.ok());
  ASSERT_TRUE(keys->Destroy("youth/gone").ok());

  // A segment closes when the next record comes after its time.
  int n = 0;
  const bool removed = testing::WaitUntil(
      [&] {
        EXPECT_TRUE(keys->GetOrCreate(absl::StrCat("youth/more", ++n)).ok());
        const std::vector<Stored> all = ReadTopic();
        return std::none_of(all.begin(), all.end(), [](const Stored& stored) {
          return absl::StartsWith(stored.kafka_key, "key/") &&
                 absl::EndsWith(stored.kafka_key, "/youth/gone") && !stored.tombstone;
        });
      },
      kCompactionLimit);
  EXPECT_TRUE(removed) << "the bytes of the destroyed key are still there";
  EXPECT_TRUE(Has("destroyed/youth/gone"));
  EXPECT_TRUE(Has("ff00/youth/a")) << "both are kept, so that the first stays the first";
  const std::unique_ptr<KafkaKeys> later = Opened();
  EXPECT_EQ(*later->Get("youth/a"), first);
  EXPECT_TRUE(absl::IsFailedPrecondition(later->GetOrCreate("youth/gone").status()));
}

TEST_F(KafkaKeysTest, ADestroyThatWasCutOffIsEndedByTheNextStart) {
  ASSERT_TRUE(Opened()->GetOrCreate("youth/a").ok());
  const auto producer = kafka::Producer::Open(KafkaBroker::Shared().Client());
  ASSERT_TRUE(producer.ok());
  std::vector<kafka::Batch> marker(1);
  marker[0].where = {topic_, 0};
  marker[0].messages.push_back(
      {.key = "destroyed/youth/a", .value = absl::string_view("destroyed"), .headers = {}});
  ASSERT_TRUE((*producer)->Send(marker).front().trouble.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Opened()->Get("youth/a").status()));
  const std::vector<Stored> all = ReadTopic();
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [](const Stored& stored) {
    return stored.tombstone && absl::EndsWith(stored.kafka_key, "/youth/a");
  })) << "its bytes are marked to be removed";
}

TEST_F(KafkaKeysTest, KeysAreTakenOverOnceAndNobodyElseOpensThemUntilThen) {
  const std::vector<NamedKey> taken = {
      {"youth/a", Key{1}}, {"youth/b", std::nullopt}, {"youth/c", Key{3}}};
  const auto mover = [this] {
    auto keys = KafkaKeys::Open(
        {.client = KafkaBroker::Shared().Client(), .topic = topic_, .for_move = true},
        TestMaster(7));
    EXPECT_TRUE(keys.ok()) << keys.status();
    return *std::move(keys);
  };
  {
    const std::unique_ptr<KafkaKeys> keys = mover();
    ASSERT_TRUE(keys->BeginMove().ok());
    ASSERT_TRUE(keys->Import({taken[0]}).ok());
  }
  const absl::Status kept_out = Open().status();
  EXPECT_TRUE(absl::IsUnavailable(kept_out)) << kept_out;
  EXPECT_THAT(std::string(kept_out.message()), HasSubstr("porchlight migrate"));
  const std::unique_ptr<KafkaKeys> keys = mover();
  EXPECT_TRUE(keys->moving());
  for (int n = 0; n < 2; ++n) {
    const absl::Status imported = keys->Import(taken);
    EXPECT_TRUE(imported.ok()) << imported;
  }
  EXPECT_TRUE(absl::IsFailedPrecondition(keys->Import({taken[0], taken[1]})));
  EXPECT_TRUE(absl::IsFailedPrecondition(keys->Import({taken[0], taken[1], {"youth/c", Key{4}}})));
  ASSERT_TRUE(keys->EndMove().ok());
  const std::unique_ptr<KafkaKeys> service = Opened();
  EXPECT_EQ(*service->Get("youth/a"), Key{1});
  EXPECT_TRUE(absl::IsFailedPrecondition(service->GetOrCreate("youth/b").status()));
  EXPECT_EQ(*service->Get("youth/c"), Key{3});
}

TEST_F(KafkaKeysTest, KeysOfAnotherMasterAreLeftAlone) {
  const Key made = *Opened()->GetOrCreate("youth/a");
  const absl::Status other = Open(8).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(other)) << other;
  EXPECT_THAT(std::string(other.message()), AllOf(HasSubstr(topic_), HasSubstr("master key")));
  EXPECT_EQ(*Opened()->Get("youth/a"), made);
}

TEST_F(KafkaKeysTest, WithoutItsTopicItSaysSo) {
  const absl::Status missing =
      KafkaKeys::Open({.client = KafkaBroker::Shared().Client(), .topic = topic_ + "-missing"},
                      TestMaster())
          .status();
  EXPECT_TRUE(absl::IsUnavailable(missing)) << missing;
  EXPECT_THAT(std::string(missing.message()),
              AllOf(HasSubstr(topic_ + "-missing"), HasSubstr("deploy/topics.yaml")));
}

TEST(KafkaKeysTrouble, WhereNobodyListensItSaysSo) {
  kafka::ClientOptions nobody;
  nobody.brokers = absl::StrCat("127.0.0.1:", testing::FreePort());
  nobody.answer_wait = absl::Milliseconds(500);
  const absl::Status away = KafkaKeys::Open({.client = nobody}, TestMaster()).status();
  EXPECT_TRUE(absl::IsUnavailable(away)) << away;
  EXPECT_THAT(std::string(away.message()), HasSubstr("no Kafka broker can be reached"));
}

}  // namespace
}  // namespace porchlight::keys_kafka_test
