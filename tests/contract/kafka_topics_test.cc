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
using ::testing::Not;
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
  EXPECT_EQ(BuiltInTopics(), testing::ReadFile(file));
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

TEST_F(KafkaTopicsTest, EachSettingThatDiffersIsSaidWithWhatToDo) {
  std::vector<kafka::TopicSpec> made;
  for (const char* name : {"one", "two"}) {
    kafka::TopicSpec topic = TestTopic(prefix_ + name, 1);
    topic.settings = {{"retention.ms", "86400000"}, {"cleanup.policy", "compact"}};
    made.push_back(topic);
  }
  ASSERT_TRUE(kafka::CreateTopics(client_, made).ok());
  std::vector<kafka::TopicSpec> wanted = made;
  for (kafka::TopicSpec& topic : wanted) {
    topic.replication = 3;
    topic.settings = {{"retention.ms", "-1"},
                      {"cleanup.policy", "delete"},
                      {"max.message.bytes", "2000000"},
                      {"min.insync.replicas", "2"},
                      {"unclean.leader.election.enable", "false"}};
  }
  const absl::Status said = kafka::CheckTopics(client_, wanted);
  EXPECT_TRUE(absl::IsFailedPrecondition(said)) << said;
  const std::string names = absl::StrCat("of ", prefix_, "one, ", prefix_, "two: ");
  EXPECT_THAT(std::string(said.message()),
              AllOf(HasSubstr(names + "there are 1 copies of each record, but must be 3"),
                    HasSubstr(names + "retention.ms is 86400000, but must be -1: kafka-configs.sh"),
                    HasSubstr("--add-config retention.ms=-1"),
                    HasSubstr("cleanup.policy is compact, but must be delete"),
                    HasSubstr("max.message.bytes is 1048588, but must be 2000000"),
                    HasSubstr("min.insync.replicas is 1, but must be 2"),
                    Not(HasSubstr("unclean.leader.election.enable"))));
  const auto found = kafka::InspectTopics(client_, wanted);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_TRUE(found->unusable.empty());
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
