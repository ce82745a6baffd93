#include "common/cluster/migration.h"

#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/blob/folder_blob.h"
#include "common/cluster/cluster.h"
#include "common/embedded/embedded.h"
#include "common/embedded/folder_lock.h"
#include "common/host/outside.h"
#include "common/kafka/group.h"
#include "common/keys/file_keys.h"
#include "common/keys/kafka_keys.h"
#include "common/keys/master_key.h"
#include "common/log/kafka_log.h"
#include "common/log/sqlite_log.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {
namespace {

// Of one partition in one append, and partitions in one round.
constexpr ReadLimits kCopied = {.records_max = kReadRecordsMax, .bytes_max = 4u << 20};
constexpr size_t kPartitionsAtOnce = 8;
constexpr int64_t kToldEveryPercent = 5;

// One partition of both logs.
struct Moved {
  TopicPartition where;
  int64_t source_end = 0;
  int64_t target_end = 0;
};

// The agency that the partition's first record names; empty if that isn't a record.
std::string AgencyOf(const TopicPartition& where, const std::string& bytes) {
  v1::TransitionRecord record;
  v1::Transition transition;
  if (where.topic.ends_with(".events")) {
    return record.ParseFromString(bytes) && transition.ParseFromString(record.content())
               ? transition.agency_id()
               : "";
  }
  v1::Record command;
  v1::RecordHeader header;
  return command.ParseFromString(bytes) && header.ParseFromString(command.header())
             ? header.agency_id()
             : "";
}

absl::Status WrittenByOthers(const std::string& what) {
  return absl::FailedPreconditionError(
      absl::StrCat(what,
                   ": the cluster isn't empty and isn't a copy of the folder. Give it topics that "
                   "nothing was written to: delete these, and run `porchlight topics create`."));
}

// What was told last of a part of the work.
class Progress {
 public:
  Progress(const MigrationOptions& options, std::string what, int64_t all)
      : tell_(options.tell), what_(std::move(what)), all_(all) {}

  void Add(int64_t count) {
    done_ += count;
    const int64_t percent = all_ == 0 ? 100 : 100 * done_ / all_;
    if (percent < told_ + kToldEveryPercent && done_ < all_) return;
    told_ = percent;
    tell_(absl::StrCat(what_, ": ", done_, " of ", all_));
  }

 private:
  const std::function<void(const std::string&)>& tell_;
  const std::string what_;
  const int64_t all_;
  int64_t done_ = 0;
  int64_t told_ = 0;
};

class Migration {
 public:
  explicit Migration(const MigrationOptions& options) : options_(options) {}

  absl::StatusOr<MigrationReport> Run();

 private:
  absl::Status OpenSource();
  absl::Status CheckFit();
  absl::Status VerifySource() const;
  absl::Status CheckAgency(const TopicPartition& where);
  absl::Status OpenTarget();
  absl::Status Compare(const std::string& what);
  absl::Status CompareOne(Moved& moved, Progress& progress);
  absl::Status CheckNobodyRuns() const;
  absl::Status CopyLog();
  absl::StatusOr<int64_t> CopyRound();
  absl::Status CopyPhotos();
  absl::Status VerifyTarget();
  absl::Status MarkFolder() const;
  VerifyLogOptions Verification(Keys& keys) const;

  const MigrationOptions& options_;
  MigrationReport report_;
  SystemClock clock_;
  Key master_{};
  std::optional<FolderLock> lock_;
  std::unique_ptr<FileKeys> file_keys_;
  std::unique_ptr<SqliteLog> source_;
  kafka::ClientOptions kafka_;
  std::unique_ptr<KafkaKeys> keys_;
  std::unique_ptr<KafkaLog> target_;
  std::vector<Moved> partitions_;
};

absl::Status Migration::OpenSource() {
  const std::string& data = options_.data;
  const std::string keys_path = absl::StrCat(data, "/keys.db");
  for (const std::string& file : {LogPath(data), keys_path}) {
    if (std::filesystem::exists(file)) continue;
    return absl::NotFoundError(absl::StrCat(
        file, " isn't there: name the data folder of `porchlight serve` with --from."));
  }
  absl::StatusOr<FolderLock> lock = FolderLock::Take(data);
  if (!lock.ok()) return lock.status();
  lock_.emplace(*std::move(lock));
  const absl::StatusOr<Key> master = ClusterMasterKey(options_.config);
  if (!master.ok()) return master.status();
  master_ = *master;
  absl::StatusOr<std::unique_ptr<FileKeys>> keys =
      FileKeys::Open(keys_path, master_, options_.config.master_key_file);
  if (absl::IsFailedPrecondition(keys.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        keys.status().message(), " The cluster takes over the folder's master key: copy it (", data,
        "/master.key, unless the folder's configuration names another) to the cluster's "
        "master_key_file."));
  }
  if (!keys.ok()) return keys.status();
  file_keys_ = *std::move(keys);
  absl::StatusOr<std::unique_ptr<SqliteLog>> log =
      SqliteLog::Open(LogPath(data), {.read_only = true});
  if (!log.ok()) return log.status();
  source_ = *std::move(log);
  return absl::OkStatus();
}

