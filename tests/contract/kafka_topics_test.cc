// Topics on a real broker: those of deploy/topics.yaml are made as it says, and what differs is
// told.

#include <filesystem>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/config/topics_file.h"
#include "common/kafka/topics.h"
#include "gmock/gmock.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/receiver_process.h"

namespace porchlight::kafka_topics_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::KafkaBroker;
using testing::TestTopic;

class KafkaTopicsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(KafkaBroker::Shared().status().ok()) << KafkaBroker::Shared().status();
  }
  const kafka::ClientOptions client_ = KafkaBroker::Shared().Client();
  const std::string prefix_ = testing::FreshPrefix();
};

TEST_F(KafkaTopicsTest, ThoseOfTheFileAreMadeOnceAndAreRightAfterwards) {
  const std::string file = absl::StrCat(SOURCE_DIR, "/deploy/topics.yaml");
  absl::StatusOr<std::vector<kafka::TopicSpec>> topics = ReadTopics(testing::ReadFile(file), file);
  ASSERT_TRUE(topics.ok()) << topics.status();
  LimitReplication(1, *topics);
  for (kafka::TopicSpec& topic : *topics) topic.name = prefix_ + topic.name;
  EXPECT_TRUE(absl::IsFailedPrecondition(kafka::CheckTopics(client_, *topics)));
  for (int i = 0; i < 2; ++i) {
    const absl::Status made = kafka::CreateTopics(client_, *topics);
    EXPECT_TRUE(made.ok()) << made;
  }
  const absl::Status right = kafka::CheckTopics(client_, *topics);
  EXPECT_TRUE(right.ok()) << right;
}

TEST_F(KafkaTopicsTest, WhatIsMissingOrOtherwiseIsNamed) {
  ASSERT_TRUE(kafka::CreateTopics(client_, {TestTopic(prefix_ + "three", 3)}).ok());
  for (const absl::Status& status :
       {kafka::CheckTopics(client_, {TestTopic(prefix_ + "three", 4), TestTopic(prefix_ + "none")}),
        kafka::CreateTopics(client_, {TestTopic(prefix_ + "three", 4)})}) {
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr(prefix_ + "three has 3 partitions"), HasSubstr("must have 4")));
  }
}

TEST_F(KafkaTopicsTest, ABrokersRefusalIsPassedOn) {
  kafka::TopicSpec topic = TestTopic(prefix_ + "copies", 1);
  topic.replication = 3;
  const absl::Status refused = kafka::CreateTopics(client_, {topic});
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(topic.name));
}

}  // namespace
}  // namespace porchlight::kafka_topics_test
