// See dispatcher.h. No channel is ever called with the mutex held, and an answer that comes within
// Send doesn't start the next send inside it: a backlog of any length needs no more stack.
#include "common/delivery/dispatcher.h"

#include <list>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace porchlight {
namespace {

struct Recipient;
using RecipientKey = std::pair<v1::ChannelKind, std::string>;

struct Waiting {
  int32_t partition = 0;
  Outgoing outgoing;
};

struct ChannelQueue {
  Channel* channel = nullptr;
  int sending = 0;
  // Recipients that may be sent something now, served in turn so that none waits for another's
  // backlog.
  std::list<Recipient*> ready;
};

struct Recipient {
  RecipientKey key;
  ChannelQueue* queue = nullptr;
  std::list<Waiting> waiting;
  int sending = 0;
  int failures = 0;           // in a row
  absl::Duration not_before;  // by Steady(); counts while the breaker is open
  std::optional<std::list<Recipient*>::iterator> ready;  // its place in queue->ready
  bool pausing = false;                                  // in State::pausing
};

// Where a delivery is. `waiting` is meaningful until it is sent.
struct Place {
  Recipient* recipient = nullptr;
  bool sending = false;
  std::list<Waiting>::iterator waiting;
};

AttemptResult RefusedResult(int32_t partition, const Outgoing& outgoing, absl::Time now,
                            std::string text) {
  AttemptResult result;
  result.partition = partition;
  result.delivery_id = outgoing.delivery_id;
  result.started_at = now;
  result.answered_at = now;
  result.address = outgoing.recipient.address();
  result.answer.answer = v1::DELIVERY_ANSWER_REFUSED;
  result.answer.text = std::move(text);
  return result;
}

}  // namespace

struct Dispatcher::State : std::enable_shared_from_this<Dispatcher::State> {
  struct Start {
    Channel* channel = nullptr;
    Outgoing outgoing;
    AttemptResult result;  // all but the answer
    Recipient* recipient = nullptr;
  };

  State(Channels channels_in, const Clock& clock_in, Signal* answered_in,
        DispatcherOptions options_in)
      : options(options_in),
        clock(clock_in),
        answered(answered_in),
        channels(std::move(channels_in)) {
    for (auto& [kind, channel] : channels) queues[kind].channel = channel.get();
  }

  bool BreakerOpen(const Recipient& recipient) const {
    return recipient.failures >= options.breaker_failures;
  }
  void Offer(int32_t partition, Outgoing outgoing);
  // True if it was waiting.
  bool Drop(const std::string& delivery_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void Settle(Recipient& recipient) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void EndPauses();
  std::optional<Start> NextStart() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);
  void SendAll();
  void TakeAnswer(Recipient* recipient, AttemptResult result);
  void AddResult(AttemptResult result) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex);

  const DispatcherOptions options;
  const Clock& clock;      // not used once closed
  Signal* const answered;  // not used once closed

  mutable absl::Mutex mutex;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  int threads_sending ABSL_GUARDED_BY(mutex) = 0;
  Channels channels ABSL_GUARDED_BY(mutex);
  std::map<v1::ChannelKind, ChannelQueue> queues ABSL_GUARDED_BY(mutex);
  v1::ChannelKind last_channel ABSL_GUARDED_BY(mutex) = v1::CHANNEL_KIND_UNSPECIFIED;
  // Nodes stay where they are, so that they can be pointed to.
  std::map<RecipientKey, Recipient> recipients ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<std::string, Place> places ABSL_GUARDED_BY(mutex);
  // Recipients with something waiting for the end of a breaker's pause.
  std::map<std::pair<absl::Duration, RecipientKey>, Recipient*> pausing ABSL_GUARDED_BY(mutex);
  std::vector<AttemptResult> results ABSL_GUARDED_BY(mutex);
};

void Dispatcher::State::AddResult(AttemptResult result) {
  results.push_back(std::move(result));
  if (answered != nullptr) answered->Notify();
}

