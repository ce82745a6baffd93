// What is known of one episode, as policy asks for it: a fold of the events of all services. Who
// must meet a duty and who watches it each keep one and never ask the other. Pure: every fold of
// the same events gives the same duties.
#pragma once

#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "common/policy/duties.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/case.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// What an event of any service adds to what is known; nothing: nothing. Also of the reader's own
// events.
std::optional<v1::CaseState> ChangeOf(const v1::CaseState& known, const v1::RecordHeader& header,
                                      const google::protobuf::Message& event);

void Apply(const v1::CaseState& change, v1::CaseState& state);

// Until `now`.
Facts FactsOf(const v1::CaseState& state, const v1::PolicyPack& pack, absl::Time now);

// As the pack and the facts have them; those of an episode that is the double of another, or that
// was reported in error, have ended where they weren't met.
std::vector<Duty> DutiesOf(const v1::CaseState& state, const v1::PolicyPack& pack, absl::Time now);

}  // namespace porchlight
