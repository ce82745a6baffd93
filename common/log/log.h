// The log: topics of partitions of records, each at an offset, kept for good. All else is a fold of
// it.
//
// Contract, held by every adapter (tests/contract/log_contract_test.cc):
//   * An append answered kAccepted is durable, and its records stand together from first_offset on,
//   in order.
//   * Records never change or move, offsets of a partition have no gaps, and events never vanish.
//   * With expected_end, kAccepted also says first_offset == expected_end. Otherwise somebody was
//   first: kLostRace.
//     The lost records may stand in the log nevertheless (Kafka) or not (SQLite): readers skip them
//     by the chain rule. One may even count, where only other losers' records came before it: so
//     fold before deciding again.
//   * kUnknown: all, some (the first ones) or none of the records may be there, now or later. Read
//   to find out; a record
//     that comes late is made harmless by the chain rule (events) or by its record id (commands).
//   * kRefused: none of them is there, and none will be. `reason` says what a person must do (disk
//   full, locked, ...).
//   * Read sees every accepted record at once, also from another process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/base/limits.h"
#include "common/base/signal.h"

namespace porchlight {

struct TopicPartition {
  std::string topic;  // "porchlight.intake.events"
  int32_t partition = 0;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
  template <typename H>
  friend H AbslHashValue(H hash, const TopicPartition& where) {
    return H::combine(std::move(hash), where.topic, where.partition);
  }
};

std::string CommandsTopic(absl::string_view service);
std::string EventsTopic(absl::string_view service);

struct AppendRequest {
  TopicPartition where;
  std::vector<std::string> records;  // at least one, each at most kRecordBytesMax
  // Take effect only if the partition ends here. Events topics only.
  std::optional<int64_t> expected_end;
};

enum class AppendOutcome { kAccepted, kLostRace, kUnknown, kRefused };

struct AppendResult {
  AppendOutcome outcome = AppendOutcome::kUnknown;
  int64_t first_offset = -1;  // where accepted
  absl::Status reason;        // not OK unless accepted
};

struct ReadLimits {
  size_t records_max = kReadRecordsMax;
  size_t bytes_max = kReadBytesMax;  // at least one record is given, however large
};

// Thread-safe.
class Log {
 public:
  virtual ~Log() = default;

  // One result for each request, in order. Requests succeed or fail each by itself. Blocks until
  // all are known.
  virtual std::vector<AppendResult> Append(std::vector<AppendRequest> requests) = 0;

  // Records from `from` on, the first at offset `from`; none at the end. OutOfRange if `from` is
  // beyond the end (the log was cut short, or `from` is of another log). DataLoss if what is stored
  // can't be read, or if `from` is below the oldest record that is left: then StartOfWhatIsLeft
  // (append_rules.h) tells where that stands. Only a commands topic of a cluster loses its oldest.
  virtual absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                        ReadLimits limits = {}) = 0;

  // The offset that the next record gets. 0 for a partition never written to. Never below what this
  // log's appends were answered or Read has shown; but it may be behind another process's appends
  // for a moment, so a position beyond it proves nothing: only Read's OutOfRange does.
  virtual absl::StatusOr<int64_t> End(const TopicPartition& where) = 0;

  // True where kLostRace promises that nothing was written: then every record must count, and one
  // that doesn't is damage.
  virtual bool WritesOnlyWinners() const = 0;

  // `signal` is notified after every append that may have grown one of these topics, by this
  // process at least. It must outlive the log or be removed.
  virtual void AddListener(Signal* signal, std::vector<std::string> topics) = 0;
  virtual void RemoveListener(Signal* signal) = 0;
};

}  // namespace porchlight
