// deploy/topics.yaml as it is read: what each line means to a broker, and what is wrong with it.

#include "common/config/topics_file.h"

#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"

namespace porchlight::topics_file_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

std::vector<kafka::TopicSpec> Read(const std::string& yaml) {
  absl::StatusOr<std::vector<kafka::TopicSpec>> topics = ReadTopics(yaml, "topics.yaml");
  EXPECT_TRUE(topics.ok()) << topics.status();
  return topics.value_or(std::vector<kafka::TopicSpec>());
}

constexpr char kThree[] = R"(
replication: 3
min_insync_replicas: 2
topics:
  - {name: a.events, partitions: 16, retention_days: for_ever}
  - {name: a.commands, partitions: 4, retention_days: 90}
  - {name: keys, partitions: 1, compacted: true}
)";

TEST(TopicsFile, SaysHowEachTopicIsSetUp) {
  const std::vector<kafka::TopicSpec> topics = Read(kThree);
  ASSERT_EQ(topics.size(), 3u);
  EXPECT_EQ(topics[0].name, "a.events");
  EXPECT_EQ(topics[0].partitions, 16);
  EXPECT_EQ(topics[0].replication, 3);
  for (const kafka::TopicSpec& topic : topics) {
    EXPECT_THAT(topic.settings, Contains(Pair("min.insync.replicas", "2")));
    EXPECT_THAT(topic.settings, Contains(Pair("unclean.leader.election.enable", "false")));
  }
  EXPECT_THAT(topics[0].settings, Contains(Pair("retention.ms", "-1")));
  EXPECT_THAT(topics[1].settings, Contains(Pair("retention.ms", "7776000000")));
  EXPECT_THAT(topics[2].settings, Contains(Pair("cleanup.policy", "compact")));
}

TEST(TopicsFile, OnFewerBrokersThereAreFewerCopies) {
  for (const auto& [brokers, replication, min_insync] :
       {std::tuple(1, 1, "1"), std::tuple(2, 2, "1"), std::tuple(3, 3, "2"),
        std::tuple(5, 3, "2")}) {
    std::vector<kafka::TopicSpec> topics = Read(kThree);
    LimitReplication(brokers, topics);
    for (const kafka::TopicSpec& topic : topics) {
      EXPECT_EQ(topic.replication, replication) << brokers;
      EXPECT_THAT(topic.settings, Contains(Pair("min.insync.replicas", min_insync))) << brokers;
    }
  }
}

TEST(TopicsFile, SaysWhatIsWrongAndWhere) {
  const std::pair<std::string, std::string> rows[] = {
      {"topics:\n  - {name: a, retention_days: 1}", "partitions"},
      {"topics:\n  - {name: a, partitions: 1}", "retention_days"},
      {"topics:\n  - {name: a, partitions: 1, retention_days: soon}", "1 to 36500, or for_ever"},
      {"topics:\n  - {name: a, partitions: 1, retention_days: 1, compacted: true}", "compacted"},
      {"topics:\n  - {name: a, partitions: 1, compacted: true}\n"
       "  - {name: a, partitions: 1, compacted: true}",
       "each topic once"},
      {"replication: 2\nmin_insync_replicas: 3\ntopics: []", "min_insync_replicas"},
      {"retention: 3", "retention"},
  };
  for (const auto& [yaml, expected] : rows) {
    const absl::Status wrong = ReadTopics(yaml, "topics.yaml").status();
    EXPECT_TRUE(absl::IsInvalidArgument(wrong)) << yaml;
    EXPECT_THAT(std::string(wrong.message()), HasSubstr(expected)) << yaml;
    EXPECT_THAT(std::string(wrong.message()), HasSubstr("topics.yaml")) << yaml;
  }
}

}  // namespace
}  // namespace porchlight::topics_file_test
