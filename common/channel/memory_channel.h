// A channel that records what it is asked to send and answers as its script says: for tests and the
// simulator. It starts no thread and never answers by itself: an answer comes within Send, within
// Step (slow ones, by the clock), or when the test releases it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/channel/channel.h"

namespace porchlight {

// Thread-safe, if the clock is.
class MemoryChannel final : public Channel {
 public:
  // How the far end behaves towards one attempt.
  struct Script {
    ChannelAnswer answer;
    bool arrives = false;  // the far end has it, whatever it answers
    // Zero: answered within Send. Infinite: not before Release. Otherwise answered by the first
    // Step that comes so long after Send.
    absl::Duration takes = absl::ZeroDuration();

    Script After(absl::Duration duration) const;
    Script Held() const { return After(absl::InfiniteDuration()); }
  };
  static Script Accept();
  static Script Retry(int code = 503, absl::Duration retry_after = absl::ZeroDuration());
  static Script Refuse(int code = 400);
  static Script UnknownThoughArrived();
  static Script UnknownAndLost();

  struct Sent {
    Outgoing outgoing;
    absl::Time sent_at;
    bool arrived = false;
  };

  // Accepts everything until told otherwise.
  explicit MemoryChannel(const Clock& clock) : clock_(clock) {}
  ~MemoryChannel() override;

  void Send(Outgoing outgoing, Answered done) override;

  // For every later attempt at this recipient; an empty id stands for all that have none of their
  // own.
  void Always(const std::string& recipient_id, Script script);
  // For the next attempt at this recipient that has no such script yet; then as before.
  void Next(const std::string& recipient_id, Script script);

  // Answers the oldest unanswered attempt of this delivery, as scripted or with `answer`. False if
  // there is none.
  bool Release(const std::string& delivery_id);
  bool Release(const std::string& delivery_id, ChannelAnswer answer);
  // Answers all that are unanswered now, oldest first, as scripted. Returns how many.
  int ReleaseAll();
  // Answers those that have taken their time.
  void Step();
  // When Step next has something to do; InfiniteFuture if never.
  absl::Time next_step() const;

  // Every attempt, oldest first.
  std::vector<Sent> sent() const;
  int attempts(const std::string& delivery_id) const;
  // How often the far end has got this delivery.
  int arrivals(const std::string& delivery_id) const;
  // Attempts not answered yet.
  int unanswered() const;

 private:
  struct Unanswered {
    std::string delivery_id;
    absl::Duration due;  // by clock_.Steady()
    ChannelAnswer answer;
    Answered done;
  };
  // By the order of sending, so that one seed gives one order of answers.
  using UnansweredBySend = std::map<uint64_t, Unanswered>;

  Script NextScript(const std::string& recipient_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  mutable absl::Mutex mutex_;
  std::map<std::string, Script> always_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::deque<Script>> next_ ABSL_GUARDED_BY(mutex_);
  std::vector<Sent> sent_ ABSL_GUARDED_BY(mutex_);
  // Attempts and arrivals by delivery id.
  std::map<std::string, std::pair<int, int>> counts_ ABSL_GUARDED_BY(mutex_);
  UnansweredBySend unanswered_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
