// What no pack may loosen. A ceiling's limits count in any case (PolicyRule.ceilings); here is what
// tells an author, at load, that theirs would be looser. Never lets doubt pass: a window that could
// be longer on some day of some year is looser.
#pragma once

#include <string>
#include <vector>

#include "porchlight/v1/policy.pb.h"

namespace porchlight {

inline bool IsCeiling(const v1::PolicyRule& rule) { return !rule.ceilings().empty(); }

struct Loosening {
  std::string key;  // of the rule's YAML
  std::string wrong;
  std::string expected;
};

// Of a rule with ceilings, where `changed` asks for less than it. Empty: it asks for as much.
// `immediately_minutes` is that of the changed pack.
std::vector<Loosening> Loosened(const v1::PolicyRule& ceiling, const v1::PolicyRule& changed,
                                uint32_t immediately_minutes);

}  // namespace porchlight
