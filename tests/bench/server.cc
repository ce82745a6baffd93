// See server.h.
#include "tests/bench/server.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/clock.h"

namespace porchlight::bench {
namespace {

[[noreturn]] void Child(const std::string& program, const std::string& data,
                        const std::string& config_file, int output) {
  const int log =
      open(absl::StrCat(data, "/../server.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(output, STDOUT_FILENO);
  dup2(log, STDERR_FILENO);
  execl(program.c_str(), program.c_str(), "serve", "--data", data.c_str(), "--config",
        config_file.c_str(), "--listen", "127.0.0.1:0", nullptr);
  _exit(127);
}

std::string FirstLine(int fd) {
  std::string line;
  char letter = 0;
  while (read(fd, &letter, 1) == 1 && letter != '\n') line += letter;
  return line;
}

std::string Contents(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::string WriteConfig(const std::string& folder, const Receiver& receiver,
                        absl::Duration page_again_after) {
  std::filesystem::create_directories(folder);
  const std::string secret = absl::StrCat(folder, "/webhook.secret");
  std::ofstream(secret) << "whsec_" << std::string(40, 'A') << "\n";
  chmod(secret.c_str(), 0600);
  const auto recipient = [&](const std::string& id, const std::string& kind,
                             const std::string& url) {
    return absl::StrCat("  - {id: ", id, ", kind: ", kind, ", channel: webhook, address: \"", url,
                        "\", name: ", id);
  };
  const std::string directory = absl::StrCat(folder, "/directory.yaml");
  std::ofstream(directory) << "recipients:\n"
                           << recipient("worker-1", "supervisor", receiver.page_url())
                           << ", person: worker-1}\n"
                           << "rotas:\n"
                           << "  - role: supervisor\n"
                           << "    time_zone: UTC\n"
                           << "    levels:\n"
                           << "      - escalate_after_seconds: "
                           << absl::ToInt64Seconds(page_again_after) << "\n"
                           << "        shifts: [{people: [worker-1], starts_on: 2020-01-06, "
                           << "turn_days: 7}]\n";
  std::string config = absl::StrCat(folder, "/porchlight.yaml");
  std::ofstream to(config);
  to << "agency: {id: example, name: Example County, time_zone: UTC}\n"
     << "directory_file: " << directory << "\n"
     << "recipients:\n";
  for (const std::string& line : {recipient("police", "law_enforcement", receiver.url()),
                                  recipient("ncmec", "ncmec", receiver.other_url()),
                                  recipient("worker-1", "supervisor", receiver.page_url())})
    to << line << ", secret_file: " << secret << "}\n";
  return config;
}

Server::Server(const std::string& program, const std::string& data,
               const std::string& config_file) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
  const absl::Duration start = SystemClock().Steady();
  pid_ = fork();
  if (pid_ == 0) Child(program, data, config_file, ends[1]);
  close(ends[1]);
  output_ = ends[0];
  const std::string line = FirstLine(output_);
  ready_after_ = SystemClock().Steady() - start;
  if (!absl::StartsWith(line, "ready ")) {
    std::cerr << program << " doesn't start; see " << data << "/../server.log\n";
    std::exit(1);
  }
  address_ = line.substr(6);
}

Server::~Server() {
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

int64_t Server::ResidentBytes() const {
  const std::vector<std::string> pages =
      absl::StrSplit(Contents(absl::StrCat("/proc/", pid_, "/statm")), ' ');
  return std::atoll(pages.at(1).c_str()) * sysconf(_SC_PAGESIZE);
}

absl::Duration Server::CpuTime() const {
  const std::string all = Contents(absl::StrCat("/proc/", pid_, "/stat"));
  const std::vector<std::string> after_name =
      absl::StrSplit(all.substr(all.rfind(')') + 2), ' ');  // the third field is first
  const int64_t ticks =
      std::atoll(after_name.at(11).c_str()) + std::atoll(after_name.at(12).c_str());
  return absl::Seconds(static_cast<double>(ticks) / static_cast<double>(sysconf(_SC_CLK_TCK)));
}

}  // namespace porchlight::bench
