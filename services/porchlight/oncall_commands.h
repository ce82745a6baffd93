// The commands of duties and of who is woken for them: duties, oncall alerts, ack.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// After AddDirectoryCommands, whose `oncall` it adds to.
void AddOncallCommands(CLI::App& app, int& exit_code);

}  // namespace porchlight
