#include "common/store/sqlite_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/sqlite/database.h"
#include "common/sqlite/pool.h"
#include "common/store/apply_rules.h"

namespace porchlight {
namespace {

using sqlite::Database;
using sqlite::DatabaseOptions;
using sqlite::Statement;

// What lists and a start go through is kept apart from the sealed states, which are larger.
constexpr sqlite::Format kFormat = {
    .what = "the store",
    .application_id = 0x50535452,  // "PSTR"
    .version = 1,
    .schema =
        "CREATE TABLE checkpoint(partition INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, "
        "  bytes BLOB NOT NULL);"
        "CREATE TABLE aggregate(partition INTEGER NOT NULL, id TEXT NOT NULL, "
        "  row INTEGER NOT NULL, offset INTEGER NOT NULL, active INTEGER NOT NULL, "
        "  PRIMARY KEY(partition, id)) WITHOUT ROWID;"
        "CREATE TABLE state(row INTEGER PRIMARY KEY, sealed BLOB NOT NULL);"
        "CREATE INDEX active ON aggregate(partition, id) WHERE active;"
        "CREATE TABLE timer(partition INTEGER NOT NULL, aggregate TEXT NOT NULL, "
        "  id TEXT NOT NULL, bytes BLOB NOT NULL, "
        "  PRIMARY KEY(partition, aggregate, id)) WITHOUT ROWID;"
        "CREATE TABLE delivery(partition INTEGER NOT NULL, id TEXT NOT NULL, "
        "  state INTEGER NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY(partition, id)) WITHOUT ROWID;"
        "CREATE INDEX dead ON delivery(partition, id) WHERE state = 3"};
static_assert(v1::DELIVERY_STATE_DEAD == 3);

absl::Status Damaged() {
  return absl::DataLossError("the store holds bytes that are no message of ours");
}

absl::Status OnlyRead() {
  return absl::FailedPreconditionError("the store was opened only to be read");
}

// Runs `row` for each row of `statement`, which is bound already.
template <typename Row>
absl::Status ForEach(Statement& statement, const Row& row) {
  while (true) {
    const absl::StatusOr<bool> more = statement.Step();
    if (!more.ok()) return more.status();
    if (!*more) return absl::OkStatus();
    if (absl::Status status = row(); !status.ok()) {
      statement.Reset();
      return status;
    }
  }
}

template <typename Message>
absl::Status Parse(absl::string_view bytes, Message& message) {
  const bool parsed = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return parsed ? absl::OkStatus() : Damaged();
}

struct Writer {
  Database database;
  Statement sequence, set_checkpoint;
  Statement find, update_aggregate, update_state, insert_state, insert_aggregate;
  Statement remove_timer, set_timer, remove_delivery, set_delivery;

  absl::Status Prepare() {
    return database.PrepareAll({
        {&sequence, "SELECT sequence FROM checkpoint WHERE partition = ?1"},
        {&set_checkpoint, "REPLACE INTO checkpoint(partition, sequence, bytes) VALUES(?1, ?2, ?3)"},
        {&find, "SELECT row FROM aggregate WHERE partition = ?1 AND id = ?2"},
        {&update_aggregate,
         "UPDATE aggregate SET offset = ?3, active = ?4 WHERE partition = ?1 AND id = ?2"},
        {&update_state, "UPDATE state SET sealed = ?2 WHERE row = ?1"},
        {&insert_state, "INSERT INTO state(sealed) VALUES(?1) RETURNING row"},
        {&insert_aggregate,
         "INSERT INTO aggregate(partition, id, offset, active, row) VALUES(?1, ?2, ?3, ?4, ?5)"},
        {&remove_timer, "DELETE FROM timer WHERE partition = ?1 AND aggregate = ?2 AND id = ?3"},
        {&set_timer, "REPLACE INTO timer(partition, aggregate, id, bytes) VALUES(?1, ?2, ?3, ?4)"},
        {&remove_delivery, "DELETE FROM delivery WHERE partition = ?1 AND id = ?2"},
        {&set_delivery,
         "REPLACE INTO delivery(partition, id, state, bytes) VALUES(?1, ?2, ?3, ?4)"},
    });
  }

