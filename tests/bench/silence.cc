// From a report to the page of the person on call, to the answer "I have it", to silence: on the
// real server, where who doesn't answer is paged again after ten seconds.
#include <algorithm>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "common/base/clock.h"
#include "porchlight/v1/oncall.pb.h"
#include "tests/bench/bench.h"
#include "tests/bench/fill.h"
#include "tests/bench/report.h"
#include "tests/bench/server.h"

namespace porchlight::bench {
namespace {

constexpr char kAcknowledgeMethod[] = "/porchlight.v1.Oncall/AcknowledgeAlert";
constexpr absl::Duration kPagedAgainAfter = absl::Seconds(10);
constexpr double kPerSecond = 100;
// All of them are acknowledged before the first would be paged again.
constexpr size_t kAcknowledged = 400;
constexpr size_t kNobodyHas = 20;
constexpr absl::Duration kPagesMayTake = absl::Seconds(30);

std::vector<Request> Reports(size_t first, size_t count) {
  std::vector<Request> reports;
  for (size_t number = first; number < first + count; ++number)
    reports.push_back(ReportRequest(Marker(number), number));
  return reports;
}

std::vector<Request> Acknowledgements(size_t first, size_t count) {
  std::vector<Request> requests;
  for (size_t number = first; number < first + count; ++number) {
    v1::AcknowledgeAlertRequest request;
    request.set_request_id(absl::StrCat("acknowledge-", number));
    request.set_alert_id(absl::StrCat(Marker(number), "_a1"));
    request.set_person_id("worker-1");
    request.set_how(v1::REACHED_BY_PHONE);
    requests.push_back({kAcknowledgeMethod, request.SerializeAsString()});
  }
  return requests;
}

void PrintPercentiles(const std::string& name, const std::vector<absl::Duration>& measured,
                      size_t count) {
  std::cout << "| " << name << " | " << Percentiles(measured) << " | " << measured.size() << " | "
            << count - measured.size() << " |" << std::endl;
}

}  // namespace

void Silence(Bench& bench) {
  const std::string folder = absl::StrCat(bench.folder, "/silence");
  const std::string config = WriteConfig(folder, bench.receiver, kPagedAgainAfter);
  const Server server(bench.program, absl::StrCat(folder, "/data"), config);
  Load load(server.address());
  const Receiver& receiver = bench.receiver;
  const size_t count = kAcknowledged + kNobodyHas;
  const size_t first = bench.TakeMarkers(count);
  const size_t end = first + count;
  const std::vector<Sent> reported = load.AtRate(Reports(first, count), kPerSecond);
  receiver.WaitForPages(first, end, kPagesMayTake);
  const std::vector<Sent> answered =
      load.AtRate(Acknowledgements(first, kAcknowledged), kPerSecond);
  // Until whom nobody answered for was paged twice again, and any other would have been.
  WaitUntil(answered.back().answered + 2.5 * kPagedAgainAfter);

  std::vector<absl::Duration> to_page;
  std::vector<absl::Duration> to_answer;
  std::vector<absl::Duration> to_next_page;
  size_t after_answer = 0;
  for (size_t i = 0; i < count; ++i) {
    const absl::Duration page = receiver.FirstPage(first + i);
    if (page != absl::InfiniteDuration()) to_page.push_back(page - reported[i].scheduled);
    if (i >= kAcknowledged) {
      const int rounds = receiver.Pages(first + i) - 1;
      if (rounds > 0) to_next_page.push_back((receiver.LastPage(first + i) - page) / rounds);
      continue;
    }
    if (answered[i].code == grpc::StatusCode::OK)
      to_answer.push_back(answered[i].answered - answered[i].scheduled);
    const absl::Duration last = receiver.LastPage(first + i);
    if (last != absl::InfiniteDuration() && last > answered[i].answered) ++after_answer;
  }
  std::cout << "\n| milliseconds, at " << kPerSecond
            << "/s | p50 | p90 | p99 | max | measured | failed |\n"
            << "| --- | --- | --- | --- | --- | --- | --- |\n";
  PrintPercentiles("report to page", to_page, count);
  PrintPercentiles("acknowledgement to its answer", to_answer, kAcknowledged);
  PrintPercentiles("nobody has it: from page to page", to_next_page, kNobodyHas);
  std::cout << "\nPages after an answered acknowledgement: " << after_answer << " of "
            << kAcknowledged << " alerts, in " << 2.5 * kPagedAgainAfter << ".\n";
}

}  // namespace porchlight::bench
