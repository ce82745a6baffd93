#include "services/porchlight/client.h"

#include <memory>
#include <string>

#include "porchlight/v1/agency.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {

std::shared_ptr<grpc::Channel> Connect(const ServerOptions& server) {
  std::shared_ptr<grpc::Channel> channel = rpc::NewChannel(server.address);
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  v1::GetAgencyReply agency;
  if (v1::Agency::NewStub(channel)->GetAgency(&context, {}, &agency).ok())
    ShowTimesIn(agency.time_zone());
  return channel;
}

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  command.add_option("--server", options.address, "Where the server listens")
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