VerifyLogOptions Migration::Verification(Keys& keys) const {
  VerifyLogOptions options;
  options.keys = &keys;
  for (const MigrationOptions::Service& service : options_.services) {
    options.services.push_back(service.name);
    options.partitions_of[service.name] = service.partitions;
    options.partitions = std::max(options.partitions, service.partitions);
  }
  return options;
}

// What is quickly known.
absl::Status Migration::CheckFit() {
  std::map<std::string, int32_t> known;
  for (const MigrationOptions::Service& service : options_.services) {
    known[CommandsTopic(service.name)] = service.partitions;
    known[EventsTopic(service.name)] = service.partitions;
  }
  for (const kafka::TopicSpec& topic : options_.topics) {
    const auto own = known.find(topic.name);
    if (own == known.end() || own->second == topic.partitions) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "topic ", topic.name, " is to have ", topic.partitions,
        " partitions, but the folder's has ", own->second,
        ": records can't be divided otherwise. Keep the number that it was made with."));
  }
  const absl::StatusOr<std::vector<TopicPartition>> written = source_->Partitions();
  if (!written.ok()) return written.status();
  for (const TopicPartition& where : *written) {
    const auto own = known.find(where.topic);
    if (own == known.end() || where.partition >= own->second) {
      return absl::FailedPreconditionError(absl::StrCat(
          "the folder's log has ", kafka::Name(where),
          ", which this program doesn't know. Move it with the version that wrote it, or newer."));
    }
    if (absl::Status checked = CheckAgency(where); !checked.ok()) return checked;
  }
  absl::StatusOr<kafka::ClientOptions> client = KafkaClientOptions(options_.config.cluster->kafka);
  if (!client.ok()) return client.status();
  kafka_ = *std::move(client);
  return kafka::CheckTopics(kafka_, options_.topics);
}

absl::Status Migration::VerifySource() const {
  options_.tell("the folder's records and keys are verified");
  const absl::StatusOr<LogReport> whole = VerifyLog(*source_, Verification(*file_keys_));
  return whole.ok() ? source_->CheckFile() : whole.status();
}

absl::Status Migration::CheckAgency(const TopicPartition& where) {
  const absl::StatusOr<std::vector<std::string>> first =
      source_->Read(where, 0, {.records_max = 1});
  if (!first.ok()) return first.status();
  if (first->empty()) return absl::OkStatus();
  const std::string agency = AgencyOf(where, first->front());
  if (agency.empty() || agency == options_.config.agency.id) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "the folder is agency \"", agency, "\"'s, but the configuration is of agency \"",
      options_.config.agency.id, "\". Name the configuration of the same agency with --to."));
}

absl::Status Migration::OpenTarget() {
  absl::StatusOr<std::unique_ptr<KafkaKeys>> keys = KafkaKeys::Open(
      {.client = kafka_, .for_move = true}, master_, options_.config.master_key_file);
  if (!keys.ok()) return keys.status();
  keys_ = *std::move(keys);
  KafkaLogOptions log_options;
  log_options.client = kafka_;
  absl::StatusOr<std::unique_ptr<KafkaLog>> log = KafkaLog::Open(log_options);
  if (!log.ok()) return log.status();
  target_ = *std::move(log);
  return absl::OkStatus();
}