  absl::Status Write(int32_t partition, const StoredAggregate& aggregate) {
    find.Bind(1, partition).BindText(2, aggregate.aggregate_id);
    const absl::StatusOr<bool> found = find.Step();
    if (!found.ok()) return found.status();
    if (*found) {
      const int64_t row = find.Integer(0);
      find.Reset();
      update_state.Bind(1, row).BindBytes(2, aggregate.sealed_state);
      if (absl::Status status = update_state.Run(); !status.ok()) return status;
      update_aggregate.Bind(1, partition).BindText(2, aggregate.aggregate_id);
      return update_aggregate.Bind(3, aggregate.offset).Bind(4, aggregate.active).Run();
    }
    insert_state.BindBytes(1, aggregate.sealed_state);
    const absl::StatusOr<bool> inserted = insert_state.Step();
    if (!inserted.ok()) return inserted.status();
    const int64_t row = insert_state.Integer(0);
    insert_state.Reset();
    insert_aggregate.Bind(1, partition).BindText(2, aggregate.aggregate_id);
    return insert_aggregate.Bind(3, aggregate.offset).Bind(4, aggregate.active).Bind(5, row).Run();
  }

  absl::Status Write(int32_t partition, const v1::DeliveryStatus& delivery) {
    if (delivery.state() == v1::DELIVERY_STATE_DELIVERED ||
        delivery.state() == v1::DELIVERY_STATE_WITHDRAWN) {
      return remove_delivery.Bind(1, partition).BindText(2, delivery.delivery_id()).Run();
    }
    const std::string bytes = delivery.SerializeAsString();
    set_delivery.Bind(1, partition).BindText(2, delivery.delivery_id());
    return set_delivery.Bind(3, delivery.state()).BindBytes(4, bytes).Run();
  }

  absl::Status Write(int32_t partition, const StoreChange& change) {
    const std::string& id = change.aggregate.aggregate_id;
    absl::Status status = Write(partition, change.aggregate);
    for (const std::string& timer_id : change.timers_removed) {
      if (!status.ok()) return status;
      status = remove_timer.Bind(1, partition).BindText(2, id).BindText(3, timer_id).Run();
    }
    for (const v1::Timer& timer : change.timers_set) {
      if (!status.ok()) return status;
      const std::string bytes = timer.SerializeAsString();
      set_timer.Bind(1, partition).BindText(2, id).BindText(3, timer.timer_id());
      status = set_timer.BindBytes(4, bytes).Run();
    }
    for (const v1::DeliveryStatus& delivery : change.deliveries) {
      if (!status.ok()) return status;
      status = Write(partition, delivery);
    }
    return status;
  }

  absl::Status Write(int32_t partition, const StoreBatch& batch) {
    const absl::StatusOr<bool> row = sequence.Bind(1, partition).Step();
    if (!row.ok()) return row.status();
    const uint64_t stands_at = *row ? static_cast<uint64_t>(sequence.Integer(0)) : 0;
    sequence.Reset();
    if (absl::Status status = CheckStandsAt(partition, batch, stands_at); !status.ok()) {
      return status;
    }
    for (const StoreChange& change : batch.changes) {
      if (absl::Status status = Write(partition, change); !status.ok()) return status;
    }
    const std::string bytes = batch.to.SerializeAsString();
    set_checkpoint.Bind(1, partition).Bind(2, static_cast<int64_t>(batch.to.sequence()));
    return set_checkpoint.BindBytes(3, bytes).Run();
  }

