// What becomes of a delivery after an attempt: pure rules, and the fold of attempts into a status.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/channel/channel.h"
#include "porchlight/v1/record.pb.h"
#include "porchlight/v1/state.pb.h"

namespace porchlight {

// What came of one attempt, as the dispatcher saw it.
struct AttemptResult {
  int32_t partition = 0;
  std::string delivery_id;
  absl::Time started_at;
  absl::Time answered_at;
  std::string address;  // where it was sent; personal data of a desk or person
  ChannelAnswer answer;
};

// Waits between attempts: about 1 s, 2 s, 4 s ... up to 5 min, each between half and the whole of
// that, by the delivery's id.
absl::Duration RetryDelay(absl::string_view delivery_id, uint32_t attempts_made);

// The record of this attempt (without its sealed reply): delivered, to be sent again and when, or
// dead.
v1::DeliveryAttempt DecideAttempt(const v1::DeliveryStatus& status, const AttemptResult& result);

// Given up without an attempt, because its time is over.
v1::DeliveryAttempt DecideExpiry(const v1::DeliveryStatus& status, absl::Time now);

// Sent again by a person's wish, for `window` from now on.
v1::DeliveryAttempt DecideReplay(const v1::DeliveryStatus& status, absl::Time now,
                                 absl::Duration window);

// Taken back by the service that made it: nobody needs it any more.
v1::DeliveryAttempt DecideWithdrawal(const v1::DeliveryStatus& status, absl::Time now);

v1::DeliveryStatus FoldMade(const v1::Transition& transition, int64_t offset, int index);
void FoldAttempt(v1::DeliveryStatus& status, const v1::DeliveryAttempt& attempt);

}  // namespace porchlight
