#include "tests/support/cluster_processes.h"

#include <signal.h>

#include <fstream>
#include <sstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/support/far_ends.h"

namespace porchlight::testing {
namespace {

constexpr char kPorchlight[] = BINARY_DIR "/porchlight";
constexpr absl::Duration kUntilReady = absl::Minutes(1);

std::string ServiceOf(const std::string& name) { return name.substr(0, name.find('-')); }

std::string AgencyConfig(const ClusterSetup& setup) {
  return absl::StrCat(
      "agency: {id: example-county, name: Example County, time_zone: UTC}\n"
      "master_key_file: master.key\n",
      setup.config);
}

}  // namespace

ClusterProcesses::ClusterProcesses(const ClusterSetup& setup)
    : broker_(setup.brokers), status_(broker_.status()) {
  if (status_.ok()) status_ = Prepare(setup);
}

void ClusterProcesses::WriteConfig(const std::string& file, const ClusterSetup& setup,
                                   const std::string& brokers, int redis_port) const {
  WriteTextFile(file, absl::StrCat(AgencyConfig(setup),
                                   "cluster:\n"
                                   "  kafka: {brokers: \"",
                                   brokers, "\", session_seconds: ", setup.session_seconds,
                                   "}\n"
                                   "  redis: {address: \"127.0.0.1:",
                                   redis_port,
                                   "\"}\n"
                                   "  blob_directory: blobs\n"));
}

absl::Status ClusterProcesses::Prepare(const ClusterSetup& setup) {
  for (const auto& [name, text] : setup.files)
    WriteTextFile(absl::StrCat(folder_.path(), "/", name), text);
  WriteTextFile(embedded_config_file(), AgencyConfig(setup));
  WriteConfig(config_file(), setup, broker_.Client().brokers, redis_.port());
  if (setup.brokers > 1)
    WriteConfig(relayed_config_file(), setup, broker_.RelayedAddresses(), redis_relay_.port());
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{kPorchlight, "config", "make-key", master_key_file()},
        std::vector<std::string>{kPorchlight, "topics", "create", "--config", config_file(),
                                 "--topics", SOURCE_DIR "/deploy/topics.yaml", "--brokers",
                                 absl::StrCat(setup.brokers)}}) {
    const RunResult result = RunProgram(command);
    if (result.exit_code != 0)
      return absl::InternalError(absl::StrCat(command[1], " ", command[2], ": ", result.errors));
  }
  return absl::OkStatus();
}

void ClusterProcesses::Start(const std::string& name, Way way) {
  auto process = std::make_unique<Process>();
  // Where it was before: whoever calls it goes on.
  const auto before = processes_.find(name);
  process->address =
      before != processes_.end() ? before->second->address : absl::StrCat("127.0.0.1:", FreePort());
  process->child = std::make_unique<Child>(ChildOptions{
      .command = {absl::StrCat(BINARY_DIR, "/porchlight-", ServiceOf(name)), "--config",
                  way == Way::kRelayed ? relayed_config_file() : config_file(), "--listen",
                  process->address},
      .error_file = absl::StrCat(folder_.path(), "/", name, ".log")});
  processes_[name] = std::move(process);
}

bool ClusterProcesses::WaitUntilReady(const std::string& name) {
  const auto line = processes_.at(name)->child->ReadLine(kUntilReady);
  return line.has_value() && absl::StartsWith(*line, "ready ");
}

void ClusterProcesses::Kill(const std::string& name) { processes_.at(name)->child->Kill(); }

std::optional<int> ClusterProcesses::Stop(const std::string& name) {
  processes_.at(name)->child->Send(SIGTERM);
  return processes_.at(name)->child->WaitForExit(kUntilReady);
}

std::string ClusterProcesses::servers() const {
  std::string servers;
  for (const auto& [name, process] : processes_) {
    if (absl::StrContains(name, '-')) continue;
    absl::StrAppend(&servers, servers.empty() ? "" : ",", name, "=", process->address);
  }
  return servers;
}

std::string ClusterProcesses::errors(const std::string& name) const {
  std::ifstream file(absl::StrCat(folder_.path(), "/", name, ".log"));
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace porchlight::testing
