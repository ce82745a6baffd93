// A pack in plain words for people who don't read YAML. Says nothing that the pack doesn't say.
#pragma once

#include <string>

#include "porchlight/v1/policy.pb.h"

namespace porchlight {

// What must be done once `trigger` happens, by when, whom it is told to, what proves it and where
// it is written: at most 100 columns. Unspecified: every trigger that the pack has rules for.
std::string Explain(const v1::PolicyPack& pack, v1::PolicyTrigger trigger);
// The same of one rule alone.
std::string Explain(const v1::PolicyRule& rule);

}  // namespace porchlight