// Reads all that both logs have, and finds where the cluster's ends.
absl::Status Migration::Compare(const std::string& what) {
  partitions_.clear();
  int64_t both = 0;
  for (const MigrationOptions::Service& service : options_.services) {
    for (const std::string& topic : {CommandsTopic(service.name), EventsTopic(service.name)}) {
      for (int32_t partition = 0; partition < service.partitions; ++partition) {
        Moved moved{.where = {topic, partition}};
        const absl::StatusOr<int64_t> source_end = source_->End(moved.where);
        if (!source_end.ok()) return source_end.status();
        const absl::StatusOr<int64_t> target_end = target_->End(moved.where);
        if (!target_end.ok()) return target_end.status();
        moved.source_end = *source_end;
        moved.target_end = *target_end;
        both += std::min(*source_end, *target_end);
        partitions_.push_back(std::move(moved));
      }
    }
  }
  Progress progress(options_, what, both);
  for (Moved& moved : partitions_) {
    if (absl::Status same = CompareOne(moved, progress); !same.ok()) return same;
  }
  return absl::OkStatus();
}

absl::Status Migration::CompareOne(Moved& moved, Progress& progress) {
  const int64_t both = std::min(moved.source_end, moved.target_end);
  for (int64_t offset = 0; offset < both;) {
    const absl::StatusOr<std::vector<std::string>> ours = source_->Read(moved.where, offset);
    if (!ours.ok()) return ours.status();
    const absl::StatusOr<std::vector<std::string>> theirs = target_->Read(moved.where, offset);
    if (absl::IsDataLoss(theirs.status()))
      return WrittenByOthers(absl::StrCat(kafka::Name(moved.where), " has lost its first records"));
    if (!theirs.ok()) return theirs.status();
    const size_t count = std::min(ours->size(), theirs->size());
    for (size_t i = 0; i < count; ++i, ++offset) {
      if ((*ours)[i] == (*theirs)[i]) continue;
      return WrittenByOthers(
          absl::StrCat(kafka::Name(moved.where), " has another record at offset ", offset));
    }
    progress.Add(static_cast<int64_t>(count));
  }
  return absl::OkStatus();
}

absl::Status Migration::CheckNobodyRuns() const {
  const absl::StatusOr<std::vector<std::string>> running = kafka::RunningServices(kafka_);
  if (!running.ok()) return running.status();
  if (running->empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("services run on the cluster: ", absl::StrJoin(*running, ", "),
                   ". Stop all of them until the move has ended."));
}

absl::Status Migration::CopyLog() {
  Progress progress(options_, "records copied", report_.records);
  for (const Moved& moved : partitions_) progress.Add(std::min(moved.source_end, moved.target_end));
  while (true) {
    const absl::StatusOr<int64_t> copied = CopyRound();
    if (!copied.ok()) return copied.status();
    if (*copied == 0) return absl::OkStatus();
    report_.copied += *copied;
    progress.Add(*copied);
  }
}

// The next records of some partitions; how many.
absl::StatusOr<int64_t> Migration::CopyRound() {
  std::vector<AppendRequest> requests;
  std::vector<Moved*> growing;
  for (Moved& moved : partitions_) {
    if (moved.target_end >= moved.source_end || growing.size() == kPartitionsAtOnce) continue;
    absl::StatusOr<std::vector<std::string>> read =
        source_->Read(moved.where, moved.target_end, kCopied);
    if (!read.ok()) return read.status();
    requests.push_back(
        {.where = moved.where, .records = *std::move(read), .expected_end = moved.target_end});
    growing.push_back(&moved);
  }
  int64_t copied = 0;
  std::vector<int64_t> counts;
  for (const AppendRequest& request : requests)
    counts.push_back(static_cast<int64_t>(request.records.size()));
  const std::vector<AppendResult> results = target_->Append(std::move(requests));
  for (size_t i = 0; i < results.size(); ++i) {
    const AppendResult& result = results[i];
    if (result.outcome == AppendOutcome::kLostRace)
      return WrittenByOthers(std::string(result.reason.message()));
    if (result.outcome == AppendOutcome::kUnknown) {
      return absl::UnavailableError(
          absl::StrCat(result.reason.message(), ". Run the same again: it goes on from there."));
    }
    if (result.outcome == AppendOutcome::kRefused) return result.reason;
    growing[i]->target_end += counts[i];
    copied += counts[i];
  }
  return copied;
}

