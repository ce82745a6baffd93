// Names of jurisdictions and what lies above them: "us-ca-los-angeles" is in "us-ca", and that in
// "us". Pure. Never fails: a name that nobody knows is beneath "us".
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace porchlight {

inline constexpr absl::string_view kFederalJurisdiction = "us";

// As people type it: case, blanks around it, and '_' or ' ' for '-' make no difference.
std::string NormalJurisdiction(absl::string_view typed);

// "us-ca" of "us-ca-los-angeles"; "us" where there is nothing to cut off.
std::string JurisdictionAbove(absl::string_view jurisdiction);

// Whether `jurisdiction` is `whole` or lies in it. Both as NormalJurisdiction gives them.
bool IsWithin(absl::string_view jurisdiction, absl::string_view whole);

}  // namespace porchlight
