// The policy packs that the records of an episode name: with them a reader sees by which rule of
// which law something was done, long after the agency changed its packs. Nothing else of the
// directory may ever come into a bundle.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/keys/keys.h"
#include "common/log/log.h"
#include "porchlight/v1/policy.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// Adds every policy_hash that a record of the transition names.
void AddPolicyHashes(const v1::Transition& transition, std::set<std::string>& hashes);

// Of all packs that the directory ever set those with these hashes, each once, in the order of the
// log. One that nobody can read any more, or that was never set, is left out.
absl::StatusOr<std::vector<v1::PolicyPack>> FindPacks(Log& log, Keys& keys,
                                                      std::set<std::string> hashes);

}  // namespace porchlight
