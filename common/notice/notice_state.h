// What is known of one episode's notices: the fold of notification's events. Pure. Must take every
// event that any version ever wrote.
#pragma once

#include "absl/strings/string_view.h"
#include "common/policy/duties.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

// Null: no such notice. Those for a person have no delivery, and are found by their own id only.
const v1::Notice* FindNotice(const v1::NotificationState& state, absl::string_view notice_id);
const v1::Notice* NoticeOfDelivery(const v1::NotificationState& state,
                                   absl::string_view delivery_id);

// Whether this trigger has come.
bool Has(const v1::CaseState& known, v1::PolicyTrigger trigger);

// What a notice that meets this duty is about.
v1::NoticeKind KindOf(const Duty& duty);

// Whether the notice was made for this duty.
bool Covers(const v1::Notice& notice, const Duty& duty);

void Apply(const v1::RecordHeader& header, const google::protobuf::Message& event,
           v1::NotificationState& state);

}  // namespace porchlight
