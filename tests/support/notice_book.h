// What arrived at the webhooks of a run: for each youth when police were first told, a supervisor
// first paged, and told of a missed duty; and whatever arrived twice. Times are by Clock::Steady.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/support/http_receiver.h"

namespace porchlight::testing {

class NoticeBook {
 public:
  struct Youth {
    absl::Duration police = absl::InfiniteDuration();
    absl::Duration page = absl::InfiniteDuration();
    absl::Duration overdue = absl::InfiniteDuration();
    // Ids of different deliveries that say the same: more than one is an effect that was doubled.
    std::set<std::string> police_ids;
    std::set<std::string> page_ids;
  };
  struct Told {
    std::map<std::string, Youth> youths;
    std::set<std::string> ids;           // of all deliveries that arrived
    std::set<std::string> changed;       // of those that came again and said something else
    std::vector<absl::Duration> police;  // when each youth's police were first told, in order
    std::vector<absl::Duration> again;   // when a delivery came that had come before
  };

  // Takes what comes at /police and /page.
  NoticeBook();

  HttpReceiver& http() { return http_; }
  Told told() const;
  // As far as it is known by now.
  Youth Of(const std::string& youth_id) const;

 private:
  void Take(const HttpReceiver::Request& request);

  mutable absl::Mutex mutex_;
  Told told_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, size_t> bodies_ ABSL_GUARDED_BY(mutex_);  // their hashes, by delivery id
  HttpReceiver http_;
};

}  // namespace porchlight::testing
