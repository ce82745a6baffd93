// See fill.h.
#include "tests/bench/fill.h"

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/config/config.h"
#include "common/directory/directory.h"
#include "common/edge/commands.h"
#include "common/embedded/embedded.h"
#include "common/keys/file_keys.h"
#include "common/keys/master_key.h"
#include "common/log/sqlite_log.h"
#include "common/privacy/sealing.h"
#include "common/processor/worker.h"
#include "common/store/sqlite_store.h"
#include "services/directory/rules.h"
#include "services/intake/rules.h"
#include "services/notification/rules.h"

namespace porchlight::bench {
namespace {

constexpr size_t kAtOnce = 2048;
// Keys made at once share a commit.
constexpr size_t kKeyThreads = 64;

void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "the data folder can't be filled: " << status.message() << "\n";
  std::exit(1);
}

template <typename Value>
Value Require(absl::StatusOr<Value> value) {
  Require(value.status());
  return *std::move(value);
}

class AlwaysAccepts final : public Channel {
 public:
  void Send(Outgoing, Answered done) override {
    done({.answer = v1::DELIVERY_ANSWER_ACCEPTED, .code = 200, .text = "", .retry_after = {}});
  }
};

struct Filler {
  std::string data;
  SystemClock clock;
  Config config;
  std::unique_ptr<FileKeys> keys;
  std::unique_ptr<SqliteLog> log;
  Outcomes outcomes;
  std::unique_ptr<Commands> commands;

  // As the server does when it starts; the worker runs beside the caller, who waits for it.
  void SetDirectory() {
    const DirectoryRules rules;
    SqliteStore store(StorePath(data, kDirectoryService));
    Worker worker(rules, {*log, store, *keys, clock, outcomes, {}},
                  {.agency_id = config.agency.id, .partitions = 1, .dispatcher = {}});
    Require(worker.Start());
    worker.Run();
    v1::ChangeDirectoryRequest change = ConfigurationChange({}, {}, DirectoryOf(config));
    change.set_request_id("fill-directory");
    change.mutable_actor()->set_actor_id(kConfigurationActor);
    v1::ChangeDirectoryReply reply;
    Commands to_directory(kDirectoryService, *log, *keys, outcomes, config.agency.id, 1);
    Require(to_directory.Submit({.request_id = change.request_id(),
                                 .youth_id = "",
                                 .received_at = clock.Now(),
                                 .actor = change.actor(),
                                 .longest_wait = absl::Minutes(1)},
                                change, reply));
  }

  void Round(size_t first, size_t end) {
    std::vector<std::thread> threads;
    for (size_t thread = 0; thread < kKeyThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = first + thread; i < end; i += kKeyThreads) {
          Require(keys->GetOrCreate(KeyName(HeldYouth(i))));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
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

void Fill(const std::string& data, const std::string& config_file, size_t episodes) {
  std::filesystem::create_directories(data);
  Filler filler;
  filler.data = data;
  filler.config = Require(ReadConfig(config_file));
  const Key master = Require(CreateMasterKey(absl::StrCat(data, "/master.key")));
  filler.keys = Require(FileKeys::Open(absl::StrCat(data, "/keys.db"), master));
  filler.log = Require(SqliteLog::Open(LogPath(data)));
  const std::string& agency_id = filler.config.agency.id;
  filler.SetDirectory();
  filler.commands = std::make_unique<Commands>("intake", *filler.log, *filler.keys, filler.outcomes,
                                               agency_id, kPartitions);
  const IntakeRules intake_rules;
  const NotificationRules notification_rules(
      {.agency_name = filler.config.agency.name, .time_zone = filler.config.agency.time_zone});
  SqliteStore intake_store(StorePath(data, "intake"));
  SqliteStore notification_store(StorePath(data, "notification"));
  const WorkerOptions options{.agency_id = agency_id, .partitions = kPartitions, .dispatcher = {}};
  const auto channel = std::make_shared<AlwaysAccepts>();
  Worker intake(intake_rules,
                {*filler.log, intake_store, *filler.keys, filler.clock, filler.outcomes, {}},
                options);
  Worker notification(notification_rules,
                      {*filler.log,
                       notification_store,
                       *filler.keys,
                       filler.clock,
                       filler.outcomes,
                       {{v1::CHANNEL_KIND_WEBHOOK, channel}}},
                      options);
  Require(intake.Start());
  Require(notification.Start());
  for (size_t first = 0; first < episodes; first += kAtOnce) {
    filler.Round(first, std::min(episodes, first + kAtOnce));
    // The two services side by side, as in the product.
    std::thread other([&] {
      while (intake.Step()) {
      }
    });
    while (notification.Step()) {
    }
    other.join();
    for (int quiet = 0; quiet < 2;) quiet = notification.Step() ? 0 : quiet + 1;
    Require(intake.trouble());
    Require(notification.trouble());
  }
}

}  // namespace porchlight::bench
