// See cluster_audit.h.
#include "tests/support/cluster_audit.h"

#include <map>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/config/config.h"
#include "common/evidence/verify_log.h"
#include "common/keys/kafka_keys.h"
#include "common/keys/master_key.h"
#include "common/log/chain.h"
#include "common/log/kafka_log.h"
#include "common/processor/aggregates.h"
#include "common/processor/projector.h"
#include "common/store/memory_store.h"
#include "common/store/redis_store.h"
#include "services/directory/service.h"
#include "services/intake/service.h"
#include "services/mdt/service.h"
#include "services/notification/service.h"
#include "services/oncall/service.h"
#include "services/screening/service.h"

namespace porchlight::testing {
namespace {

constexpr absl::Duration kStoresCatchUp = absl::Minutes(1);
constexpr size_t kDifferencesMax = 20;

// All that a partition of a store holds, but the aggregates' states.
struct Held final : StoreVisitor {
  std::map<std::string, int64_t> offsets;
  std::map<std::pair<std::string, std::string>, std::string> timers;
  std::map<std::string, std::string> deliveries;

  void Aggregate(absl::string_view aggregate_id, int64_t offset) override {
    offsets[std::string(aggregate_id)] = offset;
  }
  void Timer(const StoredTimer& timer) override {
    timers[{timer.aggregate_id, timer.timer.timer_id()}] = timer.timer.SerializeAsString();
  }
  void Delivery(const v1::DeliveryStatus& delivery) override {
    deliveries[delivery.delivery_id()] = delivery.SerializeAsString();
  }
};

class Auditor {
 public:
  Auditor(Log& log, Keys& keys, ClusterAudit& audit) : log_(log), keys_(keys), audit_(audit) {}

  absl::Status ReadDeliveries(const TopicPartition& events);
  // Folds the partition into a new store, and compares the other one with that.
  absl::Status Compare(const Rules& rules, const TopicPartition& events, Store& store);

 private:
  void Differs(const TopicPartition& events, absl::string_view what) {
    if (audit_.differences.size() < kDifferencesMax)
      audit_.differences.push_back(absl::StrCat(kafka::Name(events), ": ", what));
  }
  absl::Status CompareStates(const AggregateFolder& folder, const TopicPartition& events,
                             const Held& held, Store& store, Store& folded);

  Log& log_;
  Keys& keys_;
  ClusterAudit& audit_;
};

absl::Status Auditor::ReadDeliveries(const TopicPartition& events) {
  ChainReader reader(log_, events, {});
  while (true) {
    const absl::StatusOr<std::vector<Counted>> next = reader.Next();
    if (!next.ok()) return next.status();
    if (next->empty()) break;
    for (const Counted& counted : *next) {
      for (const v1::Delivery& delivery : counted.transition.deliveries())
        audit_.delivery_ids.insert(delivery.delivery_id());
    }
  }
  return absl::OkStatus();
}

absl::Status Auditor::Compare(const Rules& rules, const TopicPartition& events, Store& store) {
  const AggregateFolder folder(rules, keys_);
  MemoryStore folded;
  Projector projector(folder, log_, folded, events);
  absl::StatusOr<bool> moved = true;
  while (moved.ok() && *moved) moved = projector.Step(nullptr);
  if (!moved.ok()) return moved.status();
  Held held;
  absl::StatusOr<v1::Checkpoint> checkpoint = v1::Checkpoint();
  const bool level = WaitUntil(
      [&] {
        held = Held();
        checkpoint = store.Visit(events.partition, held);
        return checkpoint.ok() &&
               checkpoint->sequence() == folded.Where(events.partition)->sequence();
      },
      kStoresCatchUp);
  if (!checkpoint.ok()) return checkpoint.status();
  if (!level) {
    Differs(events, absl::StrCat("the store stands at ", checkpoint->sequence(), ", the log at ",
                                 folded.Where(events.partition)->sequence()));
    return absl::OkStatus();
  }
  Held wanted;
  if (const auto visited = folded.Visit(events.partition, wanted); !visited.ok())
    return visited.status();
  if (held.offsets != wanted.offsets) Differs(events, "other aggregates");
  if (held.timers != wanted.timers) Differs(events, "other timers");
  if (held.deliveries != wanted.deliveries) Differs(events, "other deliveries");
  return CompareStates(folder, events, wanted, store, folded);
}

absl::Status Auditor::CompareStates(const AggregateFolder& folder, const TopicPartition& events,
                                    const Held& held, Store& store, Store& folded) {
  for (const auto& [aggregate_id, offset] : held.offsets) {
    std::vector<std::string> states;
    for (Store* const of : {&store, &folded}) {
      const absl::StatusOr<StoredAggregate> loaded = of->Load(events.partition, aggregate_id);
      if (!loaded.ok()) return loaded.status();
      const absl::StatusOr<Aggregate> opened = folder.Unseal(*loaded);
      if (!opened.ok()) return opened.status();
      states.push_back(absl::StrCat(opened->offset, loaded->active, "/",
                                    opened->kept.SerializeAsString(), "/",
                                    opened->rules_state->SerializeAsString()));
    }
    if (states[0] != states[1]) Differs(events, absl::StrCat("another state of ", aggregate_id));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ClusterAudit> Audit(const ClusterProcesses& cluster) {
  const absl::StatusOr<Config> config = ReadConfig(cluster.config_file());
  if (!config.ok()) return absl::InvalidArgumentError(config.status().message());
  const absl::StatusOr<Key> master = ReadMasterKey(cluster.master_key_file());
  if (!master.ok()) return master.status();
  kafka::ClientOptions client;
  client.brokers = config->cluster->kafka.brokers;
  const auto log = KafkaLog::Open({.client = client});
  if (!log.ok()) return log.status();
  const auto keys = KafkaKeys::Open({.client = client}, *master);
  if (!keys.ok()) return keys.status();
  const SystemClock clock;
  ClusterAudit audit;
  Auditor auditor(**log, **keys, audit);
  // The directory has fewer partitions than the others, so it is verified apart.
  std::map<int32_t, VerifyLogOptions> verify;
  for (const ServiceModule& module : {DirectoryModule(), IntakeModule(), NotificationModule(),
                                      ScreeningModule(), MdtModule(), OncallModule()}) {
    RedisStoreOptions redis;
    redis.server.host = config->cluster->redis.host;
    redis.server.port = config->cluster->redis.port;
    redis.service = module.name;
    RedisStore store(std::move(redis), clock);
    const std::unique_ptr<Rules> rules = module.make_rules({*config, {}});
    VerifyLogOptions& group = verify[module.partitions];
    group.services.push_back(module.name);
    for (int32_t partition = 0; partition < module.partitions; ++partition) {
      const TopicPartition events{EventsTopic(module.name), partition};
      absl::Status done = auditor.ReadDeliveries(events);
      done.Update(auditor.Compare(*rules, events, store));
      if (!done.ok()) return done;
      absl::StatusOr<v1::Checkpoint> checkpoint = store.Where(partition);
      if (!checkpoint.ok()) return checkpoint.status();
      group.checkpoints.push_back({module.name, partition, *std::move(checkpoint)});
    }
  }
  for (auto& [partitions, group] : verify) {
    group.partitions = partitions;
    group.keys = keys->get();
    const absl::StatusOr<LogReport> report = VerifyLog(**log, group);
    if (!report.ok()) return report.status();
    audit.transitions += report->transitions;
    audit.lost_races += report->lost_races;
    audit.commands_waiting += report->commands_waiting;
  }
  return audit;
}

}  // namespace porchlight::testing
