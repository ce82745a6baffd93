#include "common/embedded/embedded.h"

#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/embedded/folder_lock.h"
#include "common/host/host.h"
#include "common/host/outside.h"
#include "common/keys/file_keys.h"
#include "common/keys/master_key.h"
#include "common/log/sqlite_log.h"
#include "common/logger/logger.h"
#include "common/store/sqlite_store.h"

namespace porchlight {
namespace {

absl::StatusOr<Key> MasterKey(const std::string& path, const std::string& data) {
  absl::StatusOr<Key> key = ReadMasterKey(path);
  if (!absl::IsNotFound(key.status())) return key;
  if (std::filesystem::exists(absl::StrCat(data, "/keys.db"))) {
    return absl::FailedPreconditionError(
        absl::StrCat("the master key file ", path, " is missing, and without it nothing in ", data,
                     " can be read. Restore it from where you keep it; Porchlight won't make a new "
                     "one over existing data."));
  }
  key = CreateMasterKey(path);
  if (key.ok()) {
    LogLine(LogLevel::kWarning,
            "made a new master key; keep a copy of it apart from the data: without it nothing can "
            "be read",
            {{"file", path}});
  }
  return key;
}

}  // namespace

std::string LogPath(const std::string& data) { return absl::StrCat(data, "/log.db"); }
std::string MovedPath(const std::string& data) { return absl::StrCat(data, "/moved"); }
std::string StorePath(const std::string& data, const std::string& service) {
  return absl::StrCat(data, "/", service, ".store.db");
}

// In the order of construction; gone in the reverse.
struct Embedded::Parts {
  explicit Parts(EmbeddedOptions given) : options(std::move(given)) {}

  const EmbeddedOptions options;
  SystemClock clock;
  SystemIds ids;
  Key master{};
  std::optional<FolderLock> lock;
  std::unique_ptr<SqliteLog> log;
  std::unique_ptr<FileKeys> keys;
  std::unique_ptr<Blob> blob;
  std::unique_ptr<Host> host;

  absl::Status Open();
  std::unique_ptr<Store> MakeStore(const std::string& service) const;
};

absl::Status Embedded::Parts::Open() {
  std::error_code made;
  const bool is_new = std::filesystem::create_directories(options.data, made);
  if (made) {
    return absl::FailedPreconditionError(absl::StrCat("can't make the data folder ", options.data,
                                                      ": ", made.message(),
                                                      ". Choose another with --data."));
  }
  // A folder that was there keeps the rights that somebody gave it.
  if (is_new) chmod(options.data.c_str(), 0700);
  absl::StatusOr<FolderLock> taken = FolderLock::Take(options.data);
  if (!taken.ok()) return taken.status();
  lock.emplace(*std::move(taken));
  if (std::filesystem::exists(MovedPath(options.data))) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the data folder ", options.data,
        " was moved into a cluster (`porchlight migrate`): served here too, the same people would "
        "be told twice. Only if no service ever ran there, delete ",
        MovedPath(options.data), " to serve it again."));
  }

  const std::string master_path = options.config.master_key_file.empty()
                                      ? absl::StrCat(options.data, "/master.key")
                                      : options.config.master_key_file;
  const absl::StatusOr<Key> read = MasterKey(master_path, options.data);
  if (!read.ok()) return read.status();
  master = *read;
  absl::StatusOr<std::unique_ptr<FileKeys>> file_keys =
      FileKeys::Open(absl::StrCat(options.data, "/keys.db"), master, master_path);
  if (!file_keys.ok()) return file_keys.status();
  keys = *std::move(file_keys);
  absl::StatusOr<std::unique_ptr<Blob>> blobs =
      MakeBlob(options.config, absl::StrCat(options.data, "/blobs"), clock);
  if (!blobs.ok()) return blobs.status();
  blob = *std::move(blobs);
  absl::StatusOr<std::unique_ptr<SqliteLog>> sqlite_log =
      SqliteLog::Open(LogPath(options.data), {.lengthen_ahead = true});
  if (!sqlite_log.ok()) return sqlite_log.status();
  log = *std::move(sqlite_log);
  return absl::OkStatus();
}

std::unique_ptr<Store> Embedded::Parts::MakeStore(const std::string& service) const {
  return std::make_unique<SqliteStore>(
      StorePath(options.data, service),
      SqliteStoreOptions{.set_aside = [service](const absl::Status& why) {
        LogLine(LogLevel::kWarning,
                "a store was damaged; it was set aside and is made again from the log",
                {{"service", service}, {"reason", std::string(why.message())}});
      }});
}

absl::StatusOr<std::unique_ptr<Embedded>> Embedded::Start(EmbeddedOptions given,
                                                          std::vector<ServiceModule> modules) {
  if (sodium_init() < 0) return absl::InternalError("libsodium can't be used on this machine");
  auto parts = std::make_unique<Parts>(std::move(given));
  const EmbeddedOptions& options = parts->options;
  if (absl::Status opened = parts->Open(); !opened.ok()) return opened;
  absl::StatusOr<Dispatcher::Channels> channels =
      MakeChannels(options.config, absl::StrCat(options.data, "/outbox"), parts->clock);
  if (!channels.ok()) return channels.status();
  std::vector<std::string> episode_services;
  for (const ServiceModule& module : modules) {
    // The directory is about no episode.
    if (module.name != kDirectoryService) episode_services.push_back(module.name);
  }
  absl::StatusOr<std::unique_ptr<Host>> host = Host::Start(
      options.listen, options.config,
      {.log = *parts->log,
       .keys = *parts->keys,
       .blob = *parts->blob,
       .ids = parts->ids,
       .clock = parts->clock,
       .master = parts->master,
       .channels = *std::move(channels),
       .make_store = [&parts = *parts](const std::string& name) { return parts.MakeStore(name); },
       .episode_services = std::move(episode_services)},
      std::move(modules));
  if (!host.ok()) return host.status();
  parts->host = *std::move(host);
  return std::unique_ptr<Embedded>(new Embedded(std::move(parts)));
}

Embedded::Embedded(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Embedded::~Embedded() = default;

const std::string& Embedded::address() const { return parts_->host->address(); }

int RunEmbedded(EmbeddedOptions options, std::vector<ServiceModule> modules) {
  InitLogger(options.config.log_level);
  const absl::StatusOr<std::unique_ptr<Embedded>> running =
      Embedded::Start(std::move(options), std::move(modules));
  if (!running.ok()) {
    std::cerr << "porchlight can't start: " << running.status().message() << "\n";
    return 1;
  }
  std::cout << "ready " << (*running)->address() << std::endl;
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  int received = 0;
  sigwait(&stop, &received);
  LogLine(LogLevel::kInfo, "stopping", {{"signal", absl::StrCat(received)}});
  return 0;
}

}  // namespace porchlight
