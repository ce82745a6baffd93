// The real program as a child process: started on a free port, killed by its id, never left behind.
// What it wrote is kept for the test to read.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"

namespace porchlight::testing {

struct ChildOptions {
  // The program first.
  std::vector<std::string> command;
  // Where its standard error is appended to; a file.
  std::string error_file;
  // 0: as the test itself.
  uid_t user = 0;
};

// Make it on a thread that outlives it: the system ends the child with that thread.
class Child {
 public:
  explicit Child(const ChildOptions& options);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  pid_t pid() const { return pid_; }
  void Send(int signal);
  // Its exit code, or minus the signal that ended it; nothing if it is still running after
  // `longest`.
  std::optional<int> WaitForExit(absl::Duration longest);
  // SIGKILL, and waits until it is gone.
  void Kill();
  // The next line of its standard output without the line break; nothing if none comes.
  std::optional<std::string> ReadLine(absl::Duration longest);

 private:
  pid_t pid_ = -1;
  int handle_ = -1;  // a pidfd
  int output_ = -1;
  std::string unread_;
  std::optional<int> exit_;
};

struct ServerOptions {
  std::string program;  // path of `porchlight`
  std::string data;
  std::string config_file = {};
  std::string listen = "127.0.0.1:0";
  std::string error_file = {};
  uid_t user = 0;
};

// `porchlight serve`.
class ServerProcess {
 public:
  explicit ServerProcess(const ServerOptions& options);
  // True once it says that it is ready; false if it ends before, or takes too long.
  bool WaitUntilReady(absl::Duration longest = absl::Seconds(60));
  const std::string& address() const { return address_; }
  Child& child() { return child_; }
  // What it and those before it with the same file wrote to standard error.
  std::string errors() const;

 private:
  const ServerOptions options_;
  Child child_;
  std::string address_;
};

// A port of 127.0.0.1 that nobody listens on at this moment. Somebody else may take it before it is
// used: start again with another then.
int FreePort();

struct RunResult {
  int exit_code = -1;
  std::string output;
  std::string errors;
};

// Runs a program to its end; ends it after a minute.
RunResult RunProgram(const std::vector<std::string>& command);

// A new folder for data, in memory where there is room: a kill doesn't lose what was written to
// it, and a disk that is slow to sync would only make the test slow. Removed with the object.
class DataFolder {
 public:
  DataFolder();
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Names of the files below `folder`, each with what it holds.
std::vector<std::pair<std::string, std::string>> AllFiles(const std::string& folder);

void PauseBetweenLooks();

// Asks again and again; false if it isn't so within the time.
template <typename Condition>
bool WaitUntil(const Condition& condition, absl::Duration longest) {
  const absl::Duration end = SystemClock().Steady() + longest;
  while (!condition()) {
    if (SystemClock().Steady() > end) return false;
    PauseBetweenLooks();
  }
  return true;
}

}  // namespace porchlight::testing
