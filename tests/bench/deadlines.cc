// How late people are paged when very many duties come due, at once and one after the other; and
// what a duty costs that is only waited for.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/clock.h"
#include "common/embedded/embedded.h"
#include "common/processor/partition_view.h"
#include "common/store/sqlite_store.h"
#include "tests/bench/bench.h"
#include "tests/bench/deadline_world.h"
#include "tests/bench/report.h"
#include "tests/bench/require.h"

namespace porchlight::bench {
namespace {

constexpr absl::Duration kFiringMayTake = absl::Minutes(2);
constexpr absl::Duration kSpreadOver = absl::Seconds(60);

int64_t ResidentBytes() {
  int64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages >> pages;
  return pages * sysconf(_SC_PAGESIZE);
}

// As the store's readers go through all of it, and keep nothing.
class KeepsNothing final : public StoreVisitor {
 public:
  void Aggregate(absl::string_view, int64_t) override {}
  void Timer(const StoredTimer&) override {}
  void Delivery(const v1::DeliveryStatus&) override {}
};

std::string PendingBytes(const std::string& data) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  FILE* const output =
      popen(absl::StrCat("'", self, "' --pending-bytes '", data, "'").c_str(), "r");
  char line[64] = "?";
  if (output == nullptr || fgets(line, sizeof line, output) == nullptr) return "?";
  pclose(output);
  return line;
}

int64_t StoreBytes(const std::string& data) {
  int64_t bytes = 0;
  for (const std::string part : {"", "-wal"}) {
    const std::string path = StorePath(data, "oncall") + part;
    if (std::filesystem::exists(path))
      bytes += static_cast<int64_t>(std::filesystem::file_size(path));
  }
  return bytes;
}

void FireOne(const Bench& bench, const std::string& name, const DeadlinePlan& plan) {
  const std::string data = absl::StrCat(bench.folder, "/deadlines");
  {
    const absl::Duration start = SystemClock().Steady();
    DeadlineWorld world(data, plan);
    std::cerr << plan.count << " deadlines were heard of after "
              << absl::StrFormat("%.1f s", absl::ToDoubleSeconds(SystemClock().Steady() - start))
              << "\n";
    const auto count = static_cast<double>(plan.count);
    const double memory = std::atof(PendingBytes(data).c_str()) / count;
    const double disk = static_cast<double>(StoreBytes(data)) / count;
    const std::vector<absl::Duration> late = world.Fire(kFiringMayTake);
    std::cout << "| " << name << " | " << Percentiles(late) << " | "
              << absl::StrFormat("%.2f", absl::ToDoubleSeconds(world.all_sent_after())) << " | "
              << plan.due - late.size() << " | " << world.surplus() << " | "
              << absl::StrFormat("%.0f | %.0f", memory, disk) << " |" << std::endl;
  }
  std::filesystem::remove_all(data);
}

}  // namespace

int PrintPendingBytes(const std::string& data) {
  SqliteStore store(StorePath(data, "oncall"), {.read_only = true, .set_aside = nullptr});
  KeepsNothing nothing;
  std::vector<PartitionView> views(kPartitions);
  for (int32_t partition = 0; partition < kPartitions; ++partition)
    Require(store.Visit(partition, nothing));
  const int64_t before = ResidentBytes();
  for (int32_t partition = 0; partition < kPartitions; ++partition)
    Require(store.Visit(partition, views[static_cast<size_t>(partition)]));
  std::cout << ResidentBytes() - before << std::endl;
  return 0;
}

void Deadlines(Bench& bench) {
  std::cout
      << "\n| duties that come due: milliseconds from then to the page | p50 | p90 | p99 | "
         "max | all sent after (s) | lost | twice | bytes of memory for each pending | of the "
         "store |\n"
      << "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |" << std::endl;
  FireOne(bench, "10,000 at once", {.count = 10'000, .due = 10'000, .apart = {}});
  FireOne(bench, "50,000 at once", {.count = 50'000, .due = 50'000, .apart = {}});
  FireOne(bench, "10,000 over 60 s",
          {.count = 10'000, .due = 10'000, .apart = kSpreadOver / 10'000});
  if (bench.pending == 0) return;
  FireOne(bench, absl::StrCat("10,000 at once, of ", bench.pending),
          {.count = bench.pending, .due = 10'000, .apart = {}});
}

}  // namespace porchlight::bench
