#include "common/embedded/embedded.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "common/base/ids.h"
#include "common/channel/folder_channel.h"
#include "common/channel/sms_channel.h"
#include "common/channel/smtp_channel.h"
#include "common/channel/voice_channel.h"
#include "common/channel/webhook_channel.h"
#include "common/channel/webhook_signature.h"
#include "common/config/directory_file.h"
#include "common/directory/directory.h"
#include "common/embedded/open_blob.h"
#include "common/evidence/evidence_service.h"
#include "common/http/http_server.h"
#include "common/keys/file_keys.h"
#include "common/keys/master_key.h"
#include "common/log/sqlite_log.h"
#include "common/logger/logger.h"
#include "common/policy/loader.h"
#include "common/processor/worker.h"
#include "common/rpc/admin_service.h"
#include "common/rpc/agency_service.h"
#include "common/rpc/serve.h"
#include "common/rpc/server.h"
#include "common/store/sqlite_store.h"

namespace porchlight {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(5);
constexpr absl::Duration kConfigurationLimit = absl::Minutes(1);

// Holds a folder for one process; let go when the process ends, however it ends.
class FolderLock {
 public:
  static absl::StatusOr<FolderLock> Take(const std::string& data) {
    const std::string path = absl::StrCat(data, "/lock");
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      return absl::FailedPreconditionError(absl::StrCat("can't write to the data folder ", data,
                                                        ": ", std::strerror(errno),
                                                        ". Give this user write access to it, "
                                                        "or choose another with --data."));
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      close(file);
      return absl::FailedPreconditionError(
          absl::StrCat("another porchlight is running on the data folder ", data,
                       ". Stop it first, or choose another folder with --data."));
    }
    return FolderLock(file);
  }
  FolderLock(FolderLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (file_ >= 0) close(file_);
  }

 private:
  explicit FolderLock(int file) : file_(file) {}
  int file_;
};

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

absl::StatusOr<TwilioOptions> TelephoneOptions(const TelephoneConfig& config,
                                               const HttpConfig& http) {
  absl::StatusOr<std::string> token = ReadSecretFile(config.auth_token_file);
  if (!token.ok()) return token.status();
  return TwilioOptions{.provider_url = config.provider_url,
                       .account_sid = config.account_sid,
                       .auth_token = *std::move(token),
                       .from = config.from,
                       .public_url = http.public_url,
                       .ca_file = config.ca_file,
                       .send_limit = config.time_limit};
}

absl::StatusOr<Dispatcher::Channels> MakeChannels(const Config& config, const std::string& data,
                                                  const Clock& clock) {
  Dispatcher::Channels channels;
  channels[v1::CHANNEL_KIND_FOLDER] = std::make_shared<FolderChannel>(
      config.folder_directory.empty() ? absl::StrCat(data, "/outbox") : config.folder_directory);
  WebhookOptions webhook{
      .secrets = {}, .ca_file = config.webhook.ca_file, .send_limit = config.webhook.time_limit};
  for (const RecipientConfig& recipient : config.recipients) {
    if (recipient.channel != v1::CHANNEL_KIND_WEBHOOK) continue;
    const absl::StatusOr<std::string> line = ReadSecretFile(recipient.secret_file);
    if (!line.ok()) return line.status();
    const absl::StatusOr<std::string> secret = ParseWebhookSecret(*line);
    if (!secret.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(recipient.secret_file, ": ", secret.status().message()));
    }
    webhook.secrets[recipient.id] = *secret;
  }
  channels[v1::CHANNEL_KIND_WEBHOOK] = std::make_shared<WebhookChannel>(std::move(webhook), clock);
  if (config.email.has_value()) {
    const EmailConfig& email = *config.email;
    SmtpOptions smtp{
        .host = email.host,
        .port = static_cast<uint16_t>(email.port),
        .tls = email.encryption == EmailEncryption::kStartTls ? SmtpTls::kRequired : SmtpTls::kNone,
        .user = email.user,
        .password = "",
        .from = email.from,
        .ca_file = email.ca_file,
        .send_limit = email.time_limit};
    if (!email.password_file.empty()) {
      absl::StatusOr<std::string> password = ReadSecretFile(email.password_file);
      if (!password.ok()) return password.status();
      smtp.password = *std::move(password);
    }
    channels[v1::CHANNEL_KIND_EMAIL] = std::make_shared<SmtpChannel>(std::move(smtp));
  }
  if (config.sms.has_value()) {
    absl::StatusOr<TwilioOptions> sms = TelephoneOptions(*config.sms, *config.http);
    if (!sms.ok()) return sms.status();
    channels[v1::CHANNEL_KIND_SMS] = std::make_shared<SmsChannel>(*std::move(sms), clock);
  }
  if (config.voice.has_value()) {
    absl::StatusOr<TwilioOptions> voice = TelephoneOptions(*config.voice, *config.http);
    if (!voice.ok()) return voice.status();
    channels[v1::CHANNEL_KIND_VOICE] = std::make_shared<VoiceChannel>(*std::move(voice), clock);
  }
  return channels;
}

}  // namespace

