// Collects what a channel answers, from whatever thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/channel/channel.h"

namespace porchlight::testing {

// Must outlive the channel.
class Answers {
 public:
  Answered For(const std::string& delivery_id) {
    return [this, delivery_id](ChannelAnswer answer) {
      absl::MutexLock lock(&mutex_);
      answers_[delivery_id].push_back(std::move(answer));
      ++count_;
    };
  }
  // False if there aren't so many within a deadline that no working channel needs.
  bool WaitForCount(size_t count) const {
    const auto enough = [this, count] {
      mutex_.AssertReaderHeld();
      return count_ >= count;
    };
    absl::MutexLock lock(&mutex_);
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(30));
  }
  // All answers to this delivery, in the order they came.
  std::vector<ChannelAnswer> Of(const std::string& delivery_id) const {
    absl::MutexLock lock(&mutex_);
    auto it = answers_.find(delivery_id);
    return it == answers_.end() ? std::vector<ChannelAnswer>() : it->second;
  }
  size_t count() const {
    absl::MutexLock lock(&mutex_);
    return count_;
  }

 private:
  mutable absl::Mutex mutex_;
  std::map<std::string, std::vector<ChannelAnswer>> answers_ ABSL_GUARDED_BY(mutex_);
  size_t count_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Sends one and waits for its answer.
inline ChannelAnswer SendAndWait(Channel& channel, Outgoing outgoing) {
  Answers answers;
  const std::string id = outgoing.delivery_id;
  channel.Send(std::move(outgoing), answers.For(id));
  if (!answers.WaitForCount(1)) return {v1::DELIVERY_ANSWER_UNSPECIFIED, 0, "no answer came"};
  return answers.Of(id)[0];
}

}  // namespace porchlight::testing
