// What an episode itself says that policy asks for: the ground that every service lays its own
// facts on, so that all compute the same duties. Pure.
#pragma once

#include "common/policy/duties.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

// The date of birth, if it can be read as one, and the trigger MISSING.
Facts FactsOf(const v1::Episode& episode);

}  // namespace porchlight
