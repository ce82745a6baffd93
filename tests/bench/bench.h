// The parts of the bench, and what they share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/load.h"
#include "tests/bench/receiver.h"

namespace porchlight::bench {

struct Bench {
  std::string program;  // the porchlight binary
  std::string folder;   // for data, on the disk to be measured
  std::string config_file;
  Receiver& receiver;
  std::vector<int> rates;
  int seconds = 8;  // of each measurement
  size_t open_episodes = 100'000;
  size_t burst = 20'000;
  size_t pending = 0;  // deadlines held while others come due; 0: not measured
  size_t next_marker = 0;

  // The first of `count` markers that nothing used before.
  size_t TakeMarkers(size_t count) { return std::exchange(next_marker, next_marker + count); }
};

inline constexpr char kReportMethod[] = "/porchlight.v1.Intake/ReportMissing";
inline constexpr char kReturnMethod[] = "/porchlight.v1.Intake/RecordReturn";
// Under the server's own limit of calls at once.
inline constexpr int kInFlight = 256;

// A report with this marker.
Request ReportRequest(const std::string& youth_id, size_t marker);

// Latencies from when each should have been sent.
struct Measured {
  std::vector<absl::Duration> webhook;
  std::vector<absl::Duration> answer;
  size_t lost = 0;     // no notice arrived within 30 s
  size_t refused = 0;  // answered with an error
  void Add(const Measured& other);
};
// Sends requests whose markers begin with `first_marker`.
Measured Measure(Load& load, const Receiver& receiver, const std::vector<Request>& requests,
                 size_t first_marker, double per_second);
void PrintRow(const std::string& name, Measured measured);

void Steady(Bench& bench);     // latency at given rates, with floors; and a burst
void Held(Bench& bench);       // restart, rebuild and latency with many open episodes
void Deadlines(Bench& bench);  // how late many pages are whose duties come due; memory for each
void Silence(Bench& bench);    // from a report to a page, its acknowledgement, and nothing after it
// For `make bench-cluster`: latency on Kafka and Redis with floors, and what they take at most.
void OnCluster(Bench& bench);

// For Deadlines, which runs it as a process of its own: prints how many bytes of memory the pending
// deadlines of this data folder take, where nothing else is held.
int PrintPendingBytes(const std::string& data);

}  // namespace porchlight::bench
