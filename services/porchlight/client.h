// The commands of the command line that talk to a running server.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace porchlight {

// Adds the commands for intake and notification. A command that ran sets `exit_code`.
void AddClientCommands(CLI::App& app, int& exit_code);
// Adds report, add, return, close and join.
void AddIntakeCommands(CLI::App& app, int& exit_code);
// Adds episodes and episode.
void AddEpisodeCommands(CLI::App& app, int& exit_code);
// Adds import and youths.
void AddRosterCommands(CLI::App& app, int& exit_code);
// Adds notices, file-proof, refuse and dead-letters.
void AddNoticeCommands(CLI::App& app, int& exit_code);

// Adds evidence export, verify and show.
void AddEvidenceCommands(CLI::App& app, int& exit_code);

// Adds rebuild.
void AddAdminCommands(CLI::App& app, int& exit_code);
// Adds drill.
void AddDrill(CLI::App& app, int& exit_code);
// Adds completion: of all commands that `app` has when it runs.
void AddCompletion(CLI::App& app, int& exit_code);

// What every command that talks to a server takes.
struct ServerOptions {
  // Of a cluster, where each service is: "intake=10.0.0.1:7301,oncall=10.0.0.2:7306".
  std::string address = "127.0.0.1:7300";
  bool json = false;
};
void AddServerOptions(CLI::App& command, ServerOptions& options);

}  // namespace porchlight
