// See cluster_hops.h.
#include "tests/bench/cluster_hops.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/kafka/producer.h"
#include "common/kafka/topics.h"
#include "tests/bench/load.h"
#include "tests/bench/require.h"

namespace porchlight::bench {
namespace {

constexpr absl::Duration kReceiveWait = absl::Milliseconds(50);
constexpr absl::Duration kArrivalMayTake = absl::Seconds(10);

}  // namespace

Follower::Follower(const kafka::ClientOptions& client, const std::vector<std::string>& topics)
    : consumer_(Require(kafka::Consumer::Open(client, {}))), queue_(consumer_->MakeQueue()) {
  for (const std::string& topic : topics) {
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      const TopicPartition where{topic, partition};
      Require(consumer_->Start(where, Require(consumer_->client().AskEnd(where)), queue_));
      followed_.push_back(where);
    }
  }
  thread_ = std::thread([this] {
    while (!stopping_) {
      const std::optional<kafka::Received> received = consumer_->Receive(queue_, kReceiveWait);
      if (!received.has_value() || !received->trouble.ok()) continue;
      const absl::Duration now = SystemClock().Steady();
      absl::MutexLock lock(&mutex_);
      first_.try_emplace({received->where.topic, received->key}, now);
    }
  });
}

Follower::~Follower() {
  stopping_ = true;
  thread_.join();
  for (const TopicPartition& where : followed_) consumer_->Stop(where);
}

absl::Duration Follower::First(const std::string& topic, const std::string& key) const {
  absl::MutexLock lock(&mutex_);
  const auto found = first_.find({topic, key});
  return found == first_.end() ? absl::InfiniteDuration() : found->second;
}

KafkaFloor MeasureKafka(const kafka::ClientOptions& client, const std::string& topic, int brokers,
                        size_t count, double per_second) {
  Require(kafka::CreateTopics(
      client,
      {{.name = topic, .partitions = kPartitions, .replication = brokers, .settings = {}}}));
  const std::unique_ptr<kafka::Producer> producer = Require(kafka::Producer::Open(client));
  Follower follower(client, {topic});
  const std::string record(1024, 'x');
  std::vector<absl::Duration> begun;
  KafkaFloor floor;
  const absl::Duration start = SystemClock().Steady();
  for (size_t i = 0; i < count; ++i) {
    WaitUntil(start + absl::Seconds(static_cast<double>(i) / per_second));
    begun.push_back(SystemClock().Steady());
    const std::vector<kafka::Sent> sent =
        producer->Send({{.where = {topic, static_cast<int32_t>(i % kPartitions)},
                         .messages = {{.key = absl::StrCat(i), .value = record, .headers = {}}}}});
    Require(sent.front().trouble);
    floor.append.push_back(SystemClock().Steady() - begun.back());
  }
  const absl::Duration until = SystemClock().Steady() + kArrivalMayTake;
  for (size_t i = 0; i < count; ++i) {
    absl::Duration came = absl::InfiniteDuration();
    while ((came = follower.First(topic, absl::StrCat(i))) == absl::InfiniteDuration() &&
           SystemClock().Steady() < until) {
      WaitUntil(SystemClock().Steady() + kReceiveWait);
    }
    if (came < absl::InfiniteDuration()) floor.hop.push_back(came - begun[i]);
  }
  return floor;
}

}  // namespace porchlight::bench
