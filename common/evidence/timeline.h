// The timeline of an episode, from its transitions. It takes them as they are: whether they can be
// believed was checked before. Unless everything is asked for, it takes from payloads only what is
// of class "internal", so that no text made from it can say more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/evidence/report.h"
#include "common/keys/keys.h"
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

enum class Telling { kInternalOnly, kEverything };

struct TimelineSources {
  const std::vector<WholeTransition>& transitions;
  const CommandsByDigest& commands;
  // Absent: payloads stay sealed.
  const std::optional<Key>& key;
  Telling telling = Telling::kInternalOnly;
};

// Sets the counts and the timeline.
void FillTimeline(const TimelineSources& sources, EvidenceReport& report);

}  // namespace porchlight
