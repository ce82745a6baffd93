// Latency of reports at given rates, next to the floors of the machine, and a burst.
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "porchlight/v1/intake.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/fill.h"
#include "tests/bench/floors.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"

namespace porchlight::bench {
namespace {

constexpr absl::Duration kDeliveryMayTake = absl::Seconds(60);
constexpr int kFloorSeconds = 2;
constexpr int kWarmUpSeconds = 2;

std::string YouthOfMarker(const std::string& group, size_t number) {
  return absl::StrCat(group, "-", number);
}

std::vector<Request> NewYouths(const std::string& group, size_t first_marker, size_t count) {
  std::vector<Request> requests;
  for (size_t i = 0; i < count; ++i) {
    requests.push_back(ReportRequest(YouthOfMarker(group, i), first_marker + i));
  }
  return requests;
}

// Reports them and records their return, so that their next report opens a new episode.
void MakeKnown(Load& load, const Receiver& receiver, const std::string& group, size_t count) {
  const size_t before = receiver.requests();
  std::vector<Request> reports;
  std::vector<Request> returns;
  for (size_t i = 0; i < count; ++i) {
    const std::string youth_id = YouthOfMarker(group, i);
    reports.push_back(
        {kReportMethod,
         ReportOf(youth_id, "Maple House", absl::StrCat("first-", youth_id)).SerializeAsString()});
    v1::RecordReturnRequest request;
    request.set_request_id(absl::StrCat("return-", youth_id));
    request.set_episode_id(absl::StrCat(youth_id, "_e1"));
    returns.push_back({kReturnMethod, request.SerializeAsString()});
  }
  load.AtOnce(reports, kInFlight);
  load.AtOnce(returns, kInFlight);
  receiver.WaitForRequests(before + 2 * count, kDeliveryMayTake);
}

void PrintFloors(const Floors& floors, const std::string& name) {
  std::cout << "| " << name << ": fdatasync of 1 KiB | " << Percentiles(floors.sync) << " | | |\n"
            << "| " << name << ": gRPC call that does nothing | " << Percentiles(floors.echo)
            << " | | |\n"
            << "| " << name << ": POST, kept connection | " << Percentiles(floors.post)
            << " | | |\n"
            << "| " << name << ": **floor of the path** (call, 3 fdatasync, POST) | "
            << Percentiles(floors.Path(3)) << " | | |\n";
}

void Burst(Bench& bench, Load& load) {
  const size_t first = bench.TakeMarkers(bench.burst);
  const std::vector<Sent> sent = load.AtOnce(NewYouths("burst", first, bench.burst), kInFlight);
  const bool all = bench.receiver.WaitForMarkers(first, first + bench.burst, kDeliveryMayTake);
  absl::Duration last_answer;
  absl::Duration last_arrival;
  for (size_t i = 0; i < sent.size(); ++i) {
    last_answer = std::max(last_answer, sent[i].answered);
    if (all) last_arrival = std::max(last_arrival, bench.receiver.Arrival(first + i));
  }
  const absl::Duration start = sent.front().scheduled;
  std::cout << "\nBurst of " << bench.burst << " reports of new youths, " << kInFlight
            << " at once: all answered after "
            << absl::StrFormat("%.2f", absl::ToDoubleSeconds(last_answer - start))
            << " s, the last notice arrived after "
            << absl::StrFormat("%.2f", absl::ToDoubleSeconds(last_arrival - start)) << " s"
            << (all ? ", none lost" : " (SOME NEVER ARRIVED)") << ".\n";
}

}  // namespace

Request ReportRequest(const std::string& youth_id, size_t marker) {
  return {kReportMethod,
          ReportOf(youth_id, Marker(marker), absl::StrCat("report-", marker)).SerializeAsString()};
}

void Measured::Add(const Measured& other) {
  webhook.insert(webhook.end(), other.webhook.begin(), other.webhook.end());
  answer.insert(answer.end(), other.answer.begin(), other.answer.end());
  lost += other.lost;
  refused += other.refused;
}

Measured Measure(Load& load, const Receiver& receiver, const std::vector<Request>& requests,
                 size_t first_marker, double per_second) {
  const std::vector<Sent> sent = load.AtRate(requests, per_second);
  receiver.WaitForMarkers(first_marker, first_marker + sent.size(), absl::Seconds(30));
  Measured measured;
  for (size_t i = 0; i < sent.size(); ++i) {
    const absl::Duration arrival = receiver.Arrival(first_marker + i);
    if (sent[i].code != grpc::StatusCode::OK) ++measured.refused;
    measured.answer.push_back(sent[i].answered - sent[i].scheduled);
    if (arrival == absl::InfiniteDuration()) {
      ++measured.lost;
    } else {
      measured.webhook.push_back(arrival - sent[i].scheduled);
    }
  }
  return measured;
}

void PrintRow(const std::string& name, Measured measured) {
  std::cout << "| " << name << ", to the webhook | " << Percentiles(measured.webhook) << " | "
            << measured.webhook.size() << " | " << measured.lost << " |\n"
            << "| " << name << ", to the answer | " << Percentiles(measured.answer) << " | "
            << measured.answer.size() << " | " << measured.refused << " refused |" << std::endl;
}

void Steady(Bench& bench) {
  const std::string data = absl::StrCat(bench.folder, "/steady");
  Server server(bench.program, data, bench.config_file);
  Load load(server.address());
  std::cout << "\n| milliseconds | p50 | p90 | p99 | max | reports | lost |\n"
            << "| --- | --- | --- | --- | --- | --- | --- |" << std::endl;
  for (const int rate : bench.rates) {
    const auto count = static_cast<size_t>(rate * bench.seconds);
    const std::string group = absl::StrCat("rate", rate);
    const std::string name = absl::StrCat(rate, "/s");
    const size_t warm_up = static_cast<size_t>(rate * kWarmUpSeconds);
    size_t first = bench.TakeMarkers(warm_up);
    Measure(load, bench.receiver, NewYouths(group + "-warm", first, warm_up), first, rate);

    const auto floor_count = static_cast<size_t>(rate * kFloorSeconds);
    PrintFloors(MeasureFloors(bench.folder, load, bench.receiver, bench.TakeMarkers(floor_count),
                              floor_count, rate),
                name);
    first = bench.TakeMarkers(count);
    absl::Duration cpu = server.CpuTime();
    PrintRow(name + ": new youths",
             Measure(load, bench.receiver, NewYouths(group + "-new", first, count), first, rate));
    cpu = server.CpuTime() - cpu;
    MakeKnown(load, bench.receiver, group + "-known", count);
    first = bench.TakeMarkers(count);
    PrintRow(name + ": known youths",
             Measure(load, bench.receiver, NewYouths(group + "-known", first, count), first, rate));
    std::cerr << name << ": the server used "
              << absl::StrFormat("%.0f",
                                 absl::ToDoubleMicroseconds(cpu) / static_cast<double>(count))
              << " us of CPU time for each report\n";
  }
  Burst(bench, load);
}

}  // namespace porchlight::bench