std::string LogPath(const std::string& data) { return absl::StrCat(data, "/log.db"); }
std::string StorePath(const std::string& data, const std::string& service) {
  return absl::StrCat(data, "/", service, ".store.db");
}

// One service and what is its own.
struct EmbeddedService {
  std::string name;
  std::unique_ptr<Rules> rules;
  std::unique_ptr<SqliteStore> store;
  Outcomes outcomes;
  std::unique_ptr<Worker> worker;
  std::unique_ptr<Commands> commands;
  std::unique_ptr<States> states;
  std::shared_ptr<grpc::Service> edge;
  std::shared_ptr<void> background;
};

absl::StatusOr<v1::Directory> ConfiguredDirectory(const Config& config) {
  v1::ChangeDirectoryRequest over;
  if (!config.directory_file.empty()) {
    absl::StatusOr<v1::Directory> file = ReadDirectoryFile(config.directory_file);
    if (!file.ok()) return file.status();
    *over.mutable_set() = *std::move(file);
  }
  absl::StatusOr<PackSet> packs = LoadPacks(config.policy_packs);
  if (!packs.ok()) return packs.status();
  for (const auto& [id, pack] : packs->packs()) *over.mutable_set()->add_packs() = pack;
  v1::Directory directory = DirectoryOf(config);
  Apply(directory, over);
  return directory;
}

// In the order of construction; gone in the reverse.
struct Embedded::Parts {
  explicit Parts(EmbeddedOptions given) : options(std::move(given)) {}

  const EmbeddedOptions options;
  RulesOptions rules_options{.config = options.config, .link_key = {}};
  SystemClock clock;
  SystemIds ids;
  std::optional<FolderLock> lock;
  std::unique_ptr<SqliteLog> log;
  std::unique_ptr<FileKeys> keys;
  std::unique_ptr<Blob> blob;
  std::unique_ptr<DirectoryView> directory_view;
  std::vector<std::unique_ptr<EmbeddedService>> services;
  std::unique_ptr<rpc::Gate> gate;
  std::unique_ptr<EvidenceService> evidence;
  std::unique_ptr<AgencyService> agency;
  std::unique_ptr<AdminService> admin;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<rpc::Server> server;

  absl::Status Open(Key& master);
  absl::Status AddService(const ServiceModule& module, const Dispatcher::Channels& channels);
  EdgePorts PortsOf(const EmbeddedService& service);
  absl::Status ServeHttp(const std::vector<ServiceModule>& modules);
  absl::Status FollowConfiguration(const Config& config);
  absl::Status Configure(EmbeddedService& directory, uint64_t version,
                         v1::ChangeDirectoryRequest change);
};

absl::Status Embedded::Parts::Open(Key& master) {
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

  const std::string master_path = options.config.master_key_file.empty()
                                      ? absl::StrCat(options.data, "/master.key")
                                      : options.config.master_key_file;
  const absl::StatusOr<Key> read = MasterKey(master_path, options.data);
  if (!read.ok()) return read.status();
  master = *read;
  rules_options.link_key = LinkKey(master);
  absl::StatusOr<std::unique_ptr<FileKeys>> file_keys =
      FileKeys::Open(absl::StrCat(options.data, "/keys.db"), master, master_path);
  if (!file_keys.ok()) return file_keys.status();
  keys = *std::move(file_keys);
  absl::StatusOr<std::unique_ptr<Blob>> blobs = OpenBlob(options.config, options.data, clock);
  if (!blobs.ok()) return blobs.status();
  blob = *std::move(blobs);
  absl::StatusOr<std::unique_ptr<SqliteLog>> sqlite_log =
      SqliteLog::Open(LogPath(options.data), {.lengthen_ahead = true});
  if (!sqlite_log.ok()) return sqlite_log.status();
  log = *std::move(sqlite_log);
  directory_view = std::make_unique<DirectoryView>(*log, *keys);
  return absl::OkStatus();
}

EdgePorts Embedded::Parts::PortsOf(const EmbeddedService& service) {
  return {*service.commands, *service.states, *keys, *blob, ids, clock, *gate,
          rules_options,     *directory_view};
}

