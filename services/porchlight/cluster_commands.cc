#include "services/porchlight/cluster_commands.h"

#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/cluster/cluster.h"
#include "common/config/topics_file.h"
#include "common/keys/master_key.h"
#include "porchlight/v1/output.pb.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct TopicsOptions {
  std::string config_file;
  TopicListOptions list;
  bool create = false;
  bool json = false;
};

int Topics(const TopicsOptions& options) {
  const absl::StatusOr<Config> config = ReadClusterConfig(options.config_file);
  if (!config.ok()) return Fail(config.status());
  const absl::StatusOr<kafka::ClientOptions> client = KafkaClientOptions(config->cluster->kafka);
  if (!client.ok()) return Fail(absl::InvalidArgumentError(client.status().message()));
  const absl::StatusOr<std::vector<kafka::TopicSpec>> topics = ReadTopicList(options.list);
  if (!topics.ok()) return Fail(topics.status());
  const absl::Status done =
      options.create ? kafka::CreateTopics(*client, *topics) : kafka::CheckTopics(*client, *topics);
  if (!done.ok()) return Fail(done);
  if (options.json) {
    v1::TopicsChecked checked;
    for (const kafka::TopicSpec& topic : *topics) checked.add_topics(topic.name);
    PrintJson(checked);
  } else {
    std::cout << topics->size() << " topics are there as they must be.\n";
  }
  return kDone;
}

int MakeKey(const std::string& file, bool json) {
  if (const absl::StatusOr<Key> made = CreateMasterKey(file); !made.ok())
    return Fail(absl::FailedPreconditionError(made.status().message()));
  if (json) {
    v1::MasterKeyMade made;
    made.set_file(file);
    PrintJson(made);
  } else {
    std::cout << "Made " << file
              << ". Give it to every process, and keep a copy apart from the data: without it "
                 "nothing can be read.\n";
  }
  return kDone;
}

void AddTopics(CLI::App& topics, bool create, int& exit_code) {
  auto options = std::make_shared<TopicsOptions>();
  options->create = create;
  CLI::App* command =
      create
          ? topics.add_subcommand("create", "Create those that are missing, and check all")
          : topics.add_subcommand("check", "Say which are missing or otherwise than they must be");
  command->add_option("--config", options->config_file, "Configuration with a section cluster")
      ->required();
  AddTopicListOptions(*command, options->list);
  command->add_flag("--json", options->json, "Print JSON for scripts");
  command->footer(create ? "Example: porchlight topics create --config /etc/porchlight.yaml"
                         : "Example: porchlight topics check --config /etc/porchlight.yaml");
  command->callback([options, &exit_code] { exit_code = Topics(*options); });
}

}  // namespace

absl::StatusOr<Config> ReadClusterConfig(const std::string& file) {
  absl::StatusOr<Config> config = ReadConfig(file);
  if (!config.ok()) return absl::InvalidArgumentError(config.status().message());
  if (!config->cluster.has_value())
    return absl::InvalidArgumentError(absl::StrCat(file, " has no section cluster"));
  return config;
}

void AddTopicListOptions(CLI::App& command, TopicListOptions& options) {
  command.add_option("--topics", options.file,
                     "Which topics there must be; without it, those built in (deploy/topics.yaml)");
  command
      .add_option("--brokers", options.brokers,
                  "How many brokers there are, where they are fewer than the copies wanted")
      ->check(CLI::Range(1, 100));
}

absl::StatusOr<std::vector<kafka::TopicSpec>> ReadTopicList(const TopicListOptions& options) {
  std::string yaml(BuiltInTopics());
  if (!options.file.empty()) {
    absl::StatusOr<std::string> read = ReadYamlFile("list of topics", options.file);
    if (!read.ok()) return absl::InvalidArgumentError(read.status().message());
    yaml = *std::move(read);
  }
  absl::StatusOr<std::vector<kafka::TopicSpec>> topics = ReadTopics(yaml, options.file);
  if (topics.ok() && options.brokers > 0) LimitReplication(options.brokers, *topics);
  return topics;
}

void AddClusterCommands(CLI::App& app, CLI::App& config, int& exit_code) {
  CLI::App* topics = app.add_subcommand("topics", "Kafka's topics, for services on a cluster");
  topics->require_subcommand(1);
  AddTopics(*topics, true, exit_code);
  AddTopics(*topics, false, exit_code);

  struct KeyOptions {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<KeyOptions>();
  CLI::App* make = config.add_subcommand("make-key", "Make a cluster's master key, once");
  make->add_option("file", options->file, "The file to be made; never overwritten")->required();
  make->add_flag("--json", options->json, "Print JSON for scripts");
  make->footer("Example: porchlight config make-key /etc/porchlight/master.key");
  make->callback([options, &exit_code] { exit_code = MakeKey(options->file, options->json); });
}

}  // namespace porchlight
