// The service on call by itself, as the product runs it: its rules in a real worker, on a log, a
// store and keys in files. What other services would have said is in the log already, as of youths
// each of whom has one duty that comes due, with nothing said before. The clock is the machine's,
// put forward by a person's hand so that nobody waits for the hour of the duty.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/keys/file_keys.h"
#include "common/log/chain.h"
#include "common/log/sqlite_log.h"
#include "common/processor/worker.h"
#include "common/store/sqlite_store.h"
#include "services/oncall/rules.h"

namespace porchlight::bench {

class ForwardClock final : public Clock {
 public:
  absl::Time Now() const override { return system_.Now() + forward(); }
  absl::Duration Steady() const override { return system_.Steady() + forward(); }
  void Forward(absl::Duration by) { forward_ += absl::ToInt64Nanoseconds(by); }

 private:
  absl::Duration forward() const { return absl::Nanoseconds(forward_.load()); }
  const SystemClock system_;
  std::atomic<int64_t> forward_ = 0;
};

struct DeadlinePlan {
  size_t count = 0;        // that are pending
  size_t due = 0;          // the first so many come due; the others ten hours later
  absl::Duration apart{};  // from one to the next
};

class DeadlineWorld {
 public:
  // Fills the log and has it heard until nothing is left but to wait. Ends the bench with a message
  // if it fails.
  DeadlineWorld(const std::string& data, const DeadlinePlan& plan);
  ~DeadlineWorld();

  // Lets the duties come due; returns when somebody was paged for each of them, or after `longest`.
  // How late each page was; fewer than came due: some were never sent.
  std::vector<absl::Duration> Fire(absl::Duration longest);
  // Pages beyond the first for a duty.
  size_t surplus() const;
  // From the first duty's time until the last page.
  absl::Duration all_sent_after() const;

 private:
  class NotingChannel;
  struct Chain {
    ChainTail tail;
    AppendRequest request;
  };

  absl::Time DueOf(size_t number) const;
  void Round(size_t first, size_t end);
  void Say(const std::string& service, size_t number, const google::protobuf::Message& event);
  void WaitUntilStored();

  const DeadlinePlan plan_;
  ForwardClock clock_;
  absl::Time first_due_;
  std::unique_ptr<FileKeys> keys_;
  std::unique_ptr<SqliteLog> log_;
  std::unique_ptr<SqliteStore> store_;
  std::map<TopicPartition, Chain> chains_;
  Outcomes outcomes_;
  std::shared_ptr<NotingChannel> channel_;
  const OncallRules rules_;
  std::unique_ptr<Worker> worker_;
};

}  // namespace porchlight::bench
