#include "common/cluster/cluster.h"

#include <sodium.h>

#include <csignal>
#include <iostream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/config/topics_file.h"
#include "common/host/host.h"
#include "common/host/outside.h"
#include "common/kafka/group.h"
#include "common/kafka/topics.h"
#include "common/keys/kafka_keys.h"
#include "common/keys/master_key.h"
#include "common/log/kafka_log.h"
#include "common/logger/logger.h"
#include "common/store/redis_store.h"

namespace porchlight {
namespace {

// All whose events are about an episode.
const std::vector<std::string>& EpisodeServices() {
  static const auto& names =
      *new std::vector<std::string>{"intake", "notification", "screening", "mdt", "oncall"};
  return names;
}

// Waits for SIGTERM or SIGINT for this long; true if one came.
bool StopWanted(absl::Duration longest) {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTERM);
  sigaddset(&stop, SIGINT);
  const timespec wait = absl::ToTimespec(longest);
  return sigtimedwait(&stop, nullptr, &wait) > 0;
}

constexpr absl::Duration kWatchEvery = absl::Milliseconds(200);
constexpr absl::Duration kStartAgainAfter = absl::Seconds(1);

}  // namespace

absl::StatusOr<kafka::ClientOptions> KafkaClientOptions(const KafkaConfig& config) {
  kafka::ClientOptions options;
  options.brokers = config.brokers;
  options.security = config.properties;
  if (config.sasl_password_file.empty()) return options;
  absl::StatusOr<std::string> password = ReadSecretFile(config.sasl_password_file);
  if (!password.ok()) return password.status();
  options.security.emplace_back("sasl.password", *std::move(password));
  return options;
}

absl::StatusOr<Key> ClusterMasterKey(const Config& config) {
  if (config.master_key_file.empty()) {
    return absl::InvalidArgumentError(
        "master_key_file is missing: on a cluster every process needs the same one. Make it once "
        "with `porchlight config make-key FILE` and give it to all.");
  }
  absl::StatusOr<Key> key = ReadMasterKey(config.master_key_file);
  if (absl::IsNotFound(key.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "the master key file ", config.master_key_file,
        " is missing. Restore it; only for a new cluster make one with `porchlight config make-key "
        "FILE`, once, and give it to every process."));
  }
  return key;
}

// In the order of construction; gone in the reverse.
struct Cluster::Parts {
  Config config;
  SystemClock clock;
  SystemIds ids;
  Key master{};
  kafka::ClientOptions kafka;
  RedisServer redis;
  std::unique_ptr<Keys> keys;
  std::unique_ptr<KafkaLog> log;
  std::unique_ptr<Blob> blob;
  std::unique_ptr<Host> host;

  absl::Status Open();
  absl::Status CheckTopics(const std::vector<ServiceModule>& modules) const;
  absl::StatusOr<std::unique_ptr<Ownership>> Share(const std::string& service) const;
  std::unique_ptr<Store> MakeStore(const std::string& service) const;
};

absl::Status Cluster::Parts::Open() {
  absl::StatusOr<Key> read = ClusterMasterKey(config);
  if (!read.ok()) return read.status();
  master = *read;
  absl::StatusOr<kafka::ClientOptions> client = KafkaClientOptions(config.cluster->kafka);
  if (!client.ok()) return client.status();
  kafka = *std::move(client);
  redis.host = config.cluster->redis.host;
  redis.port = config.cluster->redis.port;
  redis.user = config.cluster->redis.user;
  if (!config.cluster->redis.password_file.empty()) {
    absl::StatusOr<std::string> password = ReadSecretFile(config.cluster->redis.password_file);
    if (!password.ok()) return password.status();
    redis.password = *std::move(password);
  }
  absl::StatusOr<std::unique_ptr<Blob>> blobs =
      MakeBlob(config, config.cluster->blob_directory, clock);
  if (!blobs.ok()) return blobs.status();
  blob = *std::move(blobs);
  absl::StatusOr<std::unique_ptr<KafkaKeys>> kafka_keys =
      KafkaKeys::Open({.client = kafka}, master, config.master_key_file);
  if (!kafka_keys.ok()) return kafka_keys.status();
  keys = *std::move(kafka_keys);
  KafkaLogOptions log_options;
  log_options.client = kafka;
  absl::StatusOr<std::unique_ptr<KafkaLog>> opened = KafkaLog::Open(log_options);
  if (!opened.ok()) return opened.status();
  log = *std::move(opened);
  return absl::OkStatus();
}

