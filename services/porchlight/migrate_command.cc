// migrate: moves an embedded data folder into a cluster.
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/cluster/migration.h"
#include "porchlight/v1/output.pb.h"
#include "services/porchlight/all_services.h"
#include "services/porchlight/cluster_commands.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct MigrateOptions {
  std::string data;
  std::string config_file;
  TopicListOptions list;
  bool json = false;
};

std::vector<std::string> WordsOf(const MigrationReport& report) {
  const LogReport& log = report.verified;
  return {
      report.was_there
          ? absl::StrCat("All ", report.records,
                         " records of the folder are in the cluster already; nothing was written.")
          : absl::StrCat("The cluster has all ", report.records, " records of the folder (",
                         report.copied, " copied now), ", report.keys, " keys (",
                         report.keys_destroyed, " of them destroyed) and ", report.photos,
                         " photos."),
      absl::StrCat("Its chains were read back and are whole: ", log.transitions, " transitions in ",
                   log.heads.size(), " chains, ", log.commands_decided, " commands decided, ",
                   log.commands_waiting, " waiting to be decided, ", log.payloads_opened,
                   " sealed payloads opened."),
  };
}

void PrintMigrated(const MigrationReport& report) {
  v1::EvidenceVerified verified;
  verified.set_transitions(report.verified.transitions);
  verified.set_commands(report.verified.commands_decided);
  verified.set_commands_waiting(report.verified.commands_waiting);
  for (const ChainHead& head : report.verified.heads) {
    v1::EvidenceHead& added = *verified.add_heads();
    added.set_topic(head.topic);
    added.set_partition(head.partition);
    added.set_sequence(head.sequence);
    added.set_hash(head.hash_hex);
  }
  for (std::string& line : WordsOf(report)) verified.add_text(std::move(line));
  PrintJson(verified);
}

int MigrateFolder(const MigrateOptions& given) {
  MigrationOptions options;
  options.data = given.data;
  absl::StatusOr<Config> config = ReadClusterConfig(given.config_file);
  if (!config.ok()) return Fail(config.status());
  options.config = *std::move(config);
  absl::StatusOr<std::vector<kafka::TopicSpec>> topics = ReadTopicList(given.list);
  if (!topics.ok()) return Fail(topics.status());
  options.topics = *std::move(topics);
  for (const ServiceModule& module : AllServices())
    options.services.push_back({module.name, module.partitions});
  options.tell = [](const std::string& line) { std::cerr << line << std::endl; };
  const absl::StatusOr<MigrationReport> report = Migrate(options);
  if (!report.ok()) return Fail(report.status());
  if (given.json) {
    PrintMigrated(*report);
    return kDone;
  }
  for (const std::string& line : WordsOf(*report)) std::cout << line << "\n";
  if (report->was_there) return kDone;
  std::cout << "Next, on each machine of the cluster:\n";
  for (const MigrationOptions::Service& service : options.services) {
    std::cout << "  porchlight-" << service.name << " --config " << given.config_file
              << " --listen ADDRESS\n";
  }
  std::cout << "Then have all use the cluster. " << given.data
            << " is marked as moved, and isn't served any more; keep it as a backup.\n";
  return kDone;
}

}  // namespace

void AddMigrateCommand(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<MigrateOptions>();
  CLI::App* migrate = app.add_subcommand(
      "migrate", "Move a data folder of `serve` into a cluster; safe to end and to run again");
  migrate->add_option("--from", options->data, "The folder; no server may run on it")->required();
  migrate
      ->add_option("--to", options->config_file,
                   "The cluster's configuration, with the folder's own master key")
      ->required();
  AddTopicListOptions(*migrate, options->list);
  migrate->add_flag("--json", options->json, "Print JSON for scripts");
  migrate->footer(
      "Example: porchlight migrate --from /var/lib/porchlight --to /etc/porchlight.yaml");
  migrate->callback([options, &exit_code] { exit_code = MigrateFolder(*options); });
}

}  // namespace porchlight
