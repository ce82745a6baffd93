// The same reports as in steady.cc, on a cluster: every service a process of its own, on one broker
// and on three. Beside each what the path can't be faster than on this machine now.
#include <iostream>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "tests/bench/bench.h"
#include "tests/bench/cluster_hops.h"
#include "tests/bench/floors.h"
#include "tests/bench/report.h"
#include "tests/bench/require.h"
#include "tests/support/cluster_processes.h"

namespace porchlight::bench {
namespace {

using testing::ClusterProcesses;

constexpr int kFloorSecondsOfCluster = 2;
constexpr int kWarmUpOfCluster = 3;
constexpr absl::Duration kBurstMayTake = absl::Minutes(5);

testing::ClusterSetup SetupOf(int brokers, const Receiver& receiver) {
  const auto recipient = [](const std::string& id, const std::string& kind, const std::string& url,
                            const std::string& more) {
    return absl::StrCat("  - {id: ", id, ", kind: ", kind, ", channel: webhook, address: \"", url,
                        "\", name: ", id, more, "}\n");
  };
  const std::string secret = ", secret_file: secret";
  return {.brokers = brokers,
          .session_seconds = 3,
          .config = absl::StrCat("directory_file: directory.yaml\nrecipients:\n",
                                 recipient("police", "law_enforcement", receiver.url(), secret),
                                 recipient("ncmec", "ncmec", receiver.other_url(), secret),
                                 recipient("worker-1", "supervisor", receiver.page_url(), secret)),
          .files = {{"secret", absl::StrCat("whsec_", std::string(40, 'A'), "\n")},
                    {"directory.yaml",
                     absl::StrCat("recipients:\n",
                                  recipient("worker-1", "supervisor", receiver.page_url(),
                                            ", person: worker-1"),
                                  "rotas:\n"
                                  "  - role: supervisor\n"
                                  "    time_zone: UTC\n"
                                  "    levels:\n"
                                  "      - escalate_after_seconds: 86400\n"
                                  "        shifts: [{people: [worker-1], starts_on: 2020-01-06, "
                                  "turn_days: 7}]\n")}}};
}

void StartServices(ClusterProcesses& cluster, const std::vector<std::string>& names) {
  for (const std::string& name : names) cluster.Start(name);
  for (const std::string& name : names) {
    if (!cluster.WaitUntilReady(name))
      Require(absl::UnavailableError(absl::StrCat(name, ": ", cluster.errors(name))));
  }
}

// `partitions`: all of them, or one.
std::vector<std::string> Youths(const std::string& group, size_t count, int32_t partitions) {
  std::vector<std::string> youths;
  for (size_t n = 0; youths.size() < count; ++n) {
    std::string youth_id = absl::StrCat(group, "-", n);
    if (partitions == kPartitions || PartitionOf(youth_id, kPartitions) == 0)
      youths.push_back(std::move(youth_id));
  }
  return youths;
}

std::vector<Request> Reports(const std::vector<std::string>& youths, size_t first_marker) {
  std::vector<Request> requests;
  for (size_t i = 0; i < youths.size(); ++i)
    requests.push_back(ReportRequest(youths[i], first_marker + i));
  return requests;
}

// One measured value of each, added up: what lies one after the other.
std::vector<absl::Duration> Sum(const std::vector<const std::vector<absl::Duration>*>& parts) {
  std::vector<absl::Duration> sum;
  for (size_t i = 0; i < parts.front()->size(); ++i) {
    sum.emplace_back();
    for (size_t n = 0; n < parts.size(); ++n) {
      // Ones apart: what one stall does to its neighbours is not to count twice.
      const std::vector<absl::Duration>& part = *parts[n];
      sum.back() += part[(i + n * part.size() / parts.size()) % part.size()];
    }
  }
  return sum;
}

void PrintFloor(const std::string& name, const std::string& what,
                const std::vector<absl::Duration>& measured) {
  std::cout << "| " << name << ": " << what << " | " << Percentiles(measured) << " | | |\n";
}

void AtRates(Bench& bench, ClusterProcesses& cluster, int brokers) {
  Load load(cluster.address("intake"));
  const std::string commands = CommandsTopic("intake");
  const std::string notices = EventsTopic("notification");
  for (const int rate : bench.rates) {
    const std::string name =
        absl::StrFormat("%d broker%s, %d/s", brokers, brokers == 1 ? "" : "s", rate);
    const std::string group = absl::StrCat("brokers", brokers, "-rate", rate);
    const auto floor_count = static_cast<size_t>(rate * kFloorSecondsOfCluster);
    const Floors floors = MeasureFloors(bench.folder, load, bench.receiver,
                                        bench.TakeMarkers(floor_count), floor_count, rate);
    const KafkaFloor kafka = MeasureKafka(cluster.broker().Client(), absl::StrCat("floor-", rate),
                                          brokers, floor_count, rate);
    PrintFloor(name, "gRPC call that does nothing", floors.echo);
    PrintFloor(name, "append to Kafka, acks=all", kafka.append);
    PrintFloor(name, "append to Kafka until another process has it", kafka.hop);
    PrintFloor(name, "POST, kept connection", floors.post);
    // The command, what intake decides, what notification decides on that, and the notice.
    PrintFloor(name, "**floor of the path** (call, 3 appends one of which crosses, POST)",
               Sum({&floors.echo, &kafka.append, &kafka.hop, &kafka.append, &floors.post}));

    const auto warm_up = static_cast<size_t>(rate * kWarmUpOfCluster);
    size_t first = bench.TakeMarkers(warm_up);
    Measure(load, bench.receiver, Reports(Youths(group + "-warm", warm_up, kPartitions), first),
            first, rate);
    const auto count = static_cast<size_t>(rate * bench.seconds);
    first = bench.TakeMarkers(count);
    const std::vector<std::string> youths = Youths(group, count, kPartitions);
    Follower follower(cluster.broker().Client(), {commands, notices});
    PrintRow(name, Measure(load, bench.receiver, Reports(youths, first), first, rate));
    std::vector<absl::Duration> hops;
    for (const std::string& youth_id : youths) {
      const absl::Duration told = follower.First(notices, youth_id);
      if (told < absl::InfiniteDuration())
        hops.push_back(told - follower.First(commands, youth_id));
    }
    std::cout << "| " << name << ", from the command to the second service's decision | "
              << Percentiles(hops) << " | " << hops.size() << " | |" << std::endl;
  }
}

// As many at once as the services take, until the last notice.
void AtOnce(Bench& bench, ClusterProcesses& cluster, const std::vector<std::string>& instances,
            int32_t partitions) {
  const size_t count = bench.burst / 2 * 2;
  const size_t first = bench.TakeMarkers(count);
  const std::string group = absl::StrCat("burst-", instances.size(), "-", partitions);
  const std::vector<Request> requests = Reports(Youths(group, count, partitions), first);
  const absl::Duration start = SystemClock().Steady();
  std::vector<std::thread> callers;
  const size_t share = count / instances.size();
  for (size_t n = 0; n < instances.size(); ++n) {
    callers.emplace_back([&, n] {
      const auto begin = requests.begin() + static_cast<int64_t>(n * share);
      Load load(cluster.address(instances[n]));
      load.AtOnce({begin, begin + static_cast<int64_t>(share)},
                  kInFlight / static_cast<int>(instances.size()));
    });
  }
  for (std::thread& caller : callers) caller.join();
  const bool all = bench.receiver.WaitForMarkers(first, first + count, kBurstMayTake);
  absl::Duration last;
  for (size_t i = 0; all && i < count; ++i)
    last = std::max(last, bench.receiver.Arrival(first + i) - start);
  std::cout << absl::StreamFormat("| %d | %d | %s | %s |\n", partitions, instances.size(),
                                  all ? absl::StrFormat("%.0f", static_cast<double>(count) /
                                                                    absl::ToDoubleSeconds(last))
                                      : "not all arrived",
                                  absl::StrFormat("%.1f", absl::ToDoubleSeconds(last)))
            << std::flush;
}

}  // namespace

void OnCluster(Bench& bench) {
  std::cout << "\n| milliseconds | p50 | p90 | p99 | max | reports | lost |\n"
            << "| --- | --- | --- | --- | --- | --- | --- |" << std::endl;
  for (const int brokers : {1, 3}) {
    ClusterProcesses cluster(SetupOf(brokers, bench.receiver));
    Require(cluster.status());
    StartServices(cluster, {"directory", "intake", "notification", "screening", "mdt", "oncall"});
    AtRates(bench, cluster, brokers);
    if (brokers > 1) continue;
    std::cout << "\n"
              << bench.burst << " reports at once, one broker:\n"
              << "\n| partitions | instances of intake and notification | reports a second until "
                 "the last notice | seconds |\n| --- | --- | --- | --- |\n";
    for (const int32_t partitions : {1, kPartitions})
      AtOnce(bench, cluster, {"intake"}, partitions);
    StartServices(cluster, {"intake-2", "notification-2"});
    for (const int32_t partitions : {1, kPartitions})
      AtOnce(bench, cluster, {"intake", "intake-2"}, partitions);
    std::cout << "\n| milliseconds | p50 | p90 | p99 | max | reports | lost |\n"
              << "| --- | --- | --- | --- | --- | --- | --- |" << std::endl;
  }
}

}  // namespace porchlight::bench
