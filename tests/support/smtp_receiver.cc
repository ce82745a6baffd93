// See smtp_receiver.h.
#include "tests/support/smtp_receiver.h"

#include <filesystem>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace porchlight::testing {

SmtpReceiver::SmtpReceiver(const Options& options, const std::string& source_folder) {
  MakeCertificate(folder_.path());
  std::vector<std::string> arguments = {source_folder + "/tests/support/smtp_receiver.py",
                                        "--folder", folder_.path()};
  if (options.starttls) {
    arguments.insert(arguments.end(),
                     {"--certificate", ca_file(), "--key", folder_.path() + "/key.pem"});
  }
  if (!options.user.empty()) {
    arguments.insert(arguments.end(), {"--user", options.user, "--password", options.password});
  }
  if (options.only_packets) arguments.emplace_back("--packets");
  process_ = std::make_unique<ReceiverProcess>(std::move(arguments));
}

int SmtpReceiver::taken() const {
  int count = 0;
  while (std::filesystem::exists(absl::StrCat(folder_.path(), "/message-", count + 1))) ++count;
  return count;
}

std::string SmtpReceiver::Part(int n, const std::string& name) const {
  return ReadFile(absl::StrCat(folder_.path(), "/message-", n, "/", name));
}

std::vector<int> SmtpReceiver::WithId(const std::string& delivery_id) const {
  std::vector<int> found;
  for (int n = 1; n <= taken(); ++n) {
    if (Part(n, "header-x-porchlight-delivery-id") == delivery_id) found.push_back(n);
  }
  return found;
}

std::vector<std::pair<std::string, std::string>> SmtpReceiver::Packets() const {
  std::vector<std::pair<std::string, std::string>> packets;
  const std::string kept = ReadFile(folder_.path() + "/packets");
  for (absl::string_view line : absl::StrSplit(kept, '\n', absl::SkipEmpty())) {
    const size_t space = line.find(' ');
    packets.emplace_back(line.substr(0, space), absl::HexStringToBytes(line.substr(space + 1)));
  }
  return packets;
}

std::string SmtpReceiver::commands() const { return ReadFile(folder_.path() + "/commands"); }

}  // namespace porchlight::testing
