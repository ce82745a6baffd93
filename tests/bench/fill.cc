// See fill.h.
#include "tests/bench/fill.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/config/config.h"
#include "common/directory/directory.h"
#include "common/edge/commands.h"
#include "common/embedded/embedded.h"
#include "common/host/host.h"
#include "common/keys/file_keys.h"
#include "common/keys/master_key.h"
#include "common/log/sqlite_log.h"
#include "common/privacy/sealing.h"
#include "common/processor/worker.h"
#include "common/store/sqlite_store.h"
#include "services/directory/rules.h"
#include "services/intake/service.h"
#include "services/mdt/service.h"
#include "services/notification/service.h"
#include "services/oncall/service.h"
#include "services/screening/service.h"

namespace porchlight::bench {
namespace {

constexpr size_t kFilledAtOnce = 2048;
// Keys made at once share a commit.
constexpr size_t kKeyThreads = 64;

class AlwaysAccepts final : public Channel {
 public:
  void Send(Outgoing, Answered done) override {
    done({.answer = v1::DELIVERY_ANSWER_ACCEPTED, .code = 200, .text = "", .retry_after = {}});
  }
};

// All but the directory, whose worker is not needed once it has its entries.
std::vector<ServiceModule> Services() {
  return {IntakeModule(), NotificationModule(), ScreeningModule(), MdtModule(), OncallModule()};
}

// One service without its edge.
struct Part {
  std::unique_ptr<Rules> rules;
  std::unique_ptr<SqliteStore> store;
  Outcomes outcomes;
  std::unique_ptr<Worker> worker;
};

struct Filler {
  SystemClock clock;
  Config config;
  std::unique_ptr<FileKeys> keys;
  std::unique_ptr<SqliteLog> log;
  std::map<std::string, Part> parts;
  std::unique_ptr<Commands> commands;

  void Start(const std::string& data, const ServiceModule& module) {
    const auto channel = std::make_shared<AlwaysAccepts>();
    Part& part = parts[module.name];
    part.rules = module.make_rules({config, {}});
    part.store = std::make_unique<SqliteStore>(StorePath(data, module.name));
    part.worker = std::make_unique<Worker>(
        *part.rules,
        WorkerPorts{
            *log, *part.store, *keys, clock, part.outcomes, {{v1::CHANNEL_KIND_WEBHOOK, channel}}},
        WorkerOptions{.agency_id = config.agency.id, .partitions = kPartitions, .dispatcher = {}});
    Require(part.worker->Start());
  }

  void Round(size_t first, size_t end) {
    std::vector<std::string> names;
    for (size_t i = first; i < end; ++i) names.push_back(KeyName(HeldYouth(i)));
    MakeKeys(*keys, names);
    std::map<int32_t, AppendRequest> requests;
    for (size_t i = first; i < end; ++i) {
      const std::string youth_id = HeldYouth(i);
      const std::string request_id = absl::StrCat("fill-", youth_id);
      v1::RecordHeader header;
      header.set_record_id(commands->IdOf(youth_id, request_id));
      header.set_agency_id(config.agency.id);
      header.set_youth_id(youth_id);
      *header.mutable_received_at() = ToProto(clock.Now());
      header.mutable_actor()->set_actor_id("bench");
      header.set_correlation_id(header.record_id());
      header.set_schema_version(1);
      const Key key = Require(keys->Get(KeyName(youth_id)));
      const int32_t partition = PartitionOf(youth_id, kPartitions);
      AppendRequest& request = requests[partition];
      request.where = {CommandsTopic("intake"), partition};
      request.records.push_back(
          MakeRecord(key, header, ReportOf(youth_id, "Maple House", request_id))
              .SerializeAsString());
    }
    std::vector<AppendRequest> all;
    for (auto& [partition, request] : requests) all.push_back(std::move(request));
    for (const AppendResult& result : log->Append(std::move(all))) Require(result.reason);
  }

