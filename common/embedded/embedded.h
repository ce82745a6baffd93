// The embedded world: services of one process on one folder. SQLite for log, stores and keys; no
// broker, no Redis.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/config/config.h"
#include "common/edge/service.h"

namespace porchlight {

struct EmbeddedOptions {
  std::string data;    // folder; made if it isn't there
  std::string listen;  // "127.0.0.1:7300"; port 0 takes any that is free
  Config config;
};

class Embedded {
 public:
  // Opens everything, folds the log, and serves. The error says what a person must do.
  static absl::StatusOr<std::unique_ptr<Embedded>> Start(EmbeddedOptions options,
                                                         std::vector<ServiceModule> modules);
  // Takes no new calls, lets those in progress and the decisions in progress end, and closes. What
  // was not sent yet is sent after the next start.
  ~Embedded();

  const std::string& address() const;

 private:
  struct Parts;
  explicit Embedded(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// `main` of a program that runs these services until SIGTERM or SIGINT: --data, --config, --listen.
// Returns the exit code.
int RunEmbedded(EmbeddedOptions options, std::vector<ServiceModule> modules);
int EmbeddedMain(int argc, char** argv, std::vector<ServiceModule> modules);

// Blocks SIGTERM and SIGINT in every thread started from now on, so that RunEmbedded can wait for
// them; ignores SIGPIPE. First call of main.
void PrepareSignals();

// All that the configuration says about who is who, and the packs.
absl::StatusOr<v1::Directory> ConfiguredDirectory(const Config& config);

// Paths in a data folder.
std::string LogPath(const std::string& data);
std::string StorePath(const std::string& data, const std::string& service);

}  // namespace porchlight