// Puts a recipient where its waiting, sending and breaker say: ready, pausing, or neither; forgets
// one about whom there is nothing to know.
void Dispatcher::State::Settle(Recipient& recipient) {
  const bool open = BreakerOpen(recipient);
  const int sends_max = open ? 1 : options.sends_per_recipient_max;
  const bool may_send = !recipient.waiting.empty() && recipient.sending < sends_max;
  const bool pause = may_send && open && clock.Steady() < recipient.not_before;
  if (pause != recipient.pausing) {
    if (pause) {
      pausing[{recipient.not_before, recipient.key}] = &recipient;
    } else {
      pausing.erase({recipient.not_before, recipient.key});
    }
    recipient.pausing = pause;
  }
  const bool ready = may_send && !pause;
  if (ready && !recipient.ready) {
    recipient.ready = recipient.queue->ready.insert(recipient.queue->ready.end(), &recipient);
  } else if (!ready && recipient.ready) {
    recipient.queue->ready.erase(*recipient.ready);
    recipient.ready.reset();
  }
  if (recipient.waiting.empty() && recipient.sending == 0 && recipient.failures == 0) {
    const RecipientKey key = recipient.key;
    recipients.erase(key);
  }
}

void Dispatcher::State::Offer(int32_t partition, Outgoing outgoing) {
  absl::MutexLock lock(&mutex);
  if (closed || places.contains(outgoing.delivery_id)) return;
  const v1::ChannelKind kind = outgoing.recipient.channel();
  if (outgoing.exercise != outgoing.recipient.exercise_only()) {
    AddResult(RefusedResult(partition, outgoing, clock.Now(),
                            outgoing.exercise
                                ? "an exercise record never reaches a live recipient: give the "
                                  "exercise recipients of its own, with exercise_only set"
                                : "a live record never reaches a recipient that is for exercises "
                                  "only: clear exercise_only or name another recipient"));
    return;
  }
  auto queue = queues.find(kind);
  if (queue == queues.end()) {
    AddResult(RefusedResult(
        partition, outgoing, clock.Now(),
        absl::StrCat("no channel is configured for ", v1::ChannelKind_Name(kind),
                     ": configure it, or give the recipient another channel, and replay")));
    return;
  }
  const RecipientKey key(kind, outgoing.recipient.recipient_id());
  Recipient& recipient = recipients[key];
  recipient.key = key;
  recipient.queue = &queue->second;
  Place& place = places[outgoing.delivery_id];
  place.recipient = &recipient;
  place.waiting =
      recipient.waiting.insert(recipient.waiting.end(), {partition, std::move(outgoing)});
  Settle(recipient);
}

bool Dispatcher::State::Drop(const std::string& delivery_id) {
  const auto place = places.find(delivery_id);
  if (place == places.end() || place->second.sending) return false;
  Recipient& recipient = *place->second.recipient;
  recipient.waiting.erase(place->second.waiting);
  places.erase(place);
  Settle(recipient);
  return true;
}

void Dispatcher::State::EndPauses() {
  absl::MutexLock lock(&mutex);
  const absl::Duration now = clock.Steady();
  while (!pausing.empty() && pausing.begin()->first.first <= now) Settle(*pausing.begin()->second);
}

std::optional<Dispatcher::State::Start> Dispatcher::State::NextStart() {
  if (closed) return std::nullopt;
  // Channels take turns as recipients do.
  auto turn = queues.upper_bound(last_channel);
  for (size_t tried = 0; tried < queues.size(); ++tried, ++turn) {
    if (turn == queues.end()) turn = queues.begin();
    auto& [kind, queue] = *turn;
    if (queue.ready.empty() || queue.sending >= options.sends_per_channel_max) continue;
    last_channel = kind;
    Recipient& recipient = *queue.ready.front();
    Start start;
    start.channel = queue.channel;
    start.recipient = &recipient;
    start.outgoing = std::move(recipient.waiting.front().outgoing);
    start.result.partition = recipient.waiting.front().partition;
    start.result.delivery_id = start.outgoing.delivery_id;
    start.result.address = start.outgoing.recipient.address();
    start.result.started_at = clock.Now();
    recipient.waiting.pop_front();
    places[start.outgoing.delivery_id].sending = true;
    ++recipient.sending;
    ++queue.sending;
    // To the back of the line, if it is still ready.
    queue.ready.pop_front();
    recipient.ready.reset();
    Settle(recipient);
    return start;
  }
  return std::nullopt;
}

