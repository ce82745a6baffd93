// The real `porchlight serve` as a child process, on a data folder of the bench.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "tests/bench/receiver.h"

namespace porchlight::bench {

// Who takes turns on call is paged again after this long, until somebody has it.
inline constexpr absl::Duration kNotAgain = absl::Hours(24);

// Writes a configuration, its secret and its directory into the folder: police, NCMEC and one
// person on call, all of them webhooks of the receiver. Returns the configuration's path.
std::string WriteConfig(const std::string& folder, const Receiver& receiver,
                        absl::Duration page_again_after = kNotAgain);

class Server {
 public:
  // Starts it and waits until it says that it is ready. Ends the bench with a message if it
  // doesn't. Its log goes to FOLDER/server.log.
  Server(const std::string& program, const std::string& data, const std::string& config_file);
  // Ends it as a person would, and waits for that.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const std::string& address() const { return address_; }
  // From its start until it was ready.
  absl::Duration ready_after() const { return ready_after_; }
  // Memory in use now; CPU time used so far, by all its threads.
  int64_t ResidentBytes() const;
  absl::Duration CpuTime() const;

 private:
  pid_t pid_ = -1;
  int output_ = -1;
  std::string address_;
  absl::Duration ready_after_;
};

}  // namespace porchlight::bench