  // Whole or not at all.
  absl::Status InTransaction(absl::FunctionRef<absl::Status()> work) {
    absl::Status status = database.Begin();
    if (!status.ok()) return status;
    status = work();
    if (status.ok()) status = database.Commit();
    if (!status.ok()) database.Rollback();
    return status;
  }
};

}  // namespace

struct SqliteStore::Reader {
  Database database;
  Statement checkpoint, load, list, list_active, dead, aggregates, timers, timers_of, deliveries;

  absl::Status Prepare() {
    constexpr absl::string_view kList =
        "SELECT id, offset, active, sealed FROM aggregate JOIN state USING(row) "
        "WHERE partition = ?1 AND ";
    return database.PrepareAll({
        {&checkpoint, "SELECT bytes FROM checkpoint WHERE partition = ?1"},
        {&load, absl::StrCat(kList, "id = ?2")},
        {&list, absl::StrCat(kList, "id > ?2 ORDER BY id LIMIT ?3")},
        {&list_active, absl::StrCat(kList, "id > ?2 AND active ORDER BY id LIMIT ?3")},
        {&dead,
         "SELECT bytes FROM delivery WHERE partition = ?1 AND state = 3 "
         "ORDER BY id LIMIT ?2"},
        {&aggregates, "SELECT id, offset FROM aggregate WHERE partition = ?1"},
        {&timers, "SELECT aggregate, bytes FROM timer WHERE partition = ?1"},
        {&timers_of, "SELECT bytes FROM timer WHERE partition = ?1 AND aggregate = ?2 ORDER BY id"},
        {&deliveries, "SELECT bytes FROM delivery WHERE partition = ?1"},
    });
  }

  absl::Status ReadCheckpoint(int32_t partition, v1::Checkpoint& read) {
    checkpoint.Bind(1, partition);
    return ForEach(checkpoint, [&] { return Parse(checkpoint.Bytes(0), read); });
  }

  absl::Status ReadDeliveries(Statement& bound,
                              absl::FunctionRef<void(const v1::DeliveryStatus&)> take) {
    v1::DeliveryStatus delivery;
    return ForEach(bound, [&] {
      absl::Status status = Parse(bound.Bytes(0), delivery);
      if (status.ok()) take(delivery);
      return status;
    });
  }

