// Every service, in the order in which a server starts them.
#pragma once

#include <vector>

#include "common/edge/service.h"

namespace porchlight {

std::vector<ServiceModule> AllServices();

}  // namespace porchlight
