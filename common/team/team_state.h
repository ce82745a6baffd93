// What is known of one episode's team: the fold of mdt's events, and the facts that policy is asked
// with. Pure.
#pragma once

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/policy/duties.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/mdt.pb.h"

namespace porchlight {

// Null: no such notice.
v1::TeamNotice* FindNotice(v1::MdtState& state, absl::string_view notice_id);

const v1::TeamNotice* NoticeOfDuty(const v1::MdtState& state, absl::string_view duty_key);
// Null: it hasn't come.
const v1::TeamTrigger* FindTrigger(const v1::MdtState& state, v1::PolicyTrigger trigger);

// Of all that the state holds, until `now`.
Facts FactsOf(const v1::MdtState& state, absl::Time now);

// Any event of mdt.
void Apply(const google::protobuf::Message& event, v1::MdtState& state);

}  // namespace porchlight
