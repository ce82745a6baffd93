// Policy on the command line, without a server: check packs, and show one in plain words.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// Adds policy check and explain. A command that ran sets `exit_code`.
void AddPolicyCommands(CLI::App& app, int& exit_code);

}  // namespace porchlight
