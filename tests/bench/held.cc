// Restart, rebuild and latency with many open episodes.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/embedded/embedded.h"
#include "common/log/sqlite_log.h"
#include "common/store/sqlite_store.h"
#include "tests/bench/bench.h"
#include "tests/bench/fill.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"

namespace porchlight::bench {
namespace {

// More than are reported on in one run: a second supplement within ten minutes would wait.
constexpr size_t kFewEpisodes = 20'000;
constexpr int kHeldRate = 500;
constexpr int kRounds = 2;
constexpr absl::Duration kRebuiltWithin = absl::Hours(1);
const char* const kServices[] = {"intake", "notification", "screening", "mdt", "oncall"};

bool CaughtUp(SqliteLog& log, SqliteStore& store, const std::string& service) {
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    const absl::StatusOr<int64_t> end = log.End({EventsTopic(service), partition});
    const absl::StatusOr<v1::Checkpoint> at = store.Where(partition);
    if (!end.ok() || !at.ok() || at->next_offset() < *end) return false;
  }
  return true;
}

// Waits until the stores have everything that the log has.
void WaitUntilCaughtUp(const std::string& data) {
  const absl::StatusOr<std::unique_ptr<SqliteLog>> log =
      SqliteLog::Open(LogPath(data), {.read_only = true});
  if (!log.ok()) return;
  const absl::Duration until = SystemClock().Steady() + kRebuiltWithin;
  for (const std::string service : kServices) {
    SqliteStore store(StorePath(data, service));
    while (!CaughtUp(**log, store, service) && SystemClock().Steady() < until) {
      absl::SleepFor(absl::Milliseconds(50));
    }
  }
}

void DeleteStores(const std::string& data) {
  for (const std::string service : kServices) {
    for (const std::string part : {"", "-wal", "-shm"}) {
      std::filesystem::remove(StorePath(data, service) + part);
    }
  }
}

std::string Bytes(int64_t bytes) {
  return absl::StrFormat("%.0f MiB", static_cast<double>(bytes) / (1 << 20));
}

std::string Seconds(absl::Duration duration) {
  return absl::StrFormat("%.1f s", absl::ToDoubleSeconds(duration));
}

// Second reports, with new facts, of youths picked all over the held ones; or first reports.
std::vector<Request> Reports(bool held, size_t episodes, size_t first_marker, size_t count,
                             const std::string& group) {
  std::vector<Request> requests;
  for (size_t i = 0; i < count; ++i) {
    const std::string youth_id = held ? HeldYouth((first_marker + i) * 7919 % episodes)
                                      : absl::StrCat(group, "-", first_marker + i);
    requests.push_back(ReportRequest(youth_id, first_marker + i));
  }
  return requests;
}

void Compare(Bench& bench, Server& few, Server& many) {
  const auto count = static_cast<size_t>(kHeldRate * bench.seconds);
  const size_t sizes[] = {kFewEpisodes, bench.open_episodes};
  Load few_load(few.address());
  Load many_load(many.address());
  std::cout << "\n| milliseconds, at " << kHeldRate
            << "/s | p50 | p90 | p99 | max | reports | lost |\n"
            << "| --- | --- | --- | --- | --- | --- | --- |" << std::endl;
  for (const bool held : {false, true}) {
    Measured measured[2];
    for (int round = -1; round < kRounds; ++round) {  // the first warms up
      for (const int which : {0, 1}) {
        const size_t first = bench.TakeMarkers(count);
        const Measured one =
            Measure(which == 0 ? few_load : many_load, bench.receiver,
                    Reports(held, sizes[which], first, count, "later"), first, kHeldRate);
        if (round >= 0) measured[which].Add(one);
      }
    }
    const std::string what = held ? "more on a youth of an open episode" : "new youths";
    for (const int which : {0, 1}) {
      PrintRow(absl::StrCat(sizes[which], " open episodes: ", what), measured[which]);
    }
    std::cout << "| ratio: " << what;
    for (const double part : {0.5, 0.9, 0.99, 1.0}) {
      std::cout << " | "
                << absl::StrFormat("%.2f",
                                   absl::FDivDuration(Percentile(measured[1].webhook, part),
                                                      Percentile(measured[0].webhook, part)));
    }
    std::cout << " | | |" << std::endl;
  }
}

}  // namespace

void Held(Bench& bench) {
  const std::string few_data = absl::StrCat(bench.folder, "/few");
  const std::string many_data = absl::StrCat(bench.folder, "/many");
  Fill(few_data, bench.config_file, kFewEpisodes);
  const absl::Duration start = SystemClock().Steady();
  Fill(many_data, bench.config_file, bench.open_episodes);
  std::cerr << "filled " << bench.open_episodes << " in " << Seconds(SystemClock().Steady() - start)
            << "\n";
  int64_t disk = 0;
  for (const auto& file : std::filesystem::directory_iterator(many_data)) {
    disk += static_cast<int64_t>(file.file_size());
  }
  std::cout
      << "\nWith " << bench.open_episodes << " open episodes, each with one delivered notice ("
      << disk / static_cast<int64_t>(bench.open_episodes) << " bytes of disk each):\n\n"
      << "| | ready after | stores up to date after | resident |\n| --- | --- | --- | --- |\n";
  {
    const Server server(bench.program, many_data, bench.config_file);
    std::cout << "| restart | " << Seconds(server.ready_after()) << " | at once | "
              << Bytes(server.ResidentBytes()) << " |" << std::endl;
  }
  DeleteStores(many_data);
  {
    const absl::Duration begun = SystemClock().Steady();
    const Server server(bench.program, many_data, bench.config_file);
    WaitUntilCaughtUp(many_data);
    std::cout << "| restart without stores (rebuild) | " << Seconds(server.ready_after()) << " | "
              << Seconds(SystemClock().Steady() - begun) << " | " << Bytes(server.ResidentBytes())
              << " |" << std::endl;
  }
  Server few(bench.program, few_data, bench.config_file);
  Server many(bench.program, many_data, bench.config_file);
  std::cout << "\nMemory for each open episode: "
            << (many.ResidentBytes() - few.ResidentBytes()) /
                   static_cast<int64_t>(bench.open_episodes - kFewEpisodes)
            << " bytes.\n";
  Compare(bench, few, many);
}

}  // namespace porchlight::bench
