#include "common/host/host.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config/directory_file.h"
#include "common/directory/directory.h"
#include "common/evidence/evidence_service.h"
#include "common/http/http_server.h"
#include "common/keys/master_key.h"
#include "common/logger/logger.h"
#include "common/metrics/metrics_server.h"
#include "common/policy/loader.h"
#include "common/processor/worker.h"
#include "common/rpc/admin_service.h"
#include "common/rpc/agency_service.h"
#include "common/rpc/serve.h"
#include "common/rpc/server.h"

namespace porchlight {
namespace {

constexpr absl::Duration kGrace = absl::Seconds(5);
constexpr absl::Duration kConfigurationLimit = absl::Minutes(1);
constexpr absl::Duration kConfigureAgainAfter = absl::Seconds(10);

}  // namespace

// One service and what is its own. In the order of construction; gone in the reverse.
struct HostedService {
  std::string name;
  std::unique_ptr<Rules> rules;
  std::unique_ptr<Store> store;
  std::unique_ptr<Ownership> share;
  Outcomes outcomes;
  Gauges gauges;
  std::unique_ptr<Worker> worker;
  std::unique_ptr<States> states;
  std::unique_ptr<Commands> commands;
  std::shared_ptr<grpc::Service> edge;
  std::shared_ptr<void> background;
};

namespace {

// What was decided of a command before, as far as the store shows it.
Commands::Remembered RememberedIn(const HostedService& service) {
  return [&rules = *service.rules, &states = *service.states](
             const v1::RecordHeader& header,
             const google::protobuf::Message& payload) -> std::optional<v1::RememberedOutcome> {
    const absl::StatusOr<Aggregate> aggregate = states.Load(rules.AggregateId(header, payload));
    if (!aggregate.ok()) return std::nullopt;
    return aggregate->OutcomeFor(header.record_id(), ContentDigest(payload));
  };
}

}  // namespace

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
struct Host::Parts {
  Parts(Config given, HostPorts given_ports)
      : config(std::move(given)),
        ports(std::move(given_ports)),
        rules_options{.config = config, .link_key = LinkKey(ports.master)},
        directory_view(ports.log, ports.keys),
        gate(ports.clock) {}

  const Config config;
  const HostPorts ports;
  const RulesOptions rules_options;
  DirectoryView directory_view;
  std::vector<std::unique_ptr<HostedService>> services;
  rpc::Gate gate;
  std::unique_ptr<EvidenceService> evidence;
  std::unique_ptr<AgencyService> agency;
  std::unique_ptr<AdminService> admin;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<rpc::Server> server;
  std::unique_ptr<MetricsServer> metrics;
  bool configured = false;
  absl::Duration configure_again_at = -absl::InfiniteDuration();  // by Clock::Steady

