// What an evidence file that doesn't verify still seems to say, for whoever must look into it. It
// checks nothing, and must never be shown without its fault.
#pragma once

#include <optional>
#include <string>

#include "common/evidence/bundle.h"
#include "common/evidence/report.h"
#include "common/evidence/timeline.h"

namespace porchlight {

// `fault`: why it doesn't verify. What can't be parsed is left out.
EvidenceReport ReadUnverified(const SignedEvidence& evidence, std::string fault, Telling telling);

// What a report begins with, verified or not: what the file says of itself.
EvidenceReport ReportOf(const SignedEvidence& evidence);

// Absent: it has none, or what it has is no key.
std::optional<Key> YouthKeyOf(const v1::EvidenceBundle& bundle);

}  // namespace porchlight
