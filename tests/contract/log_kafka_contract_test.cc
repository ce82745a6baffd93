// What the log on Kafka promises beyond its own connections: other writers, brokers that are away
// or aren't brokers, topics that are missing, and what other programs see of a record.

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/kafka/consumer.h"
#include "common/kafka/topics.h"
#include "common/log/append_rules.h"
#include "common/log/kafka_log.h"
#include "gmock/gmock.h"
#include "tests/contract/log_testing.h"
#include "tests/support/kafka_broker.h"

namespace porchlight::log_kafka_contract_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using testing::FreshPrefix;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using testing::KafkaBroker;
using testing::TestTopic;

constexpr absl::Duration kRecoveryLimit = absl::Minutes(1);

std::unique_ptr<KafkaLog> Opened(const KafkaLogOptions& options) {
  absl::StatusOr<std::unique_ptr<KafkaLog>> log = KafkaLog::Open(options);
  EXPECT_TRUE(log.ok()) << log.status();
  return log.ok() ? *std::move(log) : nullptr;
}

// As another process would have it.
std::unique_ptr<KafkaLog> Opened() { return Opened({.client = KafkaBroker::Shared().Client()}); }

class KafkaLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const KafkaBroker& broker = KafkaBroker::Shared();
    ASSERT_TRUE(broker.status().ok()) << broker.status();
    const absl::Status made = kafka::CreateTopics(
        broker.Client(), {TestTopic(events_.topic, 4), TestTopic(commands_.topic, 4)});
    ASSERT_TRUE(made.ok()) << made;
  }

  const std::string prefix_ = FreshPrefix();
  const TopicPartition events_{prefix_ + "porchlight.intake.events", 1};
  const TopicPartition commands_{prefix_ + "porchlight.intake.commands", 2};
};

