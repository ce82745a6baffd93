#include "common/config/cluster_section.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight {
namespace {

void ReadFile(YamlMap& map, absl::string_view key, const std::string& folder, std::string& path) {
  map.Text(key, Presence::kOptional, path);
  if (!path.empty() && path[0] != '/') path = absl::StrCat(folder, path);
}

bool IsHostAndPort(absl::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos || colon == 0) return false;
  const absl::string_view port = text.substr(colon + 1);
  return !port.empty() && port.size() <= 5 &&
         port.find_first_not_of("0123456789") == absl::string_view::npos;
}

void ReadKafka(YamlMap& map, const std::string& folder, KafkaConfig& kafka) {
  map.Text("brokers", Presence::kRequired, kafka.brokers);
  for (absl::string_view broker : absl::StrSplit(kafka.brokers, ',', absl::SkipEmpty())) {
    if (!IsHostAndPort(broker))
      map.Mistake("brokers", "one of them isn't HOST:PORT", "expected kafka-1:9092,kafka-2:9092");
  }
  std::vector<YamlText> properties;
  map.Texts("properties", Presence::kOptional, properties);
  for (const YamlText& line : properties) {
    const std::pair<std::string, std::string> property =
        absl::StrSplit(line.text, absl::MaxSplits('=', 1));
    const std::string& name = property.first;
    const bool ours = !absl::StartsWith(name, "security.") && !absl::StartsWith(name, "sasl.") &&
                      !absl::StartsWith(name, "ssl.");
    if (ours || absl::StrContains(name, "password")) {
      map.MistakeAt(line.line, "properties", "one of them is not for you to set here",
                    "expected security.*, sasl.* and ssl.* as NAME=VALUE; a password is in a file "
                    "of its own");
      continue;
    }
    kafka.properties.push_back(property);
  }
  ReadFile(map, "sasl_password_file", folder, kafka.sasl_password_file);
  int64_t seconds = absl::ToInt64Seconds(kafka.session);
  map.Integer("session_seconds", 2, 60, seconds);
  kafka.session = absl::Seconds(seconds);
}

void ReadRedis(YamlMap& map, const std::string& folder, RedisConfig& redis) {
  std::string address;
  map.Text("address", Presence::kRequired, address);
  if (IsHostAndPort(address)) {
    const size_t colon = address.rfind(':');
    redis.host = address.substr(0, colon);
    redis.port = std::stoi(address.substr(colon + 1));
  } else if (!address.empty()) {
    map.Mistake("address", "it isn't HOST:PORT", "expected redis:6379");
  }
  map.Text("user", Presence::kOptional, redis.user);
  ReadFile(map, "password_file", folder, redis.password_file);
}

}  // namespace

const std::vector<absl::string_view>& ClusterKeys() {
  static const auto& keys = *new std::vector<absl::string_view>{"kafka", "redis", "blob_directory"};
  return keys;
}

ClusterConfig ReadClusterSection(YamlMap& map, const std::string& folder, bool has_s3) {
  ClusterConfig cluster;
  if (auto kafka =
          map.Map("kafka", {"brokers", "properties", "sasl_password_file", "session_seconds"})) {
    ReadKafka(*kafka, folder, cluster.kafka);
  } else if (!map.Has("kafka")) {
    map.Mistake("kafka", "it is missing", "expected a section with brokers");
  }
  if (auto redis = map.Map("redis", {"address", "user", "password_file"})) {
    ReadRedis(*redis, folder, cluster.redis);
  } else if (!map.Has("redis")) {
    map.Mistake("redis", "it is missing", "expected a section with address");
  }
  ReadFile(map, "blob_directory", folder, cluster.blob_directory);
  if (has_s3 == map.Has("blob_directory")) {
    map.Mistake(
        "blob_directory",
        has_s3 ? "photos are in the bucket of section s3" : "it isn't said where photos are kept",
        has_s3 ? "expected no such key"
               : "expected a section s3, or a folder that all "
                 "processes share");
  }
  return cluster;
}

void WriteClusterSection(YAML::Emitter& out, const ClusterConfig& cluster) {
  const auto write = [&](const char* key, const std::string& value) {
    if (!value.empty()) out << YAML::Key << key << YAML::Value << value;
  };
  out << YAML::Key << "cluster" << YAML::Value << YAML::BeginMap;
  out << YAML::Key << "kafka" << YAML::Value << YAML::BeginMap;
  write("brokers", cluster.kafka.brokers);
  if (!cluster.kafka.properties.empty()) {
    out << YAML::Key << "properties" << YAML::Value << YAML::BeginSeq;
    for (const auto& [name, value] : cluster.kafka.properties)
      out << absl::StrCat(name, "=", value);
    out << YAML::EndSeq;
  }
  write("sasl_password_file", cluster.kafka.sasl_password_file);
  out << YAML::Key << "session_seconds" << YAML::Value
      << absl::ToInt64Seconds(cluster.kafka.session) << YAML::EndMap;
  out << YAML::Key << "redis" << YAML::Value << YAML::BeginMap;
  write("address", absl::StrCat(cluster.redis.host, ":", cluster.redis.port));
  write("user", cluster.redis.user);
  write("password_file", cluster.redis.password_file);
  out << YAML::EndMap;
  write("blob_directory", cluster.blob_directory);
  out << YAML::EndMap;
}

}  // namespace porchlight
