// The commands that prepare a cluster: its topics, its master key, and the move of a data folder.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config.h"
#include "common/kafka/topics.h"

namespace porchlight {

// Adds topics create and topics check to `app`, make-key to `config`.
void AddClusterCommands(CLI::App& app, CLI::App& config, int& exit_code);
void AddMigrateCommand(CLI::App& app, int& exit_code);

// InvalidArgument: it can't be read, or has no section cluster.
absl::StatusOr<Config> ReadClusterConfig(const std::string& file);

struct TopicListOptions {
  std::string file;  // empty: those built in
  int brokers = 0;   // 0: as many as there are copies
};
void AddTopicListOptions(CLI::App& command, TopicListOptions& options);
absl::StatusOr<std::vector<kafka::TopicSpec>> ReadTopicList(const TopicListOptions& options);

}  // namespace porchlight
