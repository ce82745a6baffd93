// Reads one rule of a pack from its YAML. Says all that is wrong with it; never fills in what the
// law would have to say.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "common/config/yaml_reader.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

// The keys that a rule may have.
const std::vector<absl::string_view>& RuleKeys();

// Whether an id is 1 to `longest` characters of [a-z0-9-].
bool IsPolicyId(absl::string_view id, size_t longest);

// Changes `rule`, which is empty or an inherited one, by what the map says. One that is new must
// say all that has no default.
enum class RuleOrigin { kNew, kInherited };
void ReadRule(YamlMap& map, RuleOrigin origin, v1::PolicyRule& rule);

}  // namespace porchlight
