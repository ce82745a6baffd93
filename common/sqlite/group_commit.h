// Many threads, one transaction: whoever comes first commits for all who wait, and hands over to
// the next. It owns no thread. Work is never dropped: Run returns after its group was committed.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/types/span.h"

namespace porchlight::sqlite {

// Thread-safe.
template <typename Work>
class GroupCommit {
 public:
  // `commit` is called by one thread at a time, with work in the order in which it came. It says
  // what came of it inside of Work.
  using Commit = std::function<void(absl::Span<Work* const>)>;

  explicit GroupCommit(Commit commit) : commit_(std::move(commit)) {}
  GroupCommit(const GroupCommit&) = delete;
  GroupCommit& operator=(const GroupCommit&) = delete;

  void Run(Work& work) {
    Waiting self;
    bool lead = false;
    {
      absl::MutexLock lock(&mutex_);
      queue_.push_back(&work);
      waiting_.push_back(&self);
      lead = !std::exchange(led_, true);
    }
    if (!lead) {
      self.woken.WaitForNotification();
      if (!self.lead) return;
    }
    Lead(self);
  }

 private:
  struct Waiting {
    absl::Notification woken;
    bool lead = false;  // woken to commit, rather than because it is done
  };

  void Lead(const Waiting& self) {
    std::vector<Work*> group;
    std::vector<Waiting*> followers;
    {
      absl::MutexLock lock(&mutex_);
      group.swap(queue_);
      followers.swap(waiting_);
    }
    commit_(group);
    Waiting* next = nullptr;
    {
      absl::MutexLock lock(&mutex_);
      led_ = !waiting_.empty();
      if (led_) next = waiting_.front();
    }
    // The next group doesn't wait until this one's threads are all awake.
    if (next != nullptr) {
      next->lead = true;
      next->woken.Notify();
    }
    for (Waiting* follower : followers) {
      if (follower != &self) follower->woken.Notify();
    }
  }

  const Commit commit_;
  absl::Mutex mutex_;
  std::vector<Work*> queue_ ABSL_GUARDED_BY(mutex_);
  std::vector<Waiting*> waiting_ ABSL_GUARDED_BY(mutex_);
  bool led_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace porchlight::sqlite
