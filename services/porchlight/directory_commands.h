// The commands that show and change who is told, who is on call, what teams are made of and which
// policy packs are in force. They decide nothing: the directory service refuses what would break
// it.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// Adds directory ... and oncall who. A command that ran sets `exit_code`.
void AddDirectoryCommands(CLI::App& app, int& exit_code);

}  // namespace porchlight
