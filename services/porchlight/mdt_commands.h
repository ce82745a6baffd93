// The commands for the multidisciplinary team: who was called and has answered, answers, meetings.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// Adds mdt list, ack and meeting. A command that ran sets `exit_code`.
void AddMdtCommands(CLI::App& app, int& exit_code);

}  // namespace porchlight
