// The embedded log: one SQLite file in WAL mode, durable at every commit. Appends of all threads
// share commits; readers who keep up are served from memory. Other processes may read and even
// append at the same time. It never changes or deletes a record.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "common/log/listeners.h"
#include "common/log/log.h"
#include "common/log/log_tails.h"
#include "common/sqlite/database.h"
#include "common/sqlite/group_commit.h"
#include "common/sqlite/pool.h"

namespace porchlight {

struct SqliteLogOptions {
  // Appends are refused, and the file must be there. No file is made or changed.
  bool read_only = false;
  // How long an append waits while another process writes.
  absl::Duration busy_wait = absl::Seconds(2);
  // For the newest records in memory, all partitions together.
  size_t cache_bytes_max = 32u << 20;
  // Gives the write-ahead log its full length when it is opened, where the disk has plenty: 40 MiB
  // for faster commits.
  bool lengthen_ahead = false;
};

// Thread-safe. End may be kPollsUnchecked calls behind the appends of another process; Read never
// is.
class SqliteLog final : public Log {
 public:
  static constexpr int kPollsUnchecked = 1024;

  // Errors are those of sqlite::Database::Open, for the person who starts the program.
  static absl::StatusOr<std::unique_ptr<SqliteLog>> Open(const std::string& path,
                                                         SqliteLogOptions options = {});

  std::vector<AppendResult> Append(std::vector<AppendRequest> requests) override;
  absl::StatusOr<std::vector<std::string>> Read(const TopicPartition& where, int64_t from,
                                                ReadLimits limits = {}) override;
  absl::StatusOr<int64_t> End(const TopicPartition& where) override;
  bool WritesOnlyWinners() const override { return true; }
  // All that were ever written to.
  absl::StatusOr<std::vector<TopicPartition>> Partitions();
  // Whether the file is whole as a file, also where no record is: DataLoss if not. Reads all of it.
  absl::Status CheckFile();
  void AddListener(Signal* signal, std::vector<std::string> topics) override {
    listeners_.Add(signal, std::move(topics));
  }
  void RemoveListener(Signal* signal) override { listeners_.Remove(signal); }

 private:
  // One caller's appends on their way into a group.
  struct Work {
    std::vector<AppendRequest> requests;
    std::vector<AppendResult> results;
  };

  // A partition, as the writing connection knows it.
  struct Stream {
    int64_t id = 0;  // 0: not in the file
    int64_t end = 0;
    // What the group that is being written adds to it.
    int64_t group_first = 0;
    std::vector<std::string> group_records;
  };

  // Used by whoever leads a group, one at a time.
  struct Writer {
    sqlite::Database database;
    sqlite::Statement data_version, streams, last_record, insert_stream, insert_record;
    int64_t seen_version = -1;
    std::map<TopicPartition, Stream> known;
    // Those to which the group that is being written adds records.
    std::vector<std::map<TopicPartition, Stream>::pointer> growing;
    int checkpointed_pages = 0;
  };

  struct Reader {
    sqlite::Database database;
    sqlite::Statement stream_id, last_record, records;
  };

  // A partition, as it is in the file.
  struct Found {
    int64_t id = 0;  // 0: not there
    int64_t end = 0;
  };

  SqliteLog(std::string path, SqliteLogOptions options);

  absl::Status OpenWriter();

  void CommitGroup(absl::Span<Work* const> group);
  absl::Status WriteGroup(absl::Span<Work* const> group);
  absl::Status WriteRequest(AppendRequest& request, AppendResult& result);
  absl::Status RefreshIfOthersWrote();
  void PublishGroup();
  void FailGroup(absl::Span<Work* const> group, const absl::Status& reason, bool certain);
  void PlanCheckpoint();

  absl::StatusOr<std::unique_ptr<Reader>> TakeReader();
  absl::StatusOr<Found> Find(Reader& reader, const TopicPartition& where);
  absl::StatusOr<std::vector<std::string>> ReadFile(Reader& reader, const TopicPartition& where,
                                                    int64_t from, ReadLimits limits);

  const std::string path_;
  const SqliteLogOptions options_;
  LogTails tails_;
  Writer writer_;
  sqlite::Pool<Reader> readers_;
  sqlite::GroupCommit<Work> group_commit_;

  std::atomic<bool> checkpoint_wanted_ = false;
  std::atomic<bool> checkpoint_nearly_done_ = false;
  absl::Mutex checkpoint_mutex_;
  sqlite::Database checkpointer_ ABSL_GUARDED_BY(checkpoint_mutex_);

  Listeners listeners_;
};

}  // namespace porchlight
