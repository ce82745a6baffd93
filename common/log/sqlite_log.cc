#include "common/log/sqlite_log.h"

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/append_rules.h"

namespace porchlight {
namespace {

using sqlite::Database;
using sqlite::DatabaseOptions;
using sqlite::Statement;

// A record's row number is its stream's id and its offset: one tree, read in order, and no index
// beside it.
constexpr int kOffsetBits = 40;
constexpr int64_t kOffsetsMax = int64_t{1} << kOffsetBits;

constexpr sqlite::Format kFormat = {
    .what = "the log",
    .application_id = 0x504c4f47,  // "PLOG"
    .version = 1,
    .schema =
        "CREATE TABLE stream(id INTEGER PRIMARY KEY, topic TEXT NOT NULL, "
        "partition INTEGER NOT NULL, UNIQUE(topic, partition));"
        "CREATE TABLE record(place INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"};

constexpr absl::string_view kLastRecord =
    "SELECT max(place) FROM record WHERE place >= ?1 AND place < ?2";

// A checkpoint for every 32 MiB, by a thread whose append is already answered; and if that can't
// keep up, by the one that commits, so that the write-ahead log doesn't grow for ever.
constexpr int kCheckpointPages = 8000;
constexpr int kCheckpointPagesMax = 4 * kCheckpointPages;

constexpr int64_t kLengthenedBytes = 40 << 20;
// A disk that is nearly full needs its room for records.
constexpr uintmax_t kPlentyOfDiskBytes = uintmax_t{1} << 30;

int64_t PlaceOf(int64_t stream_id, int64_t offset) { return (stream_id << kOffsetBits) | offset; }

// Of the stream with this id, by its newest record.
absl::StatusOr<int64_t> EndOf(Statement& last_record, int64_t stream_id) {
  last_record.Bind(1, PlaceOf(stream_id, 0)).Bind(2, PlaceOf(stream_id + 1, 0));
  const absl::StatusOr<bool> row = last_record.Step();
  if (!row.ok()) return row.status();
  const int64_t last = last_record.Integer(0);  // 0, as NULL, if there is none
  last_record.Reset();
  return last == 0 ? 0 : last - PlaceOf(stream_id, 0) + 1;
}

}  // namespace

SqliteLog::SqliteLog(std::string path, SqliteLogOptions options)
    : path_(std::move(path)),
      options_(options),
      tails_(options.cache_bytes_max),
      group_commit_([this](absl::Span<Work* const> group) { CommitGroup(group); }) {}

absl::StatusOr<std::unique_ptr<SqliteLog>> SqliteLog::Open(const std::string& path,
                                                           SqliteLogOptions options) {
  std::unique_ptr<SqliteLog> log(new SqliteLog(path, options));
  if (!options.read_only) {
    if (absl::Status status = log->OpenWriter(); !status.ok()) return status;
  }
  absl::StatusOr<std::unique_ptr<Reader>> reader = log->TakeReader();
  if (!reader.ok()) return reader.status();
  log->readers_.Give(*std::move(reader));
  return log;
}

absl::Status SqliteLog::OpenWriter() {
  DatabaseOptions options;
  options.busy_wait = options_.busy_wait;
  options.checkpoint_pages = 0;
  absl::MutexLock lock(&checkpoint_mutex_);
  for (Database* database : {&writer_.database, &checkpointer_}) {
    absl::StatusOr<Database> opened = Database::Open(path_, kFormat, options);
    if (!opened.ok()) return opened.status();
    *database = *std::move(opened);
  }
  absl::Status status = writer_.database.PrepareAll(
      {{&writer_.data_version, "PRAGMA data_version"},
       {&writer_.streams, "SELECT id, topic, partition FROM stream"},
       {&writer_.last_record, kLastRecord},
       {&writer_.insert_stream, "INSERT INTO stream(topic, partition) VALUES(?1, ?2) RETURNING id"},
       {&writer_.insert_record, "INSERT INTO record(place, bytes) VALUES(?1, ?2)"}});
  std::error_code unknown;
  const std::filesystem::space_info disk = std::filesystem::space(path_, unknown);
  if (status.ok() && options_.lengthen_ahead && !unknown && disk.available > kPlentyOfDiskBytes) {
    // Only faster with it: what is wrong with the disk, appends will say.
    writer_.database.LengthenWriteAheadLog(kLengthenedBytes).IgnoreError();
  }
  return status.ok() ? RefreshIfOthersWrote() : status;
}

std::vector<AppendResult> SqliteLog::Append(std::vector<AppendRequest> requests) {
  Work work;
  work.results.resize(requests.size());
  work.requests = std::move(requests);
  if (options_.read_only) {
    for (AppendResult& result : work.results) {
      result = Refused(absl::FailedPreconditionError("the log was opened only to be read"));
    }
    return std::move(work.results);
  }
  group_commit_.Run(work);
  if (checkpoint_wanted_.exchange(false)) {
    absl::MutexLock lock(&checkpoint_mutex_);
    // Tried again later if it fails; if the disk is full, appends will say so.
    checkpointer_.Checkpoint().IgnoreError();
    // Again, for what was committed meanwhile, so that next to nothing is left for the writer.
    checkpoint_nearly_done_ = checkpointer_.Checkpoint().ok();
  }
  return std::move(work.results);
}

void SqliteLog::CommitGroup(absl::Span<Work* const> group) {
  absl::Status status = writer_.database.Begin();
  if (!status.ok()) return FailGroup(group, status, true);
  status = WriteGroup(group);
  if (status.ok()) status = writer_.database.Commit();
  if (!status.ok()) return FailGroup(group, status, writer_.database.Rollback());
  PublishGroup();
  PlanCheckpoint();
}

absl::Status SqliteLog::WriteGroup(absl::Span<Work* const> group) {
  if (absl::Status status = RefreshIfOthersWrote(); !status.ok()) return status;
  for (Work* work : group) {
    for (size_t i = 0; i < work->requests.size(); ++i) {
      absl::Status status = WriteRequest(work->requests[i], work->results[i]);
      if (!status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

absl::Status SqliteLog::WriteRequest(AppendRequest& request, AppendResult& result) {
  if (absl::Status status = CheckAppend(request); !status.ok()) {
    result = Refused(std::move(status));
    return absl::OkStatus();
  }
  auto& known = *writer_.known.try_emplace(request.where).first;
  Stream& stream = known.second;
  if (request.expected_end.has_value() && *request.expected_end != stream.end) {
    result = LostRace(request.where, *request.expected_end, stream.end);
    return absl::OkStatus();
  }
  if (stream.end + static_cast<int64_t>(request.records.size()) > kOffsetsMax) {
    result = Refused(absl::ResourceExhaustedError(absl::StrCat(
        request.where.topic, "/", request.where.partition, " is full: ", stream.end, " records")));
    return absl::OkStatus();
  }
  if (stream.id == 0) {
    Statement& insert = writer_.insert_stream;
    insert.BindText(1, request.where.topic).Bind(2, request.where.partition);
    const absl::StatusOr<bool> row = insert.Step();
    if (!row.ok()) return row.status();
    stream.id = insert.Integer(0);
    insert.Reset();
  }
  if (stream.group_records.empty()) {
    stream.group_first = stream.end;
    writer_.growing.push_back(&known);
  }
  result.first_offset = stream.end;
  for (std::string& record : request.records) {
    writer_.insert_record.Bind(1, PlaceOf(stream.id, stream.end)).BindBytes(2, record);
    if (absl::Status status = writer_.insert_record.Run(); !status.ok()) return status;
    stream.group_records.push_back(std::move(record));
    ++stream.end;
  }
  result.outcome = AppendOutcome::kAccepted;
  return absl::OkStatus();
}

absl::Status SqliteLog::RefreshIfOthersWrote() {
  const absl::StatusOr<bool> row = writer_.data_version.Step();
  if (!row.ok()) return row.status();
  const int64_t version = writer_.data_version.Integer(0);
  writer_.data_version.Reset();
  if (version == writer_.seen_version) return absl::OkStatus();
  writer_.known.clear();
  while (true) {
    const absl::StatusOr<bool> more = writer_.streams.Step();
    if (!more.ok()) return more.status();
    if (!*more) break;
    const TopicPartition where = {.topic = std::string(writer_.streams.Bytes(1)),
                                  .partition = static_cast<int32_t>(writer_.streams.Integer(2))};
    Stream& stream = writer_.known[where];
    stream.id = writer_.streams.Integer(0);
    const absl::StatusOr<int64_t> end = EndOf(writer_.last_record, stream.id);
    if (!end.ok()) return end.status();
    stream.end = *end;
    tails_.NoteEnd(where, stream.end);
  }
  writer_.seen_version = version;
  return absl::OkStatus();
}

void SqliteLog::PublishGroup() {
  std::vector<std::string> topics;
  for (auto* growing : std::exchange(writer_.growing, {})) {
    auto& [where, stream] = *growing;
    if (!tails_.Append(where, stream.group_first, std::exchange(stream.group_records, {})))
      tails_.NoteEnd(where, stream.end);
    if (std::find(topics.begin(), topics.end(), where.topic) == topics.end())
      topics.push_back(where.topic);
  }
  listeners_.Notify(topics);
}

void SqliteLog::FailGroup(absl::Span<Work* const> group, const absl::Status& reason, bool certain) {
  for (Work* work : group) {
    for (AppendResult& result : work->results) {
      // What was refused for itself keeps its own reason.
      if (result.outcome == AppendOutcome::kRefused) continue;
      result = {.outcome = certain ? AppendOutcome::kRefused : AppendOutcome::kUnknown,
                .first_offset = -1,
                .reason = reason};
    }
  }
  // What the writer believed about the file may be wrong now: it looks again.
  writer_.growing.clear();
  writer_.known.clear();
  writer_.seen_version = -1;
  if (!certain) listeners_.NotifyAll();
}

void SqliteLog::PlanCheckpoint() {
  // Only when everything in it is in the file does the write-ahead log start over, and while
  // commits keep coming only the writer can reach that moment.
  if (checkpoint_nearly_done_.exchange(false)) writer_.database.Checkpoint().IgnoreError();
  const int pages = writer_.database.wal_pages();
  // The write-ahead log started over.
  if (pages < writer_.checkpointed_pages) writer_.checkpointed_pages = 0;
  if (pages - writer_.checkpointed_pages < kCheckpointPages) return;
  writer_.checkpointed_pages = pages;
  if (pages < kCheckpointPagesMax) {
    checkpoint_wanted_ = true;
  } else {
    // Tried again later if it fails; if the disk is full, appends will say so.
    writer_.database.Checkpoint().IgnoreError();
  }
}

absl::StatusOr<std::unique_ptr<SqliteLog::Reader>> SqliteLog::TakeReader() {
  if (std::unique_ptr<Reader> idle = readers_.Take(); idle != nullptr) return idle;
  DatabaseOptions options;
  options.read_only = true;
  options.leave_untouched = options_.read_only;
  options.busy_wait = options_.busy_wait;
  absl::StatusOr<Database> opened = Database::Open(path_, kFormat, options);
  if (!opened.ok()) return opened.status();
  auto reader = std::make_unique<Reader>();
  reader->database = *std::move(opened);
  absl::Status status = reader->database.PrepareAll(
      {{&reader->stream_id, "SELECT id FROM stream WHERE topic = ?1 AND partition = ?2"},
       {&reader->last_record, kLastRecord},
       {&reader->records,
        "SELECT place, bytes FROM record WHERE place >= ?1 AND place < ?2 "
        "ORDER BY place"}});
  if (!status.ok()) return status;
  return reader;
}

absl::StatusOr<std::vector<TopicPartition>> SqliteLog::Partitions() {
  absl::StatusOr<std::unique_ptr<Reader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<Statement> rows =
      (*reader)->database.Prepare("SELECT topic, partition FROM stream ORDER BY topic, partition");
  if (!rows.ok()) return rows.status();
  std::vector<TopicPartition> all;
  while (true) {
    const absl::StatusOr<bool> row = rows->Step();
    if (!row.ok()) return row.status();
    if (!*row) return all;
    all.push_back({std::string(rows->Bytes(0)), static_cast<int32_t>(rows->Integer(1))});
  }
}

absl::Status SqliteLog::CheckFile() {
  absl::StatusOr<std::unique_ptr<Reader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<Statement> check = (*reader)->database.Prepare("PRAGMA quick_check(1)");
  if (!check.ok()) return check.status();
  const absl::StatusOr<bool> row = check->Step();
  if (!row.ok()) return row.status();
  const std::string found(check->Bytes(0));
  if (found == "ok") return absl::OkStatus();
  return sqlite::Error(SQLITE_CORRUPT, found, kFormat.what, path_);
}

absl::StatusOr<SqliteLog::Found> SqliteLog::Find(Reader& reader, const TopicPartition& where) {
  reader.stream_id.BindText(1, where.topic).Bind(2, where.partition);
  const absl::StatusOr<bool> row = reader.stream_id.Step();
  if (!row.ok()) return row.status();
  if (!*row) return Found();
  const int64_t id = reader.stream_id.Integer(0);
  reader.stream_id.Reset();
  const absl::StatusOr<int64_t> end = EndOf(reader.last_record, id);
  if (!end.ok()) return end.status();
  tails_.NoteEnd(where, *end);
  return Found{.id = id, .end = *end};
}

absl::StatusOr<int64_t> SqliteLog::End(const TopicPartition& where) {
  const LogTails::Known known = tails_.End(where);
  if (!options_.read_only && known.polls < kPollsUnchecked) return known.end;
  absl::StatusOr<std::unique_ptr<Reader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  const absl::StatusOr<Found> found = Find(**reader, where);
  readers_.Give(*std::move(reader));
  if (!found.ok()) return found.status();
  return found->end;
}

absl::StatusOr<std::vector<std::string>> SqliteLog::Read(const TopicPartition& where, int64_t from,
                                                         ReadLimits limits) {
  std::vector<std::string> newest = tails_.Read(where, from, limits);
  if (!newest.empty()) return newest;
  absl::StatusOr<std::unique_ptr<Reader>> reader = TakeReader();
  if (!reader.ok()) return reader.status();
  absl::StatusOr<std::vector<std::string>> read = ReadFile(**reader, where, from, limits);
  readers_.Give(*std::move(reader));
  return read;
}

absl::StatusOr<std::vector<std::string>> SqliteLog::ReadFile(Reader& reader,
                                                             const TopicPartition& where,
                                                             int64_t from, ReadLimits limits) {
  std::vector<std::string> read;
  const absl::StatusOr<Found> found = Find(reader, where);
  if (!found.ok()) return found.status();
  if (from < 0 || from > found->end) return BeyondEnd(where, from, found->end);
  size_t bytes = 0;
  reader.records.Bind(1, PlaceOf(found->id, from)).Bind(2, PlaceOf(found->id, found->end));
  while (read.size() < limits.records_max) {
    const absl::StatusOr<bool> row = reader.records.Step();
    if (!row.ok()) return row.status();
    const int64_t wanted = from + static_cast<int64_t>(read.size());
    if (!*row && wanted == found->end) return read;
    if (!*row || reader.records.Integer(0) != PlaceOf(found->id, wanted)) {
      reader.records.Reset();
      return absl::DataLossError(absl::StrCat(
          "record ", wanted, " of ", where.topic, "/", where.partition, " is missing in ", path_,
          ": it was removed or the file is damaged. Restore the log from a backup."));
    }
    const absl::string_view record = reader.records.Bytes(1);
    bytes += record.size();
    if (!read.empty() && bytes > limits.bytes_max) break;
    read.emplace_back(record);
  }
  reader.records.Reset();
  return read;
}

}  // namespace porchlight
