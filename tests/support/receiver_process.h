// A far end that runs as a process of its own: a script under tests/support that listens on a free
// port and says so on its first line. Ends with the object, whatever the test did.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace porchlight::testing {

// A new folder under the system's place for temporary files; removed with all in it at the end.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Writes certificate.pem and key.pem for 127.0.0.1 into the folder, signed by nobody else.
void MakeCertificate(const std::string& folder);

std::string ReadFile(const std::string& path);

class ReceiverProcess {
 public:
  // `arguments`: of the system's Python, the script first. Aborts, with what to do on the standard
  // error, if the script doesn't say "ready PORT".
  explicit ReceiverProcess(std::vector<std::string> arguments);
  ~ReceiverProcess();
  ReceiverProcess(const ReceiverProcess&) = delete;
  ReceiverProcess& operator=(const ReceiverProcess&) = delete;
  int port() const { return port_; }
  // Until the script has written so many lines after its first. False if it hasn't within 20 s.
  bool WaitForLines(int count);

 private:
  std::string ReadLine();

  pid_t pid_ = -1;
  int output_ = -1;
  std::string unread_;
  int lines_ = 0;
  int port_ = 0;
};

}  // namespace porchlight::testing
