// What an episode itself says that policy asks for: the ground that every service lays its own
// facts on, so that all compute the same duties. Pure.
#pragma once

#include "common/policy/duties.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

// What policy asks for and lists show, and nothing that says who the youth is but their age.
v1::Episode PolicyPartOf(const v1::Episode& episode);

// Age, circumstances and anchors as they are known, and the trigger MISSING.
Facts FactsOf(const v1::Episode& episode);

}  // namespace porchlight
