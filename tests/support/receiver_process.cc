// See receiver_process.h.
#include "tests/support/receiver_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

extern char** environ;

namespace porchlight::testing {
namespace {

// Debian's own Python, which is the one that its packages (python3-aiosmtpd) are for.
constexpr char kPython[] = "/usr/bin/python3";
constexpr int kWaitMs = 20'000;

[[noreturn]] void FailReceiver(const std::string& text) {
  fprintf(stderr, "%s\n", text.c_str());
  abort();
}

pid_t Spawn(const std::vector<std::string>& command, int output_fd) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output_fd >= 0) posix_spawn_file_actions_adddup2(&actions, output_fd, STDOUT_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) FailReceiver("can't start " + command[0] + ": is it installed?");
  return pid;
}

}  // namespace

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "porchlight-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) FailReceiver("can't make a temporary folder");
  path_ = pattern;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void MakeCertificate(const std::string& folder) {
  const pid_t pid = Spawn({"openssl",
                           "req",
                           "-x509",
                           "-newkey",
                           "ec",
                           "-pkeyopt",
                           "ec_paramgen_curve:prime256v1",
                           "-nodes",
                           "-days",
                           "2",
                           "-subj",
                           "/CN=127.0.0.1",
                           "-addext",
                           "subjectAltName=IP:127.0.0.1",
                           "-keyout",
                           folder + "/key.pem",
                           "-out",
                           folder + "/certificate.pem",
                           "-batch",
                           "-noenc"},
                          -1);
  int status = 0;
  if (waitpid(pid, &status, 0) != pid || status != 0) FailReceiver("openssl made no certificate");
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

ReceiverProcess::ReceiverProcess(std::vector<std::string> arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) FailReceiver("can't make a pipe");
  std::vector<std::string> command = {kPython};
  command.insert(command.end(), arguments.begin(), arguments.end());
  pid_ = Spawn(command, ends[1]);
  close(ends[1]);
  output_ = ends[0];
  const std::string line = ReadLine();
  if (sscanf(line.c_str(), "ready %d", &port_) != 1) {
    FailReceiver(arguments[0] + " didn't start: does apt-get install python3-aiosmtpd help?");
  }
}

// Without its line break; empty if none comes.
std::string ReceiverProcess::ReadLine() {
  size_t end;
  while ((end = unread_.find('\n')) == std::string::npos) {
    pollfd ready = {output_, POLLIN, 0};
    char bytes[4096];
    const ssize_t count = poll(&ready, 1, kWaitMs) == 1 ? read(output_, bytes, sizeof bytes) : 0;
    if (count <= 0) return "";
    unread_.append(bytes, static_cast<size_t>(count));
  }
  const std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  return line;
}

bool ReceiverProcess::WaitForLines(int count) {
  while (lines_ < count && !ReadLine().empty()) ++lines_;
  return lines_ >= count;
}

ReceiverProcess::~ReceiverProcess() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  close(output_);
}

}  // namespace porchlight::testing
