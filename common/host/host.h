// Services of one process, on ports that somebody opened for them: the same in the embedded world,
// where one process has all of them, and on a cluster, where each has its own processes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/blob/blob.h"
#include "common/config/config.h"
#include "common/delivery/dispatcher.h"
#include "common/edge/service.h"
#include "common/keys/keys.h"
#include "common/log/log.h"
#include "common/processor/ownership.h"
#include "common/store/store.h"

namespace porchlight {

// All of it outlives the host.
struct HostPorts {
  Log& log;
  Keys& keys;
  Blob& blob;
  Ids& ids;
  const Clock& clock;
  Key master;
  Dispatcher::Channels channels;
  std::function<std::unique_ptr<Store>(const std::string& service)> make_store;
  // Null: this process owns all partitions of its services, and must fold them before it serves.
  std::function<absl::StatusOr<std::unique_ptr<Ownership>>(const std::string& service)> share =
      nullptr;
  // Whose events the evidence of an episode is in.
  std::vector<std::string> episode_services;
};

class Host {
 public:
  // Serves at `listen` ("127.0.0.1:7300"; port 0 takes any that is free). The error says what a
  // person must do. With HostPorts.share it serves at once, and says so in its health only once
  // Watch finds it ready.
  static absl::StatusOr<std::unique_ptr<Host>> Start(const std::string& listen,
                                                     const Config& config, HostPorts ports,
                                                     std::vector<ServiceModule> modules);
  // Takes no new calls, lets those in progress and the decisions in progress end, and closes. What
  // was not sent yet is sent after the next start.
  ~Host();

  const std::string& address() const;
  // Called every moment by whoever runs this: brings the health up to date, and the directory to
  // what the configuration says, once that can be decided. Returns whether it is ready.
  bool Watch();

 private:
  struct Parts;
  explicit Host(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

// All that the configuration says about who is who, and the packs.
absl::StatusOr<v1::Directory> ConfiguredDirectory(const Config& config);

}  // namespace porchlight
