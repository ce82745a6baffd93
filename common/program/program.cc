#include "common/program/program.h"

#include <csignal>
#include <iostream>
#include <string>
#include <utility>

#include "absl/synchronization/mutex.h"
#include "common/cluster/cluster.h"
#include "common/embedded/embedded.h"

namespace porchlight {

void PrepareSignals() {
  // Debian builds Abseil with its debugging aid for lock cycles, which every lock then pays for.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

int ServiceMain(int argc, char** argv, const std::vector<ServiceModule>& modules) {
  PrepareSignals();
  EmbeddedOptions options{.data = "", .listen = "127.0.0.1:0", .config = DefaultConfig()};
  std::string config_file;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    std::string* const value = flag == "--data"     ? &options.data
                               : flag == "--listen" ? &options.listen
                               : flag == "--config" ? &config_file
                                                    : nullptr;
    if (value == nullptr) {
      std::cerr << "unknown option " << flag << "\n";
      options.data.clear();
      config_file.clear();
      break;
    }
    *value = argv[i + 1];
  }
  if (argc % 2 == 0 || (options.data.empty() && config_file.empty())) {
    std::cerr << "usage: " << argv[0] << " --config FILE [--listen ADDRESS]\n"
              << "       " << argv[0] << " --data DIR [--config FILE] [--listen ADDRESS]\n";
    return 2;
  }
  if (!config_file.empty()) {
    absl::StatusOr<Config> config = ReadConfig(config_file);
    if (!config.ok()) {
      std::cerr << config.status().message() << "\n";
      return 2;
    }
    options.config = *std::move(config);
  }
  if (options.config.cluster.has_value() != options.data.empty()) {
    std::cerr << (options.data.empty()
                      ? "the configuration has no section cluster: add one, or give --data DIR\n"
                      : "the configuration has a section cluster, so no --data is used: leave one "
                        "of them out\n");
    return 2;
  }
  if (options.data.empty()) {
    return RunCluster({.listen = options.listen, .config = std::move(options.config)}, modules);
  }
  return RunEmbedded(std::move(options), modules);
}

}  // namespace porchlight
