#include "services/porchlight/client.h"

#include <memory>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "porchlight/v1/agency.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {

std::string AddressOf(const ServerOptions& server, absl::string_view service) {
  if (!absl::StrContains(server.address, '=')) return server.address;
  for (const absl::string_view entry : absl::StrSplit(server.address, ',')) {
    const std::pair<absl::string_view, absl::string_view> named =
        absl::StrSplit(entry, absl::MaxSplits('=', 1));
    if (absl::StripAsciiWhitespace(named.first) == service)
      return std::string(absl::StripAsciiWhitespace(named.second));
  }
  return kNoAddress;
}

std::shared_ptr<grpc::Channel> Connect(const ServerOptions& server, absl::string_view service) {
  std::shared_ptr<grpc::Channel> channel = rpc::NewChannel(AddressOf(server, service));
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  v1::GetAgencyReply agency;
  if (v1::Agency::NewStub(channel)->GetAgency(&context, {}, &agency).ok())
    ShowTimesIn(agency.time_zone());
  return channel;
}

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  command
      .add_option(
          "--server", options.address,
          "Where the server listens; of a cluster, intake=HOST:PORT,notification=HOST:PORT,...")
      ->envname("PORCHLIGHT_SERVER")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print JSON for scripts");
}

void AddClientCommands(CLI::App& app, int& exit_code) {
  AddIntakeCommands(app, exit_code);
  AddEpisodeCommands(app, exit_code);
  AddRosterCommands(app, exit_code);
  AddNoticeCommands(app, exit_code);
}

}  // namespace porchlight