// Those of these services, and those that every process needs. What only breaks a promise is said,
// since no notice shall wait for it.
absl::Status Cluster::Parts::CheckTopics(const std::vector<ServiceModule>& modules) const {
  absl::StatusOr<std::vector<kafka::TopicSpec>> topics =
      ReadTopics(BuiltInTopics(), "the list of topics built in");
  if (!topics.ok()) return topics.status();
  std::set<std::string> own = {std::string(kKeysTopic), EventsTopic(kDirectoryService)};
  for (const ServiceModule& module : modules)
    own.insert({CommandsTopic(module.name), EventsTopic(module.name)});
  std::erase_if(*topics, [&](const kafka::TopicSpec& topic) { return !own.contains(topic.name); });
  const absl::StatusOr<kafka::TopicFindings> found = kafka::InspectTopics(kafka, *topics);
  if (!found.ok()) return found.status();
  for (const std::string& fault : found->otherwise)
    LogLine(LogLevel::kError, "topics are not as they must be", {{"reason", fault}});
  if (found->unusable.empty()) return absl::OkStatus();
  return absl::UnavailableError(absl::StrJoin(found->unusable, "\n"));
}

absl::StatusOr<std::unique_ptr<Ownership>> Cluster::Parts::Share(const std::string& service) const {
  kafka::GroupOptions options;
  options.client = kafka;
  options.service = service;
  options.session = config.cluster->kafka.session;
  return kafka::Group::Join(options);
}

std::unique_ptr<Store> Cluster::Parts::MakeStore(const std::string& service) const {
  RedisStoreOptions options;
  options.server = redis;
  options.service = service;
  options.restarted = [service] {
    LogLine(LogLevel::kWarning, "another run of Redis answers; the store is brought up to date",
            {{"service", service}});
  };
  return std::make_unique<RedisStore>(std::move(options), clock);
}

absl::StatusOr<std::unique_ptr<Cluster>> Cluster::Start(const ClusterOptions& options,
                                                        std::vector<ServiceModule> modules) {
  if (sodium_init() < 0) return absl::InternalError("libsodium can't be used on this machine");
  auto parts = std::make_unique<Parts>();
  parts->config = options.config;
  if (absl::Status opened = parts->Open(); !opened.ok()) return opened;
  if (absl::Status checked = parts->CheckTopics(modules); !checked.ok()) return checked;
  absl::StatusOr<Dispatcher::Channels> channels = MakeChannels(
      parts->config, absl::StrCat(parts->config.cluster->blob_directory, "/outbox"), parts->clock);
  if (!channels.ok()) return channels.status();
  absl::StatusOr<std::unique_ptr<Host>> host = Host::Start(
      options.listen, parts->config,
      {.log = *parts->log,
       .keys = *parts->keys,
       .blob = *parts->blob,
       .ids = parts->ids,
       .clock = parts->clock,
       .master = parts->master,
       .channels = *std::move(channels),
       .make_store = [&parts = *parts](const std::string& name) { return parts.MakeStore(name); },
       .share = [&parts = *parts](const std::string& name) { return parts.Share(name); },
       .episode_services = EpisodeServices()},
      std::move(modules));
  if (!host.ok()) return host.status();
  parts->host = *std::move(host);
  return std::unique_ptr<Cluster>(new Cluster(std::move(parts)));
}

Cluster::Cluster(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Cluster::~Cluster() = default;

const std::string& Cluster::address() const { return parts_->host->address(); }

bool Cluster::Watch() { return parts_->host->Watch(); }

int RunCluster(const ClusterOptions& options, const std::vector<ServiceModule>& modules) {
  InitLogger(options.config.log_level);
  absl::StatusOr<std::unique_ptr<Cluster>> running = Cluster::Start(options, modules);
  while (absl::IsUnavailable(running.status())) {
    LogLine(LogLevel::kError, "not started yet; this is tried again",
            {{"reason", std::string(running.status().message())}});
    if (StopWanted(kStartAgainAfter)) return 0;
    running = Cluster::Start(options, modules);
  }
  if (!running.ok()) {
    std::cerr << "porchlight can't start: " << running.status().message() << "\n";
    return 1;
  }
  LogLine(LogLevel::kInfo, "serving, and catching up", {{"address", (*running)->address()}});
  bool said = false;
  while (!StopWanted(kWatchEvery)) {
    const bool ready = (*running)->Watch();
    if (ready && !said) std::cout << "ready " << (*running)->address() << std::endl;
    said = said || ready;
  }
  LogLine(LogLevel::kInfo, "stopping", {});
  return 0;
}

}  // namespace porchlight