  absl::Status VisitAll(int32_t partition, StoreVisitor& visitor) {
    aggregates.Bind(1, partition);
    absl::Status status = ForEach(aggregates, [&] {
      visitor.Aggregate(aggregates.Bytes(0), aggregates.Integer(1));
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    timers.Bind(1, partition);
    StoredTimer timer;
    status = ForEach(timers, [&] {
      timer.aggregate_id = std::string(timers.Bytes(0));
      absl::Status parsed = Parse(timers.Bytes(1), timer.timer);
      if (parsed.ok()) visitor.Timer(timer);
      return parsed;
    });
    if (!status.ok()) return status;
    deliveries.Bind(1, partition);
    return ReadDeliveries(deliveries,
                          [&](const v1::DeliveryStatus& delivery) { visitor.Delivery(delivery); });
  }

  static StoredAggregate AggregateOf(const Statement& row) {
    return {.aggregate_id = std::string(row.Bytes(0)),
            .offset = row.Integer(1),
            .active = row.Integer(2) != 0,
            .sealed_state = std::string(row.Bytes(3))};
  }
};

struct SqliteStore::File {
  absl::Mutex write_mutex;
  Writer writer ABSL_GUARDED_BY(write_mutex);
  sqlite::Pool<Reader> readers;
};

SqliteStore::SqliteStore(std::string path, SqliteStoreOptions options)
    : path_(std::move(path)), options_(std::move(options)) {}

SqliteStore::~SqliteStore() = default;

absl::Status SqliteStore::OpenIfNeeded() {
  absl::MutexLock lock(&mutex_);
  if (file_ != nullptr) return absl::OkStatus();
  if (options_.read_only) {
    file_ = std::make_unique<File>();  // each reader opens the database for itself
    return absl::OkStatus();
  }
  DatabaseOptions options;
  options.synchronous = DatabaseOptions::Synchronous::kNormal;
  options.busy_wait = options_.busy_wait;
  absl::StatusOr<Database> opened = Database::Open(path_, kFormat, options);
  if (absl::IsDataLoss(opened.status()) || absl::IsUnimplemented(opened.status())) {
    SetAside(opened.status());
    opened = Database::Open(path_, kFormat, options);
  }
  if (!opened.ok()) return opened.status();
  auto file = std::make_unique<File>();
  absl::Status status;
  {
    absl::MutexLock write_lock(&file->write_mutex);
    file->writer.database = *std::move(opened);
    status = file->writer.database.Execute("PRAGMA cache_size=-16000");
    if (status.ok()) status = file->writer.Prepare();
  }
  if (status.ok()) {
    file_ = std::move(file);
  } else if (absl::IsDataLoss(status)) {
    file.reset();
    SetAside(status);
  }
  return status;
}

void SqliteStore::SetAside(const absl::Status& why) {
  file_.reset();
  ++files_set_aside_;
  std::error_code ignored;  // if it can't be moved, opening it again says so
  std::filesystem::rename(path_, path_ + ".damaged", ignored);
  std::filesystem::remove(path_ + "-wal", ignored);
  std::filesystem::remove(path_ + "-shm", ignored);
  if (options_.set_aside) options_.set_aside(why);
}

absl::Status SqliteStore::Do(absl::FunctionRef<absl::Status(File&)> work) {
  if (absl::Status status = OpenIfNeeded(); !status.ok()) {
    return absl::UnavailableError(status.message());
  }
  absl::Status status;
  int files_set_aside = 0;
  {
    absl::ReaderMutexLock lock(&mutex_);
    if (file_ == nullptr) return absl::UnavailableError("the store was just set aside");
    files_set_aside = files_set_aside_;
    status = work(*file_);
  }
  if (absl::IsDataLoss(status) && !options_.read_only) {
    absl::MutexLock lock(&mutex_);
    if (files_set_aside == files_set_aside_) SetAside(status);
  }
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
      return status;
    default:
      return absl::UnavailableError(status.message());
  }
}

absl::StatusOr<std::unique_ptr<SqliteStore::Reader>> SqliteStore::TakeReader(File& file) const {
  if (std::unique_ptr<Reader> idle = file.readers.Take(); idle != nullptr) return idle;
  DatabaseOptions options;
  options.read_only = true;
  options.leave_untouched = options_.read_only;
  options.busy_wait = options_.busy_wait;
  absl::StatusOr<Database> opened = Database::Open(path_, kFormat, options);
  if (!opened.ok()) return opened.status();
  auto reader = std::make_unique<Reader>();
  reader->database = *std::move(opened);
  if (absl::Status status = reader->Prepare(); !status.ok()) return status;
  return reader;
}

// All that one call reads is of one moment.
absl::Status SqliteStore::Read(absl::FunctionRef<absl::Status(Reader&)> work) {
  return Do([&](File& file) {
    absl::StatusOr<std::unique_ptr<Reader>> taken = TakeReader(file);
    if (!taken.ok()) return taken.status();
    Reader& reader = **taken;
    absl::Status status = reader.database.Execute("BEGIN");
    if (!status.ok()) return status;
    status = work(reader);
    if (reader.database.Rollback()) file.readers.Give(*std::move(taken));
    return status;
  });
}

absl::StatusOr<v1::Checkpoint> SqliteStore::Where(int32_t partition) {
  v1::Checkpoint checkpoint;
  absl::Status status =
      Read([&](Reader& reader) { return reader.ReadCheckpoint(partition, checkpoint); });
  if (!status.ok()) return status;
  return checkpoint;
}

absl::Status SqliteStore::Apply(int32_t partition, const StoreBatch& batch) {
  if (options_.read_only) return OnlyRead();
  if (absl::Status status = CheckBatch(partition, batch); !status.ok()) return status;
  return Do([&](File& file) {
    absl::MutexLock lock(&file.write_mutex);
    Writer& writer = file.writer;
    return writer.InTransaction([&] { return writer.Write(partition, batch); });
  });
}

absl::StatusOr<StoredAggregate> SqliteStore::Load(int32_t partition,
                                                  const std::string& aggregate_id) {
  StoredAggregate loaded;
  absl::Status status = Read([&](Reader& reader) {
    const absl::StatusOr<bool> row =
        reader.load.Bind(1, partition).BindText(2, aggregate_id).Step();
    if (!row.ok()) return row.status();
    if (!*row) {
      return absl::NotFoundError(absl::StrCat("partition ", partition, " holds no ", aggregate_id));
    }
    loaded = Reader::AggregateOf(reader.load);
    reader.load.Reset();
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return loaded;
}

absl::StatusOr<v1::Checkpoint> SqliteStore::Visit(int32_t partition, StoreVisitor& visitor) {
  v1::Checkpoint checkpoint;
  absl::Status status = Read([&](Reader& reader) {
    absl::Status read = reader.ReadCheckpoint(partition, checkpoint);
    return read.ok() ? reader.VisitAll(partition, visitor) : read;
  });
  if (!status.ok()) return status;
  return checkpoint;
}

absl::StatusOr<std::vector<v1::Timer>> SqliteStore::Timers(int32_t partition,
                                                           const std::string& aggregate_id) {
  std::vector<v1::Timer> listed;
  absl::Status status = Read([&](Reader& reader) {
    reader.timers_of.Bind(1, partition).BindText(2, aggregate_id);
    return ForEach(reader.timers_of,
                   [&] { return Parse(reader.timers_of.Bytes(0), listed.emplace_back()); });
  });
  if (!status.ok()) return status;
  return listed;
}

absl::StatusOr<std::vector<StoredAggregate>> SqliteStore::List(int32_t partition,
                                                               const ListOptions& options) {
  std::vector<StoredAggregate> listed;
  absl::Status status = Read([&](Reader& reader) {
    Statement& list = options.active_only ? reader.list_active : reader.list;
    list.Bind(1, partition).BindText(2, options.after);
    list.Bind(3, static_cast<int64_t>(options.limit));
    return ForEach(list, [&] {
      listed.push_back(Reader::AggregateOf(list));
      return absl::OkStatus();
    });
  });
  if (!status.ok()) return status;
  return listed;
}

absl::StatusOr<std::vector<v1::DeliveryStatus>> SqliteStore::DeadLetters(int32_t partition,
                                                                         size_t limit) {
  std::vector<v1::DeliveryStatus> dead;
  absl::Status status = Read([&](Reader& reader) {
    reader.dead.Bind(1, partition).Bind(2, static_cast<int64_t>(limit));
    return reader.ReadDeliveries(
        reader.dead, [&](const v1::DeliveryStatus& delivery) { dead.push_back(delivery); });
  });
  if (!status.ok()) return status;
  return dead;
}

absl::Status SqliteStore::Wipe(int32_t partition) {
  if (options_.read_only) return OnlyRead();
  return Do([&](File& file) {
    absl::MutexLock lock(&file.write_mutex);
    Database& database = file.writer.database;
    const std::string of = absl::StrCat(" WHERE partition = ", partition);
    return file.writer.InTransaction([&] {
      return database.Execute(
          absl::StrCat("DELETE FROM state WHERE row IN (SELECT row FROM aggregate", of, ");",
                       "DELETE FROM aggregate", of, "; DELETE FROM timer", of,
                       "; DELETE FROM delivery", of, "; DELETE FROM checkpoint", of));
    });
  });
}

}  // namespace porchlight