absl::Status Migration::CopyPhotos() {
  const std::filesystem::path folder = absl::StrCat(options_.data, "/blobs");
  std::vector<std::string> names;
  std::error_code gone;
  for (const auto& file : std::filesystem::directory_iterator(folder, gone)) {
    // Half-written ones have names that no photo can have.
    if (CheckBlobName(file.path().filename().string()).ok())
      names.push_back(file.path().filename().string());
  }
  if (names.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<FolderBlob>> from = FolderBlob::Open(folder.string());
  if (!from.ok()) return from.status();
  const absl::StatusOr<std::unique_ptr<Blob>> to =
      MakeBlob(options_.config, options_.config.cluster->blob_directory, clock_);
  if (!to.ok()) return to.status();
  Progress progress(options_, "photos copied", static_cast<int64_t>(names.size()));
  for (const std::string& name : names) {
    const absl::StatusOr<std::string> sealed = (*from)->Get(name);
    if (!sealed.ok()) return sealed.status();
    const absl::StatusOr<std::string> there = (*to)->Get(name);
    if (!there.ok() && !absl::IsNotFound(there.status())) return there.status();
    if (!there.ok() || *there != *sealed) {
      if (absl::Status put = (*to)->Put(name, *sealed); !put.ok()) return put;
    }
    progress.Add(1);
  }
  report_.photos = names.size();
  return absl::OkStatus();
}

absl::Status Migration::VerifyTarget() {
  options_.tell("the cluster's records and keys are verified");
  absl::StatusOr<LogReport> whole = VerifyLog(*target_, Verification(*keys_));
  if (!whole.ok()) return whole.status();
  report_.verified = *std::move(whole);
  return absl::OkStatus();
}

// Before services may start on the cluster: from then on nobody may serve the folder.
absl::Status Migration::MarkFolder() const {
  const std::string path = MovedPath(options_.data);
  std::ofstream mark(path);
  mark << "All of this was moved into the cluster of Kafka brokers " << kafka_.brokers << "\n";
  mark.close();
  if (mark) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("can't write ", path, ": check the disk and the rights, and run it again"));
}

absl::StatusOr<MigrationReport> Migration::Run() {
  if (absl::Status opened = OpenSource(); !opened.ok()) return opened;
  if (absl::Status fits = CheckFit(); !fits.ok()) return fits;
  if (absl::Status whole = VerifySource(); !whole.ok()) return whole;
  if (absl::Status opened = OpenTarget(); !opened.ok()) return opened;
  if (absl::Status same = Compare("records compared with those that are there"); !same.ok())
    return same;
  bool lacks = false;
  std::string more;
  for (const Moved& moved : partitions_) {
    report_.records += moved.source_end;
    lacks = lacks || moved.target_end < moved.source_end;
    if (moved.target_end > moved.source_end) more = kafka::Name(moved.where);
  }
  if (!more.empty() && (lacks || keys_->moving()))
    return WrittenByOthers(absl::StrCat(more, " has more records than the folder"));
  const absl::StatusOr<std::vector<NamedKey>> keys = file_keys_->All();
  if (!keys.ok()) return keys.status();
  report_.keys = keys->size();
  report_.keys_destroyed = static_cast<size_t>(std::count_if(
      keys->begin(), keys->end(), [](const NamedKey& key) { return !key.key.has_value(); }));
  report_.was_there = !lacks && !keys_->moving();
  if (!report_.was_there) {
    if (absl::Status nobody = CheckNobodyRuns(); !nobody.ok()) return nobody;
    if (absl::Status begun = keys_->BeginMove(); !begun.ok()) return begun;
    if (absl::Status imported = keys_->Import(*keys); !imported.ok()) return imported;
    options_.tell(absl::StrCat("keys copied: ", keys->size()));
    if (absl::Status copied = CopyPhotos(); !copied.ok()) return copied;
    if (absl::Status copied = CopyLog(); !copied.ok()) return copied;
    if (absl::Status same = Compare("records read back"); !same.ok()) return same;
    for (const Moved& moved : partitions_) {
      if (moved.target_end != moved.source_end)
        return WrittenByOthers(absl::StrCat(kafka::Name(moved.where), " grew meanwhile"));
    }
  }
  if (absl::Status verified = VerifyTarget(); !verified.ok()) return verified;
  if (!report_.was_there) {
    if (absl::Status marked = MarkFolder(); !marked.ok()) return marked;
    if (absl::Status ended = keys_->EndMove(); !ended.ok()) return ended;
  }
  return std::move(report_);
}

}  // namespace

absl::StatusOr<MigrationReport> Migrate(const MigrationOptions& options) {
  if (sodium_init() < 0) return absl::InternalError("libsodium can't be used on this machine");
  return Migration(options).Run();
}

}  // namespace porchlight
