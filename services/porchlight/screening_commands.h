// The commands for what a return asks for: screening, interview, medical offers, photo, and a
// person's decision.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// Adds screening list, defer, complete, interview, exposure, medical, photo and identify. A command
// that ran sets `exit_code`.
void AddScreeningCommands(CLI::App& app, int& exit_code);

}  // namespace porchlight
