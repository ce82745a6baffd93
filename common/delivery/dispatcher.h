// Sends what is due, without letting one recipient delay another: a limit for each channel, a limit
// and a breaker for each recipient. It keeps nothing that can't be lost: what was offered and not
// answered is offered again after a restart.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/base/signal.h"
#include "common/channel/channel.h"
#include "common/delivery/delivery.h"

namespace porchlight {

struct DispatcherOptions {
  int sends_per_channel_max = kSendsPerChannelMax;
  int sends_per_recipient_max = kSendsPerRecipientMax;
  // After so many failures in a row (retry or unknown), a recipient gets one attempt at a time, and
  // not before `breaker_pause` after the last. Any answer of theirs, yes or no, closes the breaker.
  int breaker_failures = 5;
  absl::Duration breaker_pause = absl::Seconds(30);
};

// Thread-safe. Starts no thread: sends are started by Offer, Step and by answers that come.
class Dispatcher {
 public:
  using Channels = std::map<v1::ChannelKind, std::shared_ptr<Channel>>;

  // `answered` (may be null) is notified whenever TakeAnswers has something new. `clock` and
  // `answered` must outlive it.
  Dispatcher(Channels channels, const Clock& clock, Signal* answered,
             DispatcherOptions options = {});
  ~Dispatcher();

  // Takes over one attempt of a delivery. Exactly one AttemptResult comes for it, unless it is
  // withdrawn. A delivery id that is already waiting or being sent is ignored. A channel kind that
  // isn't configured is answered REFUSED with a text that says so, and so is an exercise for a live
  // recipient or the reverse: the directory may have changed since the decision. First come,
  // first sent, for each recipient.
  void Offer(int32_t partition, Outgoing outgoing);
  // True if the attempt was waiting (behind a limit or a breaker) and now won't be made; false if
  // it is being sent, or unknown.
  bool Withdraw(const std::string& delivery_id);
  // Drops all that is waiting of a partition that somebody else sends from now on. What is being
  // sent ends, and is answered.
  void Forget(int32_t partition);
  // Starts what may start by now. Call when next_step() is reached.
  void Step();
  // When a closed breaker next lets an attempt through; InfiniteFuture if none is waiting for that.
  absl::Time next_step() const;

  std::vector<AttemptResult> TakeAnswers();

  struct RecipientStatus {
    std::string recipient_id;
    int waiting = 0;
    int sending = 0;
    bool breaker_open = false;
  };
  std::vector<RecipientStatus> Recipients() const;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with sends in progress, which may outlive the dispatcher
};

}  // namespace porchlight