  // Side by side, as in the product, until nobody has anything left to do.
  void Settle() {
    for (bool did = true; did;) {
      std::atomic<bool> any = false;
      std::vector<std::thread> threads;
      for (auto& [name, part] : parts) {
        threads.emplace_back([&any, worker = part.worker.get()] {
          while (worker->Step()) any = true;
        });
      }
      for (std::thread& thread : threads) thread.join();
      did = any;
    }
    for (auto& [name, part] : parts) Require(part.worker->trouble());
  }
};

}  // namespace

v1::ReportMissingRequest ReportOf(const std::string& youth_id, const std::string& placement,
                                  const std::string& request_id) {
  v1::ReportMissingRequest report;
  report.set_request_id(request_id);
  report.set_youth_id(youth_id);
  report.mutable_youth()->set_first_name("Robin");
  report.mutable_youth()->set_last_name("Example");
  report.mutable_youth()->set_date_of_birth("2010-05-17");
  report.mutable_youth()->set_physical_description("5 ft 4 in, slim, brown hair, brown eyes");
  report.mutable_youth()->set_clothing("red coat, blue jeans, white sneakers");
  report.set_placement(placement);
  report.set_last_seen_place("bus stop at Example Street");
  report.set_circumstances("didn't come home from school; phone is off");
  report.mutable_actor()->set_actor_id("bench");
  return report;
}

std::string HeldYouth(size_t number) { return absl::StrFormat("held-%08d", number); }

// As the server does when it starts; the worker runs beside the caller, who waits for it.
void SetDirectory(const std::string& data, Log& log, Keys& keys, const std::string& agency_id,
                  const v1::Directory& directory) {
  const DirectoryRules rules;
  const SystemClock clock;
  SqliteStore store(StorePath(data, kDirectoryService));
  Outcomes outcomes;
  Worker worker(rules, {log, store, keys, clock, outcomes, {}},
                {.agency_id = agency_id, .partitions = 1, .dispatcher = {}});
  Require(worker.Start());
  worker.Run();
  v1::ChangeDirectoryRequest change = ConfigurationChange({}, {}, directory);
  change.set_request_id("fill-directory");
  change.mutable_actor()->set_actor_id(kConfigurationActor);
  v1::ChangeDirectoryReply reply;
  Commands to_directory(kDirectoryService, log, keys, outcomes, agency_id, 1);
  Require(to_directory.Submit({.request_id = change.request_id(),
                               .youth_id = "",
                               .received_at = clock.Now(),
                               .actor = change.actor(),
                               .longest_wait = absl::Minutes(1)},
                              change, reply));
}

void MakeKeys(Keys& keys, const std::vector<std::string>& names) {
  std::vector<std::thread> threads;
  for (size_t thread = 0; thread < kKeyThreads; ++thread) {
    threads.emplace_back([&keys, &names, thread] {
      for (size_t i = thread; i < names.size(); i += kKeyThreads)
        Require(keys.GetOrCreate(names[i]));
    });
  }
  for (std::thread& thread : threads) thread.join();
}

void Fill(const std::string& data, const std::string& config_file, size_t episodes) {
  std::filesystem::create_directories(data);
  Filler filler;
  filler.config = Require(ReadConfig(config_file));
  const Key master = Require(CreateMasterKey(absl::StrCat(data, "/master.key")));
  filler.keys = Require(FileKeys::Open(absl::StrCat(data, "/keys.db"), master));
  filler.log = Require(SqliteLog::Open(LogPath(data)));
  const std::string& agency_id = filler.config.agency.id;
  SetDirectory(data, *filler.log, *filler.keys, agency_id,
               Require(ConfiguredDirectory(filler.config)));
  for (const ServiceModule& module : Services()) filler.Start(data, module);
  filler.commands =
      std::make_unique<Commands>("intake", *filler.log, *filler.keys,
                                 filler.parts.at("intake").outcomes, agency_id, kPartitions);
  for (size_t first = 0; first < episodes; first += kFilledAtOnce) {
    filler.Round(first, std::min(episodes, first + kFilledAtOnce));
    filler.Settle();
  }
}

}  // namespace porchlight::bench
