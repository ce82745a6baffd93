#include "common/config/topics_file.h"

#include <algorithm>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/config/yaml_reader.h"

namespace porchlight {
namespace {

constexpr int64_t kPartitionsMax = 10'000;
constexpr int64_t kReplicationMax = 9;
constexpr int64_t kRetentionDaysMax = 36'500;
constexpr int64_t kDayMilliseconds = int64_t{24} * 3600 * 1000;
constexpr int64_t kHourMilliseconds = int64_t{3600} * 1000;
constexpr char kMinInsync[] = "min.insync.replicas";

void AddRetention(YamlMap& map, kafka::TopicSpec& topic) {
  bool compacted = false;
  map.Boolean("compacted", compacted);
  if (compacted) {
    if (map.Has("retention_days")) {
      map.Mistake("retention_days", "a compacted topic keeps what it has for ever",
                  "expected no such key beside compacted");
    }
    // What is to be forgotten is gone within a day of being marked.
    topic.settings.insert(topic.settings.end(),
                          {{"cleanup.policy", "compact"},
                           {"segment.ms", absl::StrCat(kHourMilliseconds)},
                           {"max.compaction.lag.ms", absl::StrCat(kDayMilliseconds)},
                           {"min.cleanable.dirty.ratio", "0.01"},
                           {"delete.retention.ms", absl::StrCat(kDayMilliseconds)}});
    return;
  }
  std::string days;
  map.Text("retention_days", Presence::kRequired, days);
  int64_t number = 0;
  std::string milliseconds = "-1";
  if (days != "for_ever") {
    if (!absl::SimpleAtoi(days, &number) || number < 1 || number > kRetentionDaysMax) {
      map.Mistake("retention_days", "it is no number of days",
                  absl::StrCat("expected 1 to ", kRetentionDaysMax, ", or for_ever"));
    }
    milliseconds = absl::StrCat(number * kDayMilliseconds);
  }
  topic.settings.insert(
      topic.settings.end(),
      {{"cleanup.policy", "delete"}, {"retention.ms", milliseconds}, {"retention.bytes", "-1"}});
}

kafka::TopicSpec ReadTopic(YamlMap& map, int64_t replication, int64_t min_insync) {
  kafka::TopicSpec topic;
  map.Text("name", Presence::kRequired, topic.name);
  int64_t partitions = 0;
  map.Integer("partitions", 1, kPartitionsMax, partitions);
  if (!map.Has("partitions")) {
    map.Mistake("partitions", "it is missing", "expected a number from 1 on");
  }
  topic.partitions = static_cast<int32_t>(partitions);
  topic.replication = static_cast<int>(replication);
  topic.settings = {{kMinInsync, absl::StrCat(min_insync)},
                    {"unclean.leader.election.enable", "false"},
                    // A record of the largest size with its key, its headers and its batch.
                    {"max.message.bytes", absl::StrCat(kRecordBytesMax + (64u << 10))},
                    {"message.timestamp.type", "CreateTime"}};
  AddRetention(map, topic);
  return topic;
}

}  // namespace

absl::StatusOr<std::vector<kafka::TopicSpec>> ReadTopics(absl::string_view yaml,
                                                         absl::string_view file) {
  YamlMistakes mistakes(file);
  const std::optional<YAML::Node> document = ParseYaml(yaml, mistakes);
  if (!document.has_value()) return mistakes.ToStatus();
  YamlMap map(mistakes, *document, 1, "", {"replication", "min_insync_replicas", "topics"});
  int64_t replication = 3;
  map.Integer("replication", 1, kReplicationMax, replication);
  int64_t min_insync = std::max<int64_t>(1, replication - 1);
  map.Integer("min_insync_replicas", 1, replication, min_insync);
  std::vector<kafka::TopicSpec> topics;
  std::set<std::string> names;
  for (YamlMap& topic : map.Maps("topics", {"name", "partitions", "retention_days", "compacted"})) {
    topics.push_back(ReadTopic(topic, replication, min_insync));
    if (!names.insert(topics.back().name).second) {
      topic.Mistake("name", "another topic has it already", "expected each topic once");
    }
  }
  if (!mistakes.empty()) return mistakes.ToStatus();
  return topics;
}

void LimitReplication(int brokers, std::vector<kafka::TopicSpec>& topics) {
  for (kafka::TopicSpec& topic : topics) {
    if (topic.replication <= brokers) continue;
    topic.replication = brokers;
    for (auto& [name, value] : topic.settings) {
      if (name == kMinInsync) value = absl::StrCat(std::max(1, brokers - 1));
    }
  }
}

}  // namespace porchlight
