// The tasks of a return, from a policy pack and what screening knows of the episode: what is asked
// for, by when, and what was done. Pure. Never forgets a task because a pack changed.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "porchlight/v1/policy.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {

// Every task of the episode as the pack and the facts have it at `now`. A task that is known stays,
// also where the pack no longer asks for it; a return always has a screening.
std::vector<v1::ScreeningTask> TasksOf(const v1::ScreeningState& state, const v1::PolicyPack& pack,
                                       absl::Time now);

// Puts each in the place of the one with its id, or after all others.
void MergeTasks(const google::protobuf::RepeatedPtrField<v1::ScreeningTask>& changed,
                v1::ScreeningState& state);

// Still to be done.
bool IsOpen(const v1::ScreeningTask& task);

}  // namespace porchlight