absl::Status Embedded::Parts::AddService(const ServiceModule& module,
                                         const Dispatcher::Channels& channels) {
  auto service = std::make_unique<EmbeddedService>();
  service->name = module.name;
  service->rules = module.make_rules(rules_options);
  service->store = std::make_unique<SqliteStore>(
      StorePath(options.data, module.name),
      SqliteStoreOptions{.set_aside = [name = module.name](const absl::Status& why) {
        LogLine(LogLevel::kWarning,
                "a store was damaged; it was set aside and is made again from the log",
                {{"service", name}, {"reason", std::string(why.message())}});
      }});
  service->worker = std::make_unique<Worker>(
      *service->rules,
      WorkerPorts{*log, *service->store, *keys, clock, service->outcomes, channels, blob.get()},
      WorkerOptions{.agency_id = options.config.agency.id,
                    .partitions = module.partitions,
                    .dispatcher = {}});
  if (absl::Status started = service->worker->Start(); !started.ok()) return started;
  service->commands = std::make_unique<Commands>(module.name, *log, *keys, service->outcomes,
                                                 options.config.agency.id, module.partitions);
  service->states =
      std::make_unique<States>(*service->rules, *service->store, *keys, module.partitions);
  service->edge = module.make_edge(PortsOf(*service));
  services.push_back(std::move(service));
  return absl::OkStatus();
}

// Links and callbacks, where the configuration says how they come in.
absl::Status Embedded::Parts::ServeHttp(const std::vector<ServiceModule>& modules) {
  if (!options.config.http.has_value()) return absl::OkStatus();
  HttpRouter routes;
  for (size_t i = 0; i < modules.size(); ++i) {
    if (modules[i].add_routes != nullptr) modules[i].add_routes(PortsOf(*services[i]), routes);
  }
  absl::StatusOr<std::unique_ptr<HttpServer>> started =
      HttpServer::Start({.listen = options.config.http->listen}, std::move(routes), clock);
  if (!started.ok()) return started.status();
  http = *std::move(started);
  LogLine(LogLevel::kInfo, "links and callbacks are answered", {{"http", http->address()}});
  return absl::OkStatus();
}

absl::Status Embedded::Parts::Configure(EmbeddedService& directory, uint64_t version,
                                        v1::ChangeDirectoryRequest change) {
  change.mutable_actor()->set_actor_id(kConfigurationActor);
  change.mutable_actor()->set_reached_by(v1::REACHED_BY_SYSTEM);
  // A configuration that comes back to what it was is a change again: the version is part of it.
  change.set_request_id(DeriveId("configuration", change.SerializeAsString(), version));
  v1::ChangeDirectoryReply reply;
  const absl::Status changed = directory.commands->Submit({.request_id = change.request_id(),
                                                           .youth_id = "",
                                                           .received_at = clock.Now(),
                                                           .actor = change.actor(),
                                                           .longest_wait = kConfigurationLimit},
                                                          change, reply);
  for (const std::string& warning : reply.warnings()) {
    LogLine(LogLevel::kWarning, "the directory was changed as the configuration says, but",
            {{"warning", warning}});
  }
  return changed;
}

// Where the configuration differs from what it said before, the directory is changed, by a command
// like any other. Waits until it is decided: notices made from now on go to whom it names.
absl::Status Embedded::Parts::FollowConfiguration(const Config& config) {
  const auto found = std::find_if(services.begin(), services.end(), [](const auto& service) {
    return service->name == kDirectoryService;
  });
  if (found == services.end()) return absl::OkStatus();
  EmbeddedService& directory = **found;
  directory.worker->Run();
  const absl::StatusOr<v1::Directory> wanted = ConfiguredDirectory(config);
  if (!wanted.ok()) return wanted.status();
  Reference known(*log, *keys);
  if (absl::Status folded = known.Step(); !folded.ok()) return folded;
  const v1::ChangeDirectoryRequest change =
      ConfigurationChange(known.directory(), known.configured(), *wanted);
  if (ChangesNothing(change)) return absl::OkStatus();
  absl::Status changed = Configure(directory, known.sequence(), change);
  v1::ChangeDirectoryRequest only_set;
  *only_set.mutable_set() = change.set();
  if (absl::IsFailedPrecondition(changed) && only_set.ByteSizeLong() < change.ByteSizeLong()) {
    // What people set by command may need what the configuration no longer has. A server that
    // doesn't start again would be worse than an entry too many.
    LogLine(LogLevel::kError,
            "entries that the configuration no longer has stay in the directory: others need them",
            {{"reason", std::string(changed.message())}});
    changed = ChangesNothing(only_set) ? absl::OkStatus()
                                       : Configure(directory, known.sequence(), only_set);
  }
  if (changed.ok()) return changed;
  return absl::Status(changed.code(), absl::StrCat("the directory can't follow the configuration: ",
                                                   changed.message()));
}