TEST_F(KafkaLogTest, AcceptedRecordsAreThereAfterReopening) {
  AppendTo(*Opened(), commands_, {"a", "b"});
  const std::unique_ptr<KafkaLog> log = Opened();
  EXPECT_EQ(EndOf(*log, commands_), 2);
  EXPECT_EQ(AppendTo(*log, commands_, {"c"}, 2).outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(ReadAll(*log, commands_), ElementsAre("a", "b", "c"));
}

TEST_F(KafkaLogTest, ReadSeesWhatAnotherWriterWasPromisedAtOnce) {
  const std::unique_ptr<KafkaLog> one = Opened();
  const std::unique_ptr<KafkaLog> other = Opened();
  EXPECT_THAT(ReadAll(*one, events_), IsEmpty());
  for (int n = 0; n < 50; ++n) {
    const std::string record = absl::StrCat(n);
    ASSERT_EQ(AppendTo(*other, events_, {record}, n).outcome, AppendOutcome::kAccepted);
    const auto read = one->Read(events_, n);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_THAT(*read, ElementsAre(record));
    EXPECT_EQ(EndOf(*one, events_), n + 1);
  }
}

TEST_F(KafkaLogTest, RacesWithAnotherWriterAreLost) {
  const std::unique_ptr<KafkaLog> one = Opened();
  const std::unique_ptr<KafkaLog> other = Opened();
  ChainWriter first(*one, events_);
  ChainWriter second(*other, events_);
  EXPECT_EQ(first.Append("first", 2).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(second.Append("second", 3).outcome, AppendOutcome::kLostRace);
  EXPECT_THAT(second.CatchUp(), ElementsAre("first1", "first2"));
  EXPECT_EQ(second.Append("again").outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(first.CatchUp(), ElementsAre("first1", "first2", "again1"));
}

TEST_F(KafkaLogTest, ListenersHearOfAnotherWritersAppends) {
  const std::unique_ptr<KafkaLog> one = Opened();
  const std::unique_ptr<KafkaLog> other = Opened();
  Signal signal;
  one->AddListener(&signal, {commands_.topic});
  ASSERT_EQ(EndOf(*one, commands_), 0);
  AppendTo(*other, commands_, {"a"});
  signal.Wait(kRecoveryLimit);
  EXPECT_EQ(EndOf(*one, commands_), 1);
  one->RemoveListener(&signal);
}

// Batches of three: whatever comes between them, who believes to have won has won.
TEST_F(KafkaLogTest, OfTwoWritersOfBatchesExactlyWhatEachBelievesCounts) {
  constexpr int kEach = 100;
  std::vector<std::vector<std::string>> believed(2);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      const std::unique_ptr<KafkaLog> log = Opened();
      ChainWriter writer(*log, events_);
      for (int n = 0; n < kEach; ++n) {
        const std::string name = absl::StrCat("writer", t, "-", n, "-");
        const AppendOutcome outcome = writer.Append(name, 3).outcome;
        const std::vector<std::string> caught_up = writer.CatchUp();
        if (outcome == AppendOutcome::kAccepted) {
          EXPECT_THAT(caught_up,
                      IsSupersetOf(std::vector<std::string>{name + "1", name + "2", name + "3"}));
        }
        for (const std::string& id : caught_up) {
          if (id.substr(0, 7) == absl::StrCat("writer", t)) believed[t].push_back(id);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto chain = ReadChain(*Opened(), events_);
  ASSERT_TRUE(chain.ok()) << chain.status();
  std::vector<std::vector<std::string>> counted(2);
  for (const Counted& transition : *chain) {
    const std::string& id = transition.transition.aggregate_id();
    counted[id.substr(0, 7) == "writer1"].push_back(id);
  }
  EXPECT_EQ(counted, believed);
  EXPECT_FALSE(counted[0].empty());
  EXPECT_FALSE(counted[1].empty());
}

TEST_F(KafkaLogTest, ReadsAreTheSameFromMemoryAndFromTheBroker) {
  std::vector<std::string> records;
  for (int i = 0; i < 3000; ++i) {
    records.push_back(absl::StrCat(i, std::string(static_cast<size_t>(i % 700), 'x')));
  }
  const std::unique_ptr<KafkaLog> writer = Opened();
  ASSERT_EQ(AppendTo(*writer, commands_, records).outcome, AppendOutcome::kAccepted);
  const std::unique_ptr<KafkaLog> forgetful =
      Opened({.client = KafkaBroker::Shared().Client(), .cache_bytes_max = 0});
  for (Log* log : {static_cast<Log*>(writer.get()), static_cast<Log*>(forgetful.get())}) {
    EXPECT_EQ(ReadAll(*log, commands_), records);
    for (const int64_t from : {2999, 0, 1, 1500, 1501, 2998}) {
      const auto read = log->Read(commands_, from, {.records_max = 1});
      ASSERT_TRUE(read.ok()) << read.status();
      EXPECT_THAT(*read, ElementsAre(records[static_cast<size_t>(from)]));
    }
    const auto limited = log->Read(commands_, 100, {.bytes_max = 1000});
    ASSERT_TRUE(limited.ok()) << limited.status();
    const auto rest = log->Read(commands_, 100 + static_cast<int64_t>(limited->size()));
    ASSERT_TRUE(rest.ok()) << rest.status();
    EXPECT_EQ(rest->front(), records[100 + limited->size()]);
  }
}

v1::RecordHeader CommandHeader() {
  v1::RecordHeader header;
  header.set_record_id("c-1");
  header.set_type("porchlight.v1.ReportMissing");
  header.set_agency_id("example-county");
  header.set_youth_id("y-100");
  header.mutable_received_at()->set_seconds(1'790'000'000);
  header.mutable_received_at()->set_nanos(250'000'000);
  return header;
}

// What a program that knows nothing of Porchlight sees.
TEST_F(KafkaLogTest, EveryRecordCarriesTheHeadersOfACloudEvent) {
  v1::Record record;
  CommandHeader().SerializeToString(record.mutable_header());
  record.set_sealed("sealed");
  const std::string bytes = record.SerializeAsString();
  AppendTo(*Opened(), commands_, {bytes});

  const auto consumer = kafka::Consumer::Open(KafkaBroker::Shared().Client(), {});
  ASSERT_TRUE(consumer.ok()) << consumer.status();
  const kafka::Consumer::Queue queue = (*consumer)->MakeQueue();
  ASSERT_TRUE((*consumer)->Start(commands_, 0, queue).ok());
  {
    const kafka::Handle<rd_kafka_message_t> message(rd_kafka_consume_queue(queue.get(), 10'000));
    ASSERT_NE(message, nullptr);
    EXPECT_EQ(std::string(static_cast<const char*>(message->payload), message->len), bytes);
    EXPECT_EQ(std::string(static_cast<const char*>(message->key), message->key_len), "y-100");
    rd_kafka_headers_t* headers = nullptr;
    ASSERT_EQ(rd_kafka_message_headers(message.get(), &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    std::map<std::string, std::string> seen;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      seen[name] = std::string(static_cast<const char*>(value), size);
    }
    EXPECT_EQ(seen["ce_specversion"], "1.0");
    EXPECT_EQ(seen["ce_id"], "c-1");
    EXPECT_EQ(seen["ce_type"], "porchlight.v1.ReportMissing");
    EXPECT_EQ(seen["ce_source"], "/example-county/" + commands_.topic);
    EXPECT_EQ(seen["ce_time"], "2026-09-21T14:13:20.25Z");
    EXPECT_EQ(seen["content-type"], "application/protobuf");
    EXPECT_THAT(seen["traceparent"], ::testing::MatchesRegex("00-[0-9a-f]+-[0-9a-f]+-01"));
    EXPECT_EQ(seen["traceparent"].size(), 55u);
  }
  (*consumer)->Stop(commands_);
}

TEST_F(KafkaLogTest, ARecordThatTheTopicDoesNotTakeIsRefusedWithWhatToDo) {
  const TopicPartition where{prefix_ + "small", 0};
  kafka::TopicSpec topic = TestTopic(where.topic, 1);
  topic.settings = {{"max.message.bytes", "2000"}};
  ASSERT_TRUE(kafka::CreateTopics(KafkaBroker::Shared().Client(), {topic}).ok());
  const std::unique_ptr<KafkaLog> log = Opened();
  const AppendResult refused = AppendTo(*log, where, {std::string(5000, 'x')});
  EXPECT_EQ(refused.outcome, AppendOutcome::kRefused);
  EXPECT_THAT(
      std::string(refused.reason.message()),
      AllOf(HasSubstr("5000 bytes"), HasSubstr(where.topic), HasSubstr("max.message.bytes")));
  EXPECT_EQ(AppendTo(*log, where, {"small"}).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(EndOf(*log, where), 1);
}

TEST_F(KafkaLogTest, AMissingTopicIsNamedAndUsedOnceItIsThere) {
  const TopicPartition where{prefix_ + "missing", 0};
  const std::unique_ptr<KafkaLog> log = Opened();
  const AppendResult refused = AppendTo(*log, where, {"a"});
  EXPECT_EQ(refused.outcome, AppendOutcome::kRefused);
  for (const absl::Status& status :
       {refused.reason, log->Read(where, 0).status(), log->End(where).status()}) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(where.topic), HasSubstr("deploy/topics.yaml")));
  }
  ASSERT_TRUE(
      kafka::CreateTopics(KafkaBroker::Shared().Client(), {TestTopic(where.topic, 1)}).ok());
  EXPECT_EQ(AppendTo(*log, where, {"a"}).outcome, AppendOutcome::kAccepted);
  EXPECT_THAT(ReadAll(*log, where), ElementsAre("a"));
}

TEST_F(KafkaLogTest, WhatRetentionRemovedIsToldWithWhereTheRestBegins) {
  const kafka::ClientOptions client = KafkaBroker::Shared().Client();
  AppendTo(*Opened(), commands_, {"a", "b", "c", "d", "e"});
  for (const int64_t start : {3, 5}) {
    const absl::Status removed = testing::RemoveRecordsBefore(client, commands_, start);
    ASSERT_TRUE(removed.ok()) << removed;
    const std::unique_ptr<KafkaLog> log = Opened();
    const absl::Status told = log->Read(commands_, 1).status();
    EXPECT_TRUE(absl::IsDataLoss(told)) << told;
    EXPECT_EQ(StartOfWhatIsLeft(told), start);
    const auto rest = log->Read(commands_, start);
    ASSERT_TRUE(rest.ok()) << rest.status();
    EXPECT_EQ(rest->size(), static_cast<size_t>(5 - start));
    EXPECT_EQ(EndOf(*log, commands_), 5);
  }
  const std::unique_ptr<KafkaLog> log = Opened();
  EXPECT_EQ(AppendTo(*log, commands_, {"f"}, 5).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(StartOfWhatIsLeft(log->Read(commands_, 9).status()), std::nullopt);
}

TEST_F(KafkaLogTest, APartitionBeyondTheTopicsIsNamed) {
  const TopicPartition where{events_.topic, 4};
  const std::unique_ptr<KafkaLog> log = Opened();
  const AppendResult refused = AppendTo(*log, where, {"a"});
  EXPECT_EQ(refused.outcome, AppendOutcome::kRefused);
  for (const absl::Status& status : {refused.reason, log->End(where).status()}) {
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("has 4 partitions"), HasSubstr(events_.topic + "/4")));
  }
}

KafkaLogOptions ImpatientAt(const std::string& brokers) {
  KafkaLogOptions options;
  options.client.brokers = brokers;
  options.client.answer_wait = absl::Milliseconds(500);
  options.client.delivery_wait = absl::Milliseconds(500);
  return options;
}

// Every call says `texts`, and nothing ends or hangs.
void ExpectTrouble(Log& log, const std::string& text, const std::string& address) {
  const TopicPartition where{"porchlight.intake.events", 0};
  const AppendResult result = AppendTo(log, where, {"a"});
  EXPECT_EQ(result.outcome, AppendOutcome::kRefused);
  for (const absl::Status& status :
       {result.reason, log.Read(where, 0).status(), log.End(where).status()}) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr(text), HasSubstr(address)));
  }
}

TEST(KafkaTrouble, WhereNobodyListensEveryCallSaysSo) {
  const std::string address = absl::StrCat("127.0.0.1:", testing::FreePort());
  ExpectTrouble(*Opened(ImpatientAt(address)), "no Kafka broker can be reached", address);
}

// Answers whatever is asked as a web server does.
class WebServer {
 public:
  WebServer() : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    address_ = absl::StrCat("127.0.0.1:", ntohs(address.sin_port));
    thread_ = std::thread([this] {
      for (int client = 0; (client = accept(listener_, nullptr, nullptr)) >= 0;) {
        const std::string answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        char question[512];
        if (recv(client, question, sizeof question, 0) > 0)
          send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
        close(client);
      }
    });
  }
  ~WebServer() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  const std::string& address() const { return address_; }

 private:
  const int listener_;
  std::string address_;
  std::thread thread_;
};

TEST(KafkaTrouble, WhereSomethingElseAnswersEveryCallSaysSo) {
  const WebServer server;
  ExpectTrouble(*Opened(ImpatientAt(server.address())), "doesn't speak Kafka's protocol",
                server.address());
}

TEST(KafkaTrouble, OnlyPropertiesOfSecurityMayBeSet) {
  KafkaLogOptions options = ImpatientAt("127.0.0.1:9");
  options.client.security = {{"acks", "0"}};
  const absl::Status other = KafkaLog::Open(options).status();
  EXPECT_TRUE(absl::IsInvalidArgument(other));
  EXPECT_THAT(std::string(other.message()), HasSubstr("acks"));
  options.client.security = {{"security.protocol", "carrier-pigeon"}};
  EXPECT_TRUE(absl::IsInvalidArgument(KafkaLog::Open(options).status()));
}

TEST(KafkaTrouble, ABrokerThatDiesIsMissedAndWhatItAcceptedIsThereWhenItComesBack) {
  KafkaBroker broker;
  ASSERT_TRUE(broker.status().ok()) << broker.status();
  const TopicPartition where{"porchlight.intake.events", 0};
  ASSERT_TRUE(kafka::CreateTopics(broker.Client(), {TestTopic(where.topic, 1)}).ok());
  KafkaLogOptions options = ImpatientAt(broker.Client().brokers);
  options.client.answer_wait = absl::Seconds(5);
  options.client.delivery_wait = absl::Seconds(2);
  const std::unique_ptr<KafkaLog> log = Opened(options);
  ASSERT_EQ(AppendTo(*log, where, {"a", "b"}, 0).outcome, AppendOutcome::kAccepted);

  broker.Kill();
  const AppendResult lost = AppendTo(*log, where, {"c"});
  EXPECT_NE(lost.outcome, AppendOutcome::kAccepted);
  EXPECT_TRUE(testing::WaitUntil([&] { return !log->End(where).ok(); }, kRecoveryLimit));
  EXPECT_THAT(std::string(log->End(where).status().message()),
              HasSubstr("no Kafka broker can be reached"));
  EXPECT_THAT(log->Read(where, 0).value_or(std::vector<std::string>()), ElementsAre("a", "b"))
      << "what is in memory is still read";

  ASSERT_TRUE(broker.Restart().ok());
  EXPECT_TRUE(testing::WaitUntil([&] { return log->End(where).ok(); }, kRecoveryLimit));
  EXPECT_TRUE(testing::WaitUntil(
      [&] { return AppendTo(*log, where, {"d"}).outcome == AppendOutcome::kAccepted; },
      kRecoveryLimit));
  const std::vector<std::string> all = ReadAll(*Opened(options), where);
  ASSERT_GE(all.size(), 3u);
  EXPECT_THAT(std::vector<std::string>(all.begin(), all.begin() + 2), ElementsAre("a", "b"));
  EXPECT_THAT(all, Contains("d"));
}

}  // namespace
}  // namespace porchlight::log_kafka_contract_test
