// A real broker that asks who comes, and lets nobody do what wasn't granted: everything says so in
// words, never with the password, and goes on once the right is granted.

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/keys/kafka_keys.h"
#include "common/log/kafka_log.h"
#include "gmock/gmock.h"
#include "tests/contract/keys_folder.h"
#include "tests/contract/log_testing.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/redis_process.h"

namespace porchlight::kafka_access_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KafkaBroker;
using ::testing::Not;
using testing::TestTopic;

constexpr char kGuarded[] =
    R"(listener.security.protocol.map=BROKER:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
listener.name.broker.plain.sasl.jaas.config=\
  org.apache.kafka.common.security.plain.PlainLoginModule required \
  username="admin" password="admin-secret" user_admin="admin-secret" user_porchlight="our-secret";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:admin;User:ANONYMOUS
)";

kafka::Properties As(const std::string& user, const std::string& password) {
  return {{"security.protocol", "SASL_PLAINTEXT"},
          {"sasl.mechanism", "PLAIN"},
          {"sasl.username", user},
          {"sasl.password", password}};
}

TEST(KafkaAccess, WhatIsRefusedIsSaidAndGoesOnOnceItIsGranted) {
  const KafkaBroker broker(1, {.broker = kGuarded, .client = As("admin", "admin-secret")});
  ASSERT_TRUE(broker.status().ok()) << broker.status();
  const TopicPartition where{"porchlight.intake.events", 0};
  const kafka::TopicSpec topic = TestTopic(where.topic, 1);
  ASSERT_EQ(kafka::CreateTopics(broker.Client(), {topic, TestTopic("porchlight.keys", 1)}),
            absl::OkStatus());
  kafka::ClientOptions client = broker.Client();
  client.answer_wait = absl::Seconds(3);
  client.delivery_wait = absl::Seconds(3);

  // Without a name, and with a wrong password.
  client.security = As("porchlight", "hunter2");
  const absl::Status stranger = kafka::CheckTopics(client, {topic});
  EXPECT_TRUE(absl::IsUnavailable(stranger)) << stranger;
  EXPECT_THAT(std::string(stranger.message()),
              AllOf(HasSubstr("refuse"), HasSubstr("password"), Not(HasSubstr("hunter2"))));
  client.security = {};
  const absl::Status unnamed = kafka::CheckTopics(client, {topic});
  EXPECT_TRUE(absl::IsUnavailable(unnamed)) << unnamed;
  EXPECT_THAT(std::string(unnamed.message()), HasSubstr(client.brokers));

  client.security = As("porchlight", "our-secret");
  const auto log = KafkaLog::Open({.client = client});
  ASSERT_TRUE(log.ok()) << log.status();
  const AppendResult refused = AppendTo(**log, where, {"a"});
  EXPECT_EQ(refused.outcome, AppendOutcome::kRefused);
  for (const absl::Status& status :
       {refused.reason, (*log)->Read(where, 0).status(), (*log)->End(where).status(),
        KafkaKeys::Open({.client = client}, TestMaster(7)).status()}) {
    EXPECT_TRUE(absl::IsUnavailable(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("refuse"), HasSubstr("Give this service's Kafka user the right"),
                      Not(HasSubstr("our-secret"))));
  }
  ASSERT_EQ(testing::AllowTopics(broker.Client(), "porchlight"), absl::OkStatus());
  EXPECT_EQ(AppendTo(**log, where, {"a"}).outcome, AppendOutcome::kAccepted);
  EXPECT_EQ(ReadAll(**log, where), std::vector<std::string>{"a"});
  EXPECT_TRUE(KafkaKeys::Open({.client = client}, TestMaster(7)).ok());
}

TEST(KafkaAccess, ARedisInTheBrokersPlaceIsNotTakenForOne) {
  const testing::RedisProcess redis;
  kafka::ClientOptions client;
  client.brokers = absl::StrCat("127.0.0.1:", redis.port());
  client.answer_wait = absl::Seconds(2);
  const absl::Status said = kafka::CheckTopics(client, {TestTopic("porchlight.keys", 1)});
  EXPECT_TRUE(absl::IsUnavailable(said)) << said;
  EXPECT_THAT(std::string(said.message()), HasSubstr(client.brokers));
}

}  // namespace
}  // namespace porchlight::kafka_access_test