absl::StatusOr<std::unique_ptr<Embedded>> Embedded::Start(EmbeddedOptions given,
                                                          std::vector<ServiceModule> modules) {
  if (sodium_init() < 0) return absl::InternalError("libsodium can't be used on this machine");
  auto parts = std::make_unique<Parts>(std::move(given));
  const EmbeddedOptions& options = parts->options;
  Key master{};
  if (absl::Status opened = parts->Open(master); !opened.ok()) return opened;
  absl::StatusOr<Dispatcher::Channels> channels =
      MakeChannels(options.config, options.data, parts->clock);
  if (!channels.ok()) return channels.status();
  parts->gate = std::make_unique<rpc::Gate>(parts->clock);

  ExportSources sources{.log = *parts->log,
                        .keys = *parts->keys,
                        .services = {},
                        .partitions = kPartitions,
                        .signing_seed = SigningSeed(master),
                        .agency_id = options.config.agency.id};
  for (const ServiceModule& module : modules) {
    if (absl::Status added = parts->AddService(module, *channels); !added.ok()) return added;
    // The directory is about no episode.
    if (module.name != kDirectoryService) sources.services.push_back(module.name);
  }
  // Only now that every service found the log to be whole is anything written to it: one that was
  // cut short stays as it is for whoever looks into it.
  if (absl::Status followed = parts->FollowConfiguration(options.config); !followed.ok()) {
    return followed;
  }
  for (const auto& service : parts->services) {
    if (service->name != kDirectoryService) service->worker->Run();
  }
  parts->evidence = std::make_unique<EvidenceService>(std::move(sources), *parts->gate);
  parts->agency =
      std::make_unique<AgencyService>(options.config.agency.id, options.config.agency.name,
                                      options.config.agency.time_zone.name(), *parts->gate);
  for (size_t i = 0; i < modules.size(); ++i) {
    EmbeddedService& service = *parts->services[i];
    if (modules[i].start_background != nullptr)
      service.background = modules[i].start_background(parts->PortsOf(service));
  }
  if (absl::Status served = parts->ServeHttp(modules); !served.ok()) return served;
  std::map<std::string, AdminSource> stores;
  for (size_t i = 0; i < modules.size(); ++i)
    stores[modules[i].name] = {parts->services[i]->store.get(), modules[i].partitions};
  parts->admin = std::make_unique<AdminService>(*parts->log, std::move(stores), *parts->gate);
  std::vector<grpc::Service*> edges = {parts->evidence.get(), parts->agency.get(),
                                       parts->admin.get()};
  for (const auto& service : parts->services) edges.push_back(service->edge.get());
  absl::StatusOr<std::unique_ptr<rpc::Server>> server = rpc::Server::Start(options.listen, edges);
  if (!server.ok()) return server.status();
  parts->server = *std::move(server);
  return std::unique_ptr<Embedded>(new Embedded(std::move(parts)));
}

Embedded::Embedded(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Embedded::~Embedded() {
  parts_->server->Stop(kGrace);
  if (parts_->http != nullptr) parts_->http->Stop(kGrace);
  for (const auto& service : parts_->services) service->background.reset();
  for (const auto& service : parts_->services) service->worker->Stop();
}

const std::string& Embedded::address() const { return parts_->server->address(); }

void PrepareSignals() {
  // Debian builds Abseil with its debugging aid for lock cycles, which every lock then pays for.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

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

int EmbeddedMain(int argc, char** argv, std::vector<ServiceModule> modules) {
  PrepareSignals();
  EmbeddedOptions options{.data = "", .listen = "127.0.0.1:0", .config = DefaultConfig()};
  std::string config_file;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string flag = argv[i];
    std::string* const value = flag == "--data"     ? &options.data
                               : flag == "--listen" ? &options.listen
                               : flag == "--config" ? &config_file
                                                    : nullptr;
    if (value == nullptr) {
      std::cerr << "unknown option " << flag << "\n";
      options.data.clear();
      break;
    }
    *value = argv[i + 1];
  }
  if (argc % 2 == 0 || options.data.empty()) {
    std::cerr << "usage: " << argv[0] << " --data DIR [--config FILE] [--listen ADDRESS]\n";
    return 2;
  }
  if (!config_file.empty()) {
    absl::StatusOr<Config> config = ReadConfig(config_file);
    if (!config.ok()) {
      std::cerr << config.status().message() << "\n";
      return 2;
    }
    options.config = *std::move(config);
  }
  return RunEmbedded(std::move(options), std::move(modules));
}

}  // namespace porchlight
