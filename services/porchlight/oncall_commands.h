// The commands of duties and of who is woken for them: duties, oncall alerts, ack.
#pragma once

#include <CLI/CLI.hpp>

#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

// After AddDirectoryCommands, whose `oncall` it adds to.
void AddOncallCommands(CLI::App& app, int& exit_code);

// As a table, in the order in which they are.
void PrintDuties(const v1::ListDutiesReply& reply, bool with_episode);

}  // namespace porchlight
