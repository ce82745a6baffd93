// See memory_channel.h. Callbacks are never called with the mutex held, since they may send again.
#include "common/channel/memory_channel.h"

#include <algorithm>
#include <optional>

namespace porchlight {
namespace {

MemoryChannel::Script MakeScript(v1::DeliveryAnswer answer, int code, absl::string_view text,
                                 bool arrives) {
  MemoryChannel::Script script;
  script.answer.answer = answer;
  script.answer.code = code;
  script.answer.text = std::string(text);
  script.arrives = arrives;
  return script;
}

}  // namespace

MemoryChannel::Script MemoryChannel::Script::After(absl::Duration duration) const {
  Script script = *this;
  script.takes = duration;
  return script;
}

MemoryChannel::Script MemoryChannel::Accept() {
  return MakeScript(v1::DELIVERY_ANSWER_ACCEPTED, 200, "accepted", true);
}

MemoryChannel::Script MemoryChannel::Retry(int code, absl::Duration retry_after) {
  Script script = MakeScript(v1::DELIVERY_ANSWER_RETRY, code, "try again later", false);
  script.answer.retry_after = retry_after;
  return script;
}

MemoryChannel::Script MemoryChannel::Refuse(int code) {
  return MakeScript(v1::DELIVERY_ANSWER_REFUSED, code, "refused", false);
}

MemoryChannel::Script MemoryChannel::UnknownThoughArrived() {
  return MakeScript(v1::DELIVERY_ANSWER_UNKNOWN, 0, "the answer was lost", true);
}

MemoryChannel::Script MemoryChannel::UnknownAndLost() {
  return MakeScript(v1::DELIVERY_ANSWER_UNKNOWN, 0, "the connection broke", false);
}

MemoryChannel::~MemoryChannel() {
  UnansweredBySend left;
  {
    absl::MutexLock lock(&mutex_);
    left.swap(unanswered_);
  }
  for (auto& [number, attempt] : left) {
    attempt.done({v1::DELIVERY_ANSWER_UNKNOWN, 0, "stopped before the far end answered"});
  }
}

MemoryChannel::Script MemoryChannel::NextScript(const std::string& recipient_id) {
  auto next = next_.find(recipient_id);
  if (next != next_.end()) {
    Script script = std::move(next->second.front());
    next->second.pop_front();
    if (next->second.empty()) next_.erase(next);
    return script;
  }
  auto always = always_.find(recipient_id);
  if (always == always_.end()) always = always_.find("");
  return always == always_.end() ? Accept() : always->second;
}

void MemoryChannel::Send(Outgoing outgoing, Answered done) {
  ChannelAnswer answer;
  {
    absl::MutexLock lock(&mutex_);
    Script script = NextScript(outgoing.recipient.recipient_id());
    auto& [attempts, arrivals] = counts_[outgoing.delivery_id];
    ++attempts;
    if (script.arrives) ++arrivals;
    const std::string delivery_id = outgoing.delivery_id;
    sent_.push_back({std::move(outgoing), clock_.Now(), script.arrives});
    if (script.takes > absl::ZeroDuration()) {
      unanswered_[sent_.size()] = {delivery_id, clock_.Steady() + script.takes,
                                   std::move(script.answer), std::move(done)};
      return;
    }
    answer = std::move(script.answer);
  }
  done(std::move(answer));
}

void MemoryChannel::Always(const std::string& recipient_id, Script script) {
  absl::MutexLock lock(&mutex_);
  always_[recipient_id] = std::move(script);
}

void MemoryChannel::Next(const std::string& recipient_id, Script script) {
  absl::MutexLock lock(&mutex_);
  next_[recipient_id].push_back(std::move(script));
}

bool MemoryChannel::Release(const std::string& delivery_id) {
  std::optional<Unanswered> attempt;
  {
    absl::MutexLock lock(&mutex_);
    auto it = std::find_if(unanswered_.begin(), unanswered_.end(), [&](const auto& entry) {
      return entry.second.delivery_id == delivery_id;
    });
    if (it == unanswered_.end()) return false;
    attempt = std::move(it->second);
    unanswered_.erase(it);
  }
  attempt->done(std::move(attempt->answer));
  return true;
}

bool MemoryChannel::Release(const std::string& delivery_id, ChannelAnswer answer) {
  {
    absl::MutexLock lock(&mutex_);
    auto it = std::find_if(unanswered_.begin(), unanswered_.end(), [&](const auto& entry) {
      return entry.second.delivery_id == delivery_id;
    });
    if (it == unanswered_.end()) return false;
    it->second.answer = std::move(answer);
  }
  return Release(delivery_id);
}

int MemoryChannel::ReleaseAll() {
  UnansweredBySend released;
  {
    absl::MutexLock lock(&mutex_);
    released.swap(unanswered_);
  }
  for (auto& [number, attempt] : released) attempt.done(std::move(attempt.answer));
  return static_cast<int>(released.size());
}

void MemoryChannel::Step() {
  std::vector<Unanswered> due;
  {
    absl::MutexLock lock(&mutex_);
    const absl::Duration now = clock_.Steady();
    for (auto it = unanswered_.begin(); it != unanswered_.end();) {
      if (it->second.due > now) {
        ++it;
        continue;
      }
      due.push_back(std::move(it->second));
      it = unanswered_.erase(it);
    }
  }
  for (Unanswered& attempt : due) attempt.done(std::move(attempt.answer));
}

absl::Time MemoryChannel::next_step() const {
  absl::MutexLock lock(&mutex_);
  absl::Duration first = absl::InfiniteDuration();
  for (const auto& [number, attempt] : unanswered_) first = std::min(first, attempt.due);
  return clock_.Now() + (first - clock_.Steady());
}

std::vector<MemoryChannel::Sent> MemoryChannel::sent() const {
  absl::MutexLock lock(&mutex_);
  return sent_;
}

int MemoryChannel::attempts(const std::string& delivery_id) const {
  absl::MutexLock lock(&mutex_);
  auto it = counts_.find(delivery_id);
  return it == counts_.end() ? 0 : it->second.first;
}

int MemoryChannel::arrivals(const std::string& delivery_id) const {
  absl::MutexLock lock(&mutex_);
  auto it = counts_.find(delivery_id);
  return it == counts_.end() ? 0 : it->second.second;
}

int MemoryChannel::unanswered() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(unanswered_.size());
}

}  // namespace porchlight
