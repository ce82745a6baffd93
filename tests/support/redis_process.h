// A real redis-server on a free port of 127.0.0.1, with a folder of its own. It is stopped with the
// object, whatever the test did, and may be stopped, started again and spoken to before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/receiver_process.h"
#include "tests/support/server_process.h"

namespace porchlight::testing {

class RedisProcess {
 public:
  // `arguments`: added to its command line, such as "--appendonly", "yes". Without them it keeps
  // nothing over a restart. Aborts if it can't be started.
  explicit RedisProcess(std::vector<std::string> arguments = {});

  int port() const { return port_; }
  // Where its files are, for a test that puts older ones in their place while it is stopped.
  const std::string& folder() const { return folder_.path(); }

  // On the same port. Returns once it answers.
  void Start();
  // Asks it to end, and waits until it has.
  void Stop();
  // SIGKILL, SIGSTOP, SIGCONT; after SIGKILL waits until it has ended.
  void Send(int signal);

  // What redis-server answers, on a connection of its own: text, a number, "" for nothing, an
  // error's text; of a list, the elements one per line.
  std::string Command(const std::vector<std::string>& words) const;

 private:
  bool TryToStart();
  bool Answers() const;

  TemporaryFolder folder_;
  const std::vector<std::string> arguments_;
  int port_ = 0;
  std::unique_ptr<Child> child_;
};

}  // namespace porchlight::testing
