// The one binary: the server with all services in one process, and the command line.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "common/config/directory_file.h"
#include "common/embedded/embedded.h"
#include "common/policy/loader.h"
#include "common/program/program.h"
#include "porchlight/v1/output.pb.h"
#include "services/porchlight/all_services.h"
#include "services/porchlight/client.h"
#include "services/porchlight/cluster_commands.h"
#include "services/porchlight/directory_commands.h"
#include "services/porchlight/mdt_commands.h"
#include "services/porchlight/oncall_commands.h"
#include "services/porchlight/output.h"
#include "services/porchlight/policy_commands.h"
#include "services/porchlight/screening_commands.h"

namespace porchlight {
namespace {

struct ServeOptions {
  std::string data;
  std::string config_file;
  std::string directory_file;
  std::string listen = "127.0.0.1:7300";
  bool json = false;  // of config check
};

int Serve(const ServeOptions& given) {
  EmbeddedOptions options{.data = given.data, .listen = given.listen, .config = DefaultConfig()};
  if (!given.config_file.empty()) {
    absl::StatusOr<Config> config = ReadConfig(given.config_file);
    if (!config.ok()) return Fail(absl::InvalidArgumentError(config.status().message()));
    options.config = *std::move(config);
  }
  if (options.config.cluster.has_value()) {
    return Fail(absl::InvalidArgumentError(
        "the configuration has a section cluster: run porchlight-intake, porchlight-notification "
        "and the others with it, or leave the section out"));
  }
  if (!given.directory_file.empty()) options.config.directory_file = given.directory_file;
  std::cerr << ToMaskedYaml(options.config);
  return RunEmbedded(std::move(options), AllServices());
}

int CheckConfig(const std::string& file, bool json) {
  const absl::StatusOr<Config> config = ReadConfig(file);
  if (!config.ok()) return Fail(absl::InvalidArgumentError(config.status().message()));
  if (!config->directory_file.empty()) {
    const absl::StatusOr<v1::Directory> directory = ReadDirectoryFile(config->directory_file);
    if (!directory.ok()) return Fail(absl::InvalidArgumentError(directory.status().message()));
  }
  if (const absl::StatusOr<PackSet> packs = LoadPacks(config->policy_packs); !packs.ok()) {
    return Fail(absl::InvalidArgumentError(packs.status().message()));
  }
  if (json) {
    v1::ConfigChecked checked;
    checked.set_file(file);
    checked.set_in_force(ToMaskedYaml(*config));
    PrintJson(checked);
  } else {
    std::cout << ToMaskedYaml(*config);
  }
  return kDone;
}

void AddServe(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* serve = app.add_subcommand("serve", "Run all services in this process");
  serve
      ->add_option("--data", options->data,
                   "Folder for the log, the keys and the stores; made if it isn't there")
      ->required();
  serve->add_option("--config", options->config_file,
                    "Configuration; without it, an example agency whose recipients are folders");
  serve->add_option("--listen", options->listen, "Address; port 0 takes any that is free")
      ->capture_default_str();
  serve->add_option("--directory", options->directory_file,
                    "Recipients, rotas and rosters over those of the configuration");
  serve->footer(
      "Example: porchlight serve --data /var/lib/porchlight --config /etc/porchlight.yaml");
  serve->callback([options, &exit_code] { exit_code = Serve(*options); });

  CLI::App* config = app.add_subcommand("config", "Work with configuration files");
  config->require_subcommand(1);
  CLI::App* check =
      config->add_subcommand("check", "Say what is wrong in one, or show it with secrets masked");
  check->add_option("file", options->config_file, "The configuration file")->required();
  check->add_flag("--json", options->json, "Print JSON for scripts");
  check->footer("Example: porchlight config check /etc/porchlight/porchlight.yaml");
  check->callback(
      [options, &exit_code] { exit_code = CheckConfig(options->config_file, options->json); });
  AddClusterCommands(app, *config, exit_code);
}

int Main(int argc, char** argv) {
  PrepareSignals();
  CLI::App app("Porchlight: no child missing from care is missed twice.");
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 an option or field can't be understood, 3 try again (the "
      "server or a part of it\n"
      "is away; the same request id is safe), 4 understood and not possible.");
  int exit_code = kDone;
  AddServe(app, exit_code);
  AddClientCommands(app, exit_code);
  AddScreeningCommands(app, exit_code);
  AddMdtCommands(app, exit_code);
  AddEvidenceCommands(app, exit_code);
  AddPolicyCommands(app, exit_code);
  AddDirectoryCommands(app, exit_code);
  AddOncallCommands(app, exit_code);
  AddAdminCommands(app, exit_code);
  AddMigrateCommand(app, exit_code);
  AddDrill(app, exit_code);
  AddCompletion(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kMisunderstood;
  }
  return exit_code;
}

}  // namespace
}  // namespace porchlight

int main(int argc, char** argv) { return porchlight::Main(argc, argv); }
