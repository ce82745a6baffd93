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

// Until SIGTERM or SIGINT. Returns the exit code.
int RunEmbedded(EmbeddedOptions options, std::vector<ServiceModule> modules);

// Paths in a data folder.
std::string LogPath(const std::string& data);
// There once all of the folder was moved into a cluster: two would send the same notices.
std::string MovedPath(const std::string& data);
std::string StorePath(const std::string& data, const std::string& service);

}  // namespace porchlight
