// What is known of a youth and an episode, and how further facts go into it: a newer fact replaces
// an older one, silence replaces nothing. Pure. Never drops a fact because another is odd.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

// Names of the facts that police and NCMEC ask for (42 USC 671(a)(35)(B); R-06), that nobody has
// told yet, and that nobody has said to be not reasonably available.
std::vector<std::string> StillUnknown(const v1::Episode& episode);

// Each puts what is told into what is known, and returns the names of the fields that changed.
std::vector<std::string> MergeFacts(const v1::YouthFacts& told, v1::YouthFacts& known);
// `received_at`: since when the agency knows it.
std::vector<std::string> MergeReport(const v1::ReportMissingRequest& report, absl::Time received_at,
                                     v1::Episode& episode);
// Also keeps the addition itself, as the newest of episode.facts.
std::vector<std::string> MergeAddition(const v1::AddToEpisodeRequest& addition,
                                       absl::Time received_at, v1::Episode& episode);

// Fills what the episode doesn't know with what the roster has, and puts the roster's new word in
// the place of its earlier one: what a person told of this episode is left alone. `before`: what
// the roster had until now.
std::vector<std::string> FillFromRoster(const v1::Youth& roster, const v1::Youth& before,
                                        v1::Episode& episode);

// What the next episode of a youth begins with: who they are, but not what they wore.
v1::YouthFacts LastingFacts(const v1::YouthFacts& facts);

}  // namespace porchlight
