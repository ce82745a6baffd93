// What the programs begin with.
#pragma once

#include <vector>

#include "common/edge/service.h"

namespace porchlight {

// Blocks SIGTERM and SIGINT in every thread started from now on, so that whoever runs services can
// wait for them; ignores SIGPIPE. First call of main.
void PrepareSignals();

// `main` of a program that runs these services until SIGTERM or SIGINT:
//   --config FILE [--listen ADDRESS]               on the cluster that the file names
//   --data DIR [--config FILE] [--listen ADDRESS]  alone, on a folder
// Returns the exit code.
int ServiceMain(int argc, char** argv, const std::vector<ServiceModule>& modules);

}  // namespace porchlight
