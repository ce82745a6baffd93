// A channel: a way to reach people and systems outside.
//
// Contract (tests/contract/channel_contract_test.cc):
//   * `done` is called exactly once for every Send, from any thread, also from within Send, and
//   also when the channel is destroyed with
//     sends in progress (kUnknown).
//   * ACCEPTED only when the far end itself said yes. A connection that broke after the message was
//   on its way is UNKNOWN.
//   * Every attempt of a delivery carries the same delivery id to the far end.
//   * A send ends within its channel's time limit; it never delays another recipient's.
#pragma once

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

struct Outgoing {
  std::string delivery_id;
  v1::Recipient recipient;
  v1::Message message;
  bool exercise = false;
  absl::Time made_at;
};

struct ChannelAnswer {
  v1::DeliveryAnswer answer = v1::DELIVERY_ANSWER_UNKNOWN;
  int code = 0;      // HTTP status, SMTP reply code; 0 if none was given
  std::string text;  // the far end's words, or what went wrong; at most kChannelReplyBytesMax. May
                     // hold personal data: seal it
  // The far end asked to wait this long (HTTP Retry-After); zero if it didn't.
  absl::Duration retry_after = absl::ZeroDuration();
};

using Answered = absl::AnyInvocable<void(ChannelAnswer)>;

// Thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;
  virtual void Send(Outgoing outgoing, Answered done) = 0;
};

}  // namespace porchlight
