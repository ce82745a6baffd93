#include "tests/sim/process.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/sim/ports.h"

namespace porchlight::sim {
namespace {

LogFault DrawAppendFault(Environment& environment, const AppendRequest& request) {
  const Options& options = environment.options;
  if (environment.Fault(options.refuse)) return {.kind = LogFault::kRefuse};
  if (environment.Fault(options.lose_answer)) {
    environment.counters.Count("unknown, all written");
    return {.kind = LogFault::kLoseAnswer};
  }
  if (environment.Fault(options.lose_request)) {
    environment.counters.Count("unknown, none written");
    return {.kind = LogFault::kLoseRequest};
  }
  if (environment.Fault(options.split)) {
    const size_t written = environment.random.Below(request.records.size() + 1);
    if (written > 0 && written < request.records.size())
      environment.counters.Count("unknown, split");
    return {.kind = LogFault::kSplit, .records_written = written};
  }
  if (environment.Fault(options.late)) {
    return {.kind = LogFault::kLate,
            .appends_later = static_cast<int>(environment.random.Below(4))};
  }
  return {};
}

absl::Status DrawReadFault(Environment& environment) {
  if (!environment.Fault(environment.options.read_away)) return absl::OkStatus();
  environment.counters.Count("log not readable");
  return absl::UnavailableError("planned fault: the log can't be read");
}

StoreFault DrawStoreFault(Environment& environment, const std::string& service) {
  if (environment.store_away[service] || environment.Fault(environment.options.store_before)) {
    environment.counters.Count("store away");
    return StoreFault::kBefore;
  }
  if (!environment.Fault(environment.options.store_after)) return StoreFault::kNone;
  environment.counters.Count("store answer lost");
  return StoreFault::kAfter;
}

}  // namespace

Process::Process(Environment& environment, const std::string& service)
    : environment_(environment),
      service_(service),
      power_(environment),
      clock_(environment.clock),
      faulty_log_(std::make_unique<FaultyLog>(
          environment.log,
          [&environment](const AppendRequest& request) {
            return DrawAppendFault(environment, request);
          },
          [&environment](const TopicPartition&) { return DrawReadFault(environment); })),
      log_(std::make_unique<SimLog>(*faulty_log_, power_, environment)),
      faulty_store_(std::make_unique<FaultyStore>(*environment.stores.at(service),
                                                  [&environment, service](StoreCall, int32_t) {
                                                    return DrawStoreFault(environment, service);
                                                  })),
      store_(std::make_unique<SimStore>(*faulty_store_, power_, environment, service)),
      keys_(std::make_unique<SimKeys>(power_, environment)) {
  MakeWorker();
}

Process::~Process() = default;

void Process::MakeWorker() {
  power_.Reset();
  started_ = false;
  outcomes_ = std::make_unique<Outcomes>();
  commands_ = std::make_unique<Commands>(service_, *log_, *keys_, *outcomes_, kSimAgency,
                                         PartitionsOf(service_));
  worker_ = std::make_unique<Worker>(
      environment_.rules(service_),
      WorkerPorts{*log_,
                  *store_,
                  *keys_,
                  clock_,
                  *outcomes_,
                  {{v1::CHANNEL_KIND_FOLDER, std::make_shared<SimChannel>(power_, environment_)}}},
      WorkerOptions{
          .agency_id = kSimAgency, .partitions = PartitionsOf(service_), .dispatcher = {}});
}

void Process::Stop() {
  worker_.reset();
  ++life_;
  MakeWorker();
}

template <typename Do>
bool Process::Guarded(const Do& what) {
  if (environment_.Fault(environment_.options.crash)) power_.Arm(1 + environment_.random.Below(80));
  busy_ = true;
  bool did = true;
  try {
    did = what();
  } catch (const Crash&) {
    Stop();
  }
  busy_ = false;
  return did;
}

void Process::TryStart() {
  Guarded([this] {
    const absl::Status started = worker_->Start();
    started_ = started.ok();
    if (!started_) environment_.counters.Count("start failed");
    if (absl::IsDataLoss(started)) {
      environment_.findings.Add("a whole log is not called damaged", started.ToString());
    }
    return true;
  });
}

bool Process::Step() {
  return Guarded([this] {
    const bool did = worker_->Step();
    if (absl::IsDataLoss(worker_->trouble())) {
      environment_.findings.Add("a whole log is not called damaged", worker_->trouble().ToString());
    }
    return did;
  });
}

void Process::Submit(const Command& command, const google::protobuf::Message& payload,
                     google::protobuf::Message& reply) {
  Guarded([&] {
    const absl::Status status = commands_->Submit(command, payload, reply);
    if (absl::StrContains(status.message(), kMarker))
      environment_.findings.Add("need to know", "personal data in an edge's error text");
    return true;
  });
}

absl::Duration Process::UntilDue() const { return worker_->NextDue() - clock_.Now(); }

}  // namespace porchlight::sim
