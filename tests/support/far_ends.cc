// See far_ends.h.
#include "tests/support/far_ends.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace porchlight::testing {

void WriteTextFile(const std::string& path, const std::string& text, int mode) {
  std::ofstream(path, std::ios::binary) << text;
  chmod(path.c_str(), static_cast<mode_t>(mode));
}

FarEnds::FarEnds(const std::string& source_folder, const std::string& outbox)
    : outbox_(outbox),
      smtp_({.starttls = true, .user = "", .password = "", .only_packets = true}, source_folder) {
  WriteConfig();
}

void FarEnds::WriteConfig() const {
  WriteTextFile(folder_.path() + "/webhook.secret",
                "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=\n");
  WriteTextFile(config_file(), absl::StrCat(R"(agency:
  id: example-county
  name: Example County
  time_zone: America/Chicago
email:
  host: 127.0.0.1
  port: )",
                                            smtp_.port(), R"(
  encryption: starttls
  from: notices@porchlight.invalid
  ca_file: )",
                                            smtp_.ca_file(), R"(
webhook:
  time_limit_seconds: 3
folder:
  directory: )",
                                            outbox_, R"(
recipients:
  - id: police
    kind: law_enforcement
    channel: webhook
    address: )",
                                            http_.Url("/police"), R"(
    name: Example City Police
    secret_file: webhook.secret
  - id: sheriff
    kind: law_enforcement
    channel: email
    address: desk@example.invalid
    name: Example Sheriff
  - id: state-police
    kind: law_enforcement
    channel: folder
    address: state-police
    name: Example State Police
)"));
}

Arrivals FarEnds::Webhooks() const {
  Arrivals arrivals;
  for (const HttpReceiver::Request& request : http_.requests()) {
    const auto id = request.headers.find("webhook-id");
    arrivals[id == request.headers.end() ? "" : id->second].push_back(request.body);
  }
  return arrivals;
}

Arrivals FarEnds::Mails() const {
  Arrivals arrivals;
  for (auto& [id, packet] : smtp_.Packets()) arrivals[id].push_back(std::move(packet));
  return arrivals;
}

Arrivals FarEnds::Files() const {
  Arrivals arrivals;
  const std::string folder = outbox_ + "/state-police";
  if (!std::filesystem::exists(folder)) return arrivals;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (absl::StartsWith(name, ".") || !absl::EndsWith(name, ".txt")) continue;
    const std::string id(absl::StripSuffix(name, ".txt"));
    arrivals[id].push_back(ReadFile(absl::StrCat(folder, "/", id, ".json")));
  }
  return arrivals;
}

}  // namespace porchlight::testing