void Dispatcher::State::SendAll() {
  // Set while this thread is in the loop below: an answer from within Send comes back here, and
  // leaves the next start to the loop.
  thread_local State* sending_for = nullptr;
  if (sending_for == this) return;
  State* const outer = std::exchange(sending_for, this);
  {
    absl::MutexLock lock(&mutex);
    ++threads_sending;
  }
  while (true) {
    std::optional<Start> start;
    {
      absl::MutexLock lock(&mutex);
      start = NextStart();
      if (!start) {
        --threads_sending;
        break;
      }
    }
    start->channel->Send(std::move(start->outgoing),
                         [state = shared_from_this(), recipient = start->recipient,
                          result = std::move(start->result)](ChannelAnswer answer) mutable {
                           result.answer = std::move(answer);
                           state->TakeAnswer(recipient, std::move(result));
                         });
  }
  sending_for = outer;
}

void Dispatcher::State::TakeAnswer(Recipient* recipient, AttemptResult result) {
  {
    absl::MutexLock lock(&mutex);
    if (closed) return;
    result.answered_at = clock.Now();
    places.erase(result.delivery_id);
    --recipient->sending;
    --recipient->queue->sending;
    const bool they_answered = result.answer.answer == v1::DELIVERY_ANSWER_ACCEPTED ||
                               result.answer.answer == v1::DELIVERY_ANSWER_REFUSED;
    if (they_answered) {
      recipient->failures = 0;
    } else {
      ++recipient->failures;
      recipient->not_before = clock.Steady() + options.breaker_pause;
    }
    Settle(*recipient);
    AddResult(std::move(result));
  }
  SendAll();
}

Dispatcher::Dispatcher(Channels channels, const Clock& clock, Signal* answered,
                       DispatcherOptions options)
    : state_(std::make_shared<State>(std::move(channels), clock, answered, options)) {}

// A thread of a channel may be in SendAll: it is waited for, since the channels may end with this.
// Later answers find the state closed.
Dispatcher::~Dispatcher() {
  Channels channels;
  {
    absl::MutexLock lock(&state_->mutex);
    state_->closed = true;
    const auto nobody_sends = [](State* state) { return state->threads_sending == 0; };
    state_->mutex.Await(absl::Condition(+nobody_sends, state_.get()));
    channels.swap(state_->channels);
  }
}

void Dispatcher::Offer(int32_t partition, Outgoing outgoing) {
  state_->Offer(partition, std::move(outgoing));
  state_->SendAll();
}

bool Dispatcher::Withdraw(const std::string& delivery_id) {
  absl::MutexLock lock(&state_->mutex);
  return state_->Drop(delivery_id);
}

void Dispatcher::Forget(int32_t partition) {
  absl::MutexLock lock(&state_->mutex);
  std::vector<std::string> waiting;
  for (const auto& [key, recipient] : state_->recipients) {
    for (const Waiting& one : recipient.waiting) {
      if (one.partition == partition) waiting.push_back(one.outgoing.delivery_id);
    }
  }
  for (const std::string& delivery_id : waiting) state_->Drop(delivery_id);
}

void Dispatcher::Step() {
  state_->EndPauses();
  state_->SendAll();
}

absl::Time Dispatcher::next_step() const {
  absl::MutexLock lock(&state_->mutex);
  if (state_->pausing.empty()) return absl::InfiniteFuture();
  return state_->clock.Now() + (state_->pausing.begin()->first.first - state_->clock.Steady());
}

std::vector<AttemptResult> Dispatcher::TakeAnswers() {
  absl::MutexLock lock(&state_->mutex);
  return std::exchange(state_->results, {});
}

std::vector<Dispatcher::RecipientStatus> Dispatcher::Recipients() const {
  absl::MutexLock lock(&state_->mutex);
  std::vector<RecipientStatus> statuses;
  for (const auto& [key, recipient] : state_->recipients) {
    RecipientStatus status;
    status.recipient_id = key.second;
    status.waiting = static_cast<int>(recipient.waiting.size());
    status.sending = recipient.sending;
    status.breaker_open = state_->BreakerOpen(recipient);
    statuses.push_back(std::move(status));
  }
  return statuses;
}

}  // namespace porchlight