  bool shares() const { return ports.share != nullptr; }
  absl::Status AddService(const ServiceModule& module);
  EdgePorts PortsOf(HostedService& service);
  absl::Status ServeHttp(const std::vector<ServiceModule>& modules);
  std::vector<ServiceFigures> FiguresOfAll() const;
  absl::Status ServeMetrics();
  absl::Status Serve(const std::string& listen, const std::vector<ServiceModule>& modules);
  absl::Status FollowConfiguration();
  absl::Status Configure(HostedService& directory, uint64_t version,
                         v1::ChangeDirectoryRequest change);
};

EdgePorts Host::Parts::PortsOf(HostedService& service) {
  return {*service.commands, *service.states, ports.keys, ports.blob,
          ports.ids,         ports.clock,     gate,       rules_options,
          directory_view,    service.gauges};
}

absl::Status Host::Parts::AddService(const ServiceModule& module) {
  auto service = std::make_unique<HostedService>();
  service->name = module.name;
  service->rules = module.make_rules(rules_options);
  service->store = ports.make_store(module.name);
  if (shares()) {
    absl::StatusOr<std::unique_ptr<Ownership>> joined = ports.share(module.name);
    if (!joined.ok()) return joined.status();
    service->share = *std::move(joined);
  }
  service->worker = std::make_unique<Worker>(
      *service->rules,
      WorkerPorts{ports.log, *service->store, ports.keys, ports.clock, service->outcomes,
                  ports.channels, &ports.blob, service->share.get()},
      WorkerOptions{
          .agency_id = config.agency.id, .partitions = module.partitions, .dispatcher = {}});
  if (!shares()) {
    if (absl::Status started = service->worker->Start(); !started.ok()) return started;
  }
  service->states =
      std::make_unique<States>(*service->rules, *service->store, ports.keys, module.partitions);
  service->commands = std::make_unique<Commands>(
      module.name, ports.log, ports.keys, service->outcomes, config.agency.id, module.partitions,
      shares() ? RememberedIn(*service) : nullptr);
  service->edge = module.make_edge(PortsOf(*service));
  services.push_back(std::move(service));
  return absl::OkStatus();
}

// Links and callbacks, where the configuration says how they come in.
absl::Status Host::Parts::ServeHttp(const std::vector<ServiceModule>& modules) {
  if (!config.http.has_value()) return absl::OkStatus();
  HttpRouter routes;
  for (size_t i = 0; i < modules.size(); ++i) {
    if (modules[i].add_routes != nullptr) modules[i].add_routes(PortsOf(*services[i]), routes);
  }
  absl::StatusOr<std::unique_ptr<HttpServer>> started =
      HttpServer::Start({.listen = config.http->listen}, std::move(routes), ports.clock);
  if (!started.ok()) return started.status();
  http = *std::move(started);
  LogLine(LogLevel::kInfo, "links and callbacks are answered", {{"http", http->address()}});
  return absl::OkStatus();
}

std::vector<ServiceFigures> Host::Parts::FiguresOfAll() const {
  std::vector<ServiceFigures> all;
  for (const auto& service : services) {
    ServiceFigures& of = all.emplace_back();
    of.service = service->name;
    of.ready = service->worker->ready();
    of.waiting = !service->worker->trouble().ok();
    std::tie(of.figures, of.step_age) = service->worker->figures();
    of.gauges = &service->gauges;
  }
  return all;
}

absl::Status Host::Parts::ServeMetrics() {
  if (config.metrics_listen.empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<MetricsServer>> started =
      MetricsServer::Start(config.metrics_listen, [this] { return FiguresOfAll(); });
  if (!started.ok()) return started.status();
  metrics = *std::move(started);
  LogLine(LogLevel::kInfo, "metrics are shown", {{"http", metrics->address()}});
  return absl::OkStatus();
}

absl::Status Host::Parts::Configure(HostedService& directory, uint64_t version,
                                    v1::ChangeDirectoryRequest change) {
  change.mutable_actor()->set_actor_id(kConfigurationActor);
  change.mutable_actor()->set_reached_by(v1::REACHED_BY_SYSTEM);
  // A configuration that comes back to what it was is a change again: the version is part of it.
  change.set_request_id(DeriveId("configuration", change.SerializeAsString(), version));
  v1::ChangeDirectoryReply reply;
  absl::Status changed = directory.commands->Submit({.request_id = change.request_id(),
                                                     .youth_id = "",
                                                     .received_at = ports.clock.Now(),
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
absl::Status Host::Parts::FollowConfiguration() {
  const auto found = std::find_if(services.begin(), services.end(), [](const auto& service) {
    return service->name == kDirectoryService;
  });
  if (found == services.end()) return absl::OkStatus();
  HostedService& directory = **found;
  const absl::StatusOr<v1::Directory> wanted = ConfiguredDirectory(config);
  if (!wanted.ok()) return wanted.status();
  Reference known(ports.log, ports.keys);
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

absl::Status Host::Parts::Serve(const std::string& listen,
                                const std::vector<ServiceModule>& modules) {
  evidence =
      std::make_unique<EvidenceService>(ExportSources{.log = ports.log,
                                                      .keys = ports.keys,
                                                      .services = ports.episode_services,
                                                      .partitions = kPartitions,
                                                      .signing_seed = SigningSeed(ports.master),
                                                      .agency_id = config.agency.id},
                                        gate);
  agency = std::make_unique<AgencyService>(config.agency.id, config.agency.name,
                                           config.agency.time_zone.name(), gate);
  std::map<std::string, AdminSource> stores;
  for (size_t i = 0; i < modules.size(); ++i) {
    HostedService& service = *services[i];
    if (modules[i].start_background != nullptr)
      service.background = modules[i].start_background(PortsOf(service));
    stores[service.name] = {service.store.get(), modules[i].partitions};
  }
  if (absl::Status served = ServeHttp(modules); !served.ok()) return served;
  admin = std::make_unique<AdminService>(ports.log, std::move(stores), gate);
  std::vector<grpc::Service*> edges = {evidence.get(), agency.get(), admin.get()};
  for (const auto& service : services) edges.push_back(service->edge.get());
  absl::StatusOr<std::unique_ptr<rpc::Server>> started = rpc::Server::Start(listen, edges);
  if (!started.ok()) return started.status();
  server = *std::move(started);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Host>> Host::Start(const std::string& listen, const Config& config,
                                                  HostPorts ports,
                                                  std::vector<ServiceModule> modules) {
  auto parts = std::make_unique<Parts>(config, std::move(ports));
  for (const ServiceModule& module : modules) {
    if (absl::Status added = parts->AddService(module); !added.ok()) return added;
  }
  // Only now that every service found the log to be whole is anything written to it: one that was
  // cut short stays as it is for whoever looks into it. The directory comes first: notices made
  // from now on go to whom the configuration names.
  for (const auto& service : parts->services) {
    if (service->name == kDirectoryService) service->worker->Run();
  }
  if (!parts->shares()) {
    if (absl::Status followed = parts->FollowConfiguration(); !followed.ok()) return followed;
  }
  for (const auto& service : parts->services) {
    if (service->name != kDirectoryService) service->worker->Run();
  }
  if (absl::Status served = parts->ServeMetrics(); !served.ok()) return served;
  if (absl::Status served = parts->Serve(listen, modules); !served.ok()) return served;
  if (parts->shares()) parts->server->SetServing(false);
  return std::unique_ptr<Host>(new Host(std::move(parts)));
}

Host::Host(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

Host::~Host() {
  parts_->server->Stop(kGrace);
  if (parts_->http != nullptr) parts_->http->Stop(kGrace);
  for (const auto& service : parts_->services) service->background.reset();
  for (const auto& service : parts_->services) service->worker->Stop();
}

const std::string& Host::address() const { return parts_->server->address(); }

bool Host::Watch() {
  const bool ready = std::all_of(parts_->services.begin(), parts_->services.end(),
                                 [](const auto& service) { return service->worker->ready(); });
  parts_->server->SetServing(ready);
  const absl::Duration now = parts_->ports.clock.Steady();
  if (ready && !parts_->configured && now >= parts_->configure_again_at) {
    const absl::Status followed = parts_->FollowConfiguration();
    parts_->configured = followed.ok();
    parts_->configure_again_at = parts_->ports.clock.Steady() + kConfigureAgainAfter;
    if (!followed.ok()) {
      LogLine(LogLevel::kError, "the directory doesn't follow the configuration yet",
              {{"reason", std::string(followed.message())}});
    }
  }
  return ready;
}

}  // namespace porchlight
