// See server_process.h.
#include "tests/support/server_process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "absl/strings/strip.h"
#include "absl/synchronization/notification.h"
#include "tests/support/receiver_process.h"

namespace porchlight::testing {
namespace {

constexpr uint64_t kRoomInMemory = uint64_t{2} << 30;
constexpr absl::Duration kRunLimit = absl::Minutes(1);

[[noreturn]] void Fail(const char* what) {
  perror(what);
  abort();
}

int Milliseconds(absl::Duration span) {
  return static_cast<int>(std::max(int64_t{0}, absl::ToInt64Milliseconds(span)));
}

// After fork in a process with threads: only what is safe there.
[[noreturn]] void RunChild(char* const* arguments, int output, int errors, uid_t user) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  dup2(output, STDOUT_FILENO);
  if (errors >= 0) dup2(errors, STDERR_FILENO);
  if (user != 0) {
    // The system calls themselves: the library's functions would ask other threads to follow.
    if (syscall(SYS_setgroups, 0, nullptr) != 0 || syscall(SYS_setgid, user) != 0 ||
        syscall(SYS_setuid, user) != 0) {
      _exit(126);
    }
  }
  execv(arguments[0], arguments);
  _exit(127);
}

std::vector<std::string> ServeCommand(const ServerOptions& options) {
  std::vector<std::string> command = {options.program, "serve",    "--data",
                                      options.data,    "--listen", options.listen};
  if (!options.config_file.empty()) {
    command.insert(command.end(), {"--config", options.config_file});
  }
  return command;
}

}  // namespace

Child::Child(const ChildOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) Fail("pipe");
  int errors = -1;
  if (!options.error_file.empty()) {
    errors = open(options.error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (errors < 0) Fail("the file for standard error");
  }
  std::vector<char*> arguments;
  for (const std::string& word : options.command)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) Fail("fork");
  if (pid_ == 0) RunChild(arguments.data(), ends[1], errors, options.user);
  close(ends[1]);
  if (errors >= 0) close(errors);
  output_ = ends[0];
  handle_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  if (handle_ < 0) Fail("pidfd_open");
}

Child::~Child() {
  Kill();
  close(output_);
  close(handle_);
}

void Child::Send(int signal) {
  if (!exit_.has_value()) kill(pid_, signal);
}

std::optional<int> Child::WaitForExit(absl::Duration longest) {
  if (exit_.has_value()) return exit_;
  pollfd ended = {handle_, POLLIN, 0};
  if (poll(&ended, 1, Milliseconds(longest)) != 1) return std::nullopt;
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) Fail("waitpid");
  exit_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  return exit_;
}

void Child::Kill() {
  Send(SIGKILL);
  while (!WaitForExit(absl::Seconds(10)).has_value()) {
  }
}

std::optional<std::string> Child::ReadLine(absl::Duration longest) {
  const absl::Duration end = SystemClock().Steady() + longest;
  size_t line_end;
  while ((line_end = unread_.find('\n')) == std::string::npos) {
    pollfd ready = {output_, POLLIN, 0};
    char bytes[4096];
    if (poll(&ready, 1, Milliseconds(end - SystemClock().Steady())) != 1) return std::nullopt;
    const ssize_t count = read(output_, bytes, sizeof bytes);
    if (count <= 0) return std::nullopt;
    unread_.append(bytes, static_cast<size_t>(count));
  }
  std::string line = unread_.substr(0, line_end);
  unread_.erase(0, line_end + 1);
  return line;
}

ServerProcess::ServerProcess(const ServerOptions& options)
    : options_(options),
      child_({.command = ServeCommand(options),
              .error_file = options.error_file,
              .user = options.user}) {}

bool ServerProcess::WaitUntilReady(absl::Duration longest) {
  const std::optional<std::string> line = child_.ReadLine(longest);
  absl::string_view address = line.has_value() ? absl::string_view(*line) : "";
  if (!absl::ConsumePrefix(&address, "ready ")) return false;
  address_ = std::string(address);
  return true;
}

std::string ServerProcess::errors() const { return ReadFile(options_.error_file); }

int FreePort() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    Fail("no free port");
  }
  close(listener);
  return ntohs(address.sin_port);
}

RunResult RunProgram(const std::vector<std::string>& command) {
  TemporaryFolder folder;
  RunResult result;
  Child child({.command = command, .error_file = folder.path() + "/errors", .user = 0});
  const absl::Duration end = SystemClock().Steady() + kRunLimit;
  while (std::optional<std::string> line = child.ReadLine(end - SystemClock().Steady())) {
    result.output += *line + "\n";
  }
  result.exit_code = child.WaitForExit(end - SystemClock().Steady()).value_or(-1);
  child.Kill();
  result.errors = ReadFile(folder.path() + "/errors");
  return result;
}

DataFolder::DataFolder() {
  struct statvfs memory {};
  const bool roomy = statvfs("/dev/shm", &memory) == 0 &&
                     uint64_t{memory.f_bavail} * memory.f_bsize >= kRoomInMemory;
  path_ = (roomy ? std::filesystem::path("/dev/shm") : std::filesystem::temp_directory_path()) /
          "porchlight-faults-XXXXXX";
  if (mkdtemp(path_.data()) == nullptr) Fail("mkdtemp");
}

DataFolder::~DataFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::vector<std::pair<std::string, std::string>> AllFiles(const std::string& folder) {
  std::vector<std::pair<std::string, std::string>> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    files.emplace_back(std::filesystem::relative(entry.path(), folder).string(),
                       ReadFile(entry.path().string()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void PauseBetweenLooks() {
  absl::Notification never;
  never.WaitForNotificationWithTimeout(absl::Milliseconds(20));
}

}  // namespace porchlight::testing
