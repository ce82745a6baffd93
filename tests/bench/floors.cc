// See floors.h.
#include "tests/bench/floors.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "common/base/clock.h"

namespace porchlight::bench {
namespace {

constexpr size_t kBodyBytes = 700;  // about as long as a notice

// Calls `work` at the rate, with its number.
void Paced(size_t count, double per_second, absl::FunctionRef<void(size_t)> work) {
  const absl::Duration start = SystemClock().Steady();
  for (size_t i = 0; i < count; ++i) {
    WaitUntil(start + absl::Seconds(static_cast<double>(i) / per_second));
    work(i);
  }
}

std::vector<absl::Duration> MeasureSync(const std::string& folder, size_t count,
                                        double per_second) {
  const std::string path = absl::StrCat(folder, "/sync");
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const std::string record(1024, 'x');
  std::vector<absl::Duration> measured;
  Paced(count, per_second, [&](size_t) {
    const absl::Duration start = SystemClock().Steady();
    if (write(fd, record.data(), record.size()) != 1024 || fdatasync(fd) != 0) {
      std::perror("can't write to the data folder");
      std::exit(1);
    }
    measured.push_back(SystemClock().Steady() - start);
  });
  close(fd);
  unlink(path.c_str());
  return measured;
}

std::vector<absl::Duration> MeasureEcho(Load& load, size_t count, double per_second) {
  const std::vector<Request> requests(count, {"/grpc.health.v1.Health/Check", ""});
  std::vector<absl::Duration> measured;
  for (const Sent& sent : load.AtRate(requests, per_second)) {
    measured.push_back(sent.answered - sent.scheduled);
  }
  return measured;
}

std::vector<absl::Duration> MeasurePost(const Receiver& receiver, size_t first_marker, size_t count,
                                        double per_second) {
  CURL* const easy = curl_easy_init();
  curl_easy_setopt(easy, CURLOPT_URL, receiver.url().c_str());
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_slist* const headers = curl_slist_append(nullptr, "Content-Type: application/json");
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  std::vector<absl::Duration> measured;
  Paced(count, per_second, [&](size_t i) {
    std::string body = absl::StrCat("{\"placement\":\"", Marker(first_marker + i), "\"}");
    body.append(kBodyBytes - body.size(), ' ');
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.c_str());
    const absl::Duration start = SystemClock().Steady();
    if (curl_easy_perform(easy) != CURLE_OK) {
      std::fputs("the receiver can't be reached\n", stderr);
      std::exit(1);
    }
    measured.push_back(receiver.Arrival(first_marker + i) - start);
  });
  curl_slist_free_all(headers);
  curl_easy_cleanup(easy);
  return measured;
}

}  // namespace

std::vector<absl::Duration> Floors::Path(int syncs) const {
  std::vector<absl::Duration> path;
  for (size_t i = 0; i < echo.size(); ++i) {
    absl::Duration sum = echo[i] + post[i];
    // Ones far apart: what one stall of the disk does to its neighbours is not to count twice.
    for (int n = 0; n < syncs; ++n) {
      sum += sync[(i + static_cast<size_t>(n) * sync.size() / static_cast<size_t>(syncs)) %
                  sync.size()];
    }
    path.push_back(sum);
  }
  return path;
}

Floors MeasureFloors(const std::string& folder, Load& load, const Receiver& receiver,
                     size_t first_marker, size_t count, double per_second) {
  return {.sync = MeasureSync(folder, count, per_second),
          .echo = MeasureEcho(load, count, per_second),
          .post = MeasurePost(receiver, first_marker, count, per_second)};
}

}  // namespace porchlight::bench
