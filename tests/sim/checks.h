// What must hold once a simulation has come to rest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/sim/environment.h"
#include "tests/sim/process.h"

namespace porchlight::sim {

// What is still to be done, by what the log says; empty: nothing.
std::string Unsettled(Environment& environment);

// Reports the first promise that isn't kept.
void CheckAtRest(Environment& environment, const std::vector<std::unique_ptr<Process>>& processes,
                 const std::string& logged_lines);

// Of every record of the log.
std::string HashOfLog(Environment& environment);

}  // namespace porchlight::sim
