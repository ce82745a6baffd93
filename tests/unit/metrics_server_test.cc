// What Prometheus is shown: each figure under the name that deploy/prometheus/metrics.txt tells
// operators, for each service.
#include "common/metrics/metrics_server.h"

#include <curl/curl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/metrics/gauges.h"

namespace porchlight::metrics_server_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Take(char* data, size_t size, size_t count, void* text) {
  static_cast<std::string*>(text)->append(data, size * count);
  return size * count;
}

std::string Scraped(const MetricsServer& server) {
  std::string text;
  CURL* const curl = curl_easy_init();
  curl_easy_setopt(curl, CURLOPT_URL, absl::StrCat(server.address(), "/metrics").c_str());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Take);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &text);
  EXPECT_EQ(curl_easy_perform(curl), CURLE_OK);
  curl_easy_cleanup(curl);
  return text;
}

class MetricsServerTest : public ::testing::Test {
 protected:
  void Start() {
    auto started = MetricsServer::Start("127.0.0.1:0", [this] { return services_; });
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
  }

  static ServiceFigures Named(const std::string& service, const Gauges& gauges) {
    ServiceFigures figures;
    figures.service = service;
    figures.gauges = &gauges;
    return figures;
  }

  Gauges none_;
  Gauges of_oncall_;
  std::vector<ServiceFigures> services_;
  std::unique_ptr<MetricsServer> server_;
};

TEST_F(MetricsServerTest, ShowsEachServiceAsItIsAtTheMomentOfTheScrape) {
  Start();
  services_ = {Named("intake", none_), Named("oncall", of_oncall_)};
  services_[1].ready = true;
  services_[0].figures.lag_records = 3;
  services_[0].figures.oldest_input_age = absl::Milliseconds(2500);
  services_[0].figures.transitions = 12;
  of_oncall_.Set("duties_overdue", 2);
  const std::string first = Scraped(*server_);
  EXPECT_THAT(first, HasSubstr("porchlight_lag_records{service=\"intake\"} 3\n"));
  EXPECT_THAT(first, HasSubstr("porchlight_oldest_input_age_seconds{service=\"intake\"} 2.5\n"));
  EXPECT_THAT(first, HasSubstr("# TYPE porchlight_transitions_total counter\n"));
  EXPECT_THAT(first, HasSubstr("porchlight_transitions_total{service=\"intake\"} 12\n"));
  EXPECT_THAT(first, HasSubstr("porchlight_ready{service=\"intake\"} 0\n"));
  EXPECT_THAT(first, HasSubstr("porchlight_ready{service=\"oncall\"} 1\n"));
  EXPECT_THAT(first, HasSubstr("porchlight_duties_overdue{service=\"oncall\"} 2\n"));
  EXPECT_THAT(first, Not(HasSubstr("porchlight_duties_overdue{service=\"intake\"}")));
  of_oncall_.Set("duties_overdue", 0);
  EXPECT_THAT(Scraped(*server_), HasSubstr("porchlight_duties_overdue{service=\"oncall\"} 0\n"));
}

TEST_F(MetricsServerTest, EveryNameIsToldToOperatorsAndNoOther) {
  Start();
  of_oncall_.Set("duties_overdue", 0);
  of_oncall_.Set("last_clean_sweep_timestamp_seconds", 0);
  services_ = {Named("oncall", of_oncall_)};
  std::set<std::string> shown;
  for (const absl::string_view line : absl::StrSplit(Scraped(*server_), '\n')) {
    if (absl::StartsWith(line, "porchlight_"))
      shown.emplace(line.substr(0, line.find_first_of("{ ")));
  }
  std::set<std::string> told;
  std::ifstream in(SOURCE_DIR "/deploy/prometheus/metrics.txt");
  for (std::string line; std::getline(in, line);) {
    if (!absl::StartsWith(line, "#")) told.insert(line.substr(0, line.find(' ')));
  }
  EXPECT_EQ(shown, told);
}

TEST_F(MetricsServerTest, SaysWhereItCanNotListen) {
  Start();
  const auto second =
      MetricsServer::Start(server_->address(), [] { return std::vector<ServiceFigures>(); });
  EXPECT_EQ(second.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server_->address()));
}

}  // namespace
}  // namespace porchlight::metrics_server_test
