// The timeline of an episode, from its transitions. It takes them as they are: whether they can be
// believed was checked before.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/evidence/report.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// A transition of the episode, with its place.
struct WholeTransition {
  size_t chain = 0;  // index in the bundle
  uint64_t sequence = 0;
  v1::Transition transition;
};

// Record by digest.
using CommandsByDigest = std::map<std::string, v1::Record>;

// Sets the counts and the timeline.
void FillTimeline(const std::vector<WholeTransition>& transitions, const CommandsByDigest& commands,
                  EvidenceReport& report);

}  // namespace porchlight
