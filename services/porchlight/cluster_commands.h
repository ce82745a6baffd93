// The commands that prepare a cluster: its topics and its master key.
#pragma once

#include <CLI/CLI.hpp>

namespace porchlight {

// Adds topics create and topics check to `app`, make-key to `config`.
void AddClusterCommands(CLI::App& app, CLI::App& config, int& exit_code);

}  // namespace porchlight
