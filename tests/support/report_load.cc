// See report_load.h.
#include "tests/support/report_load.h"

#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/client.h"

namespace porchlight::testing {
namespace {

constexpr absl::Duration kListLimit = absl::Seconds(20);
constexpr int kTries = 10;
constexpr absl::Duration kReportsMayTake = absl::Minutes(1);

}  // namespace

v1::ReportMissingRequest PlantedReport(const std::string& youth_id) {
  const auto text = [&](absl::string_view field) {
    return absl::StrCat(kPlanted, " ", field, " of ", youth_id);
  };
  v1::ReportMissingRequest report;
  report.set_request_id(absl::StrCat("request-", youth_id));
  report.set_youth_id(youth_id);
  v1::YouthFacts& youth = *report.mutable_youth();
  youth.set_first_name(text("first name"));
  youth.set_last_name(text("last name"));
  youth.set_preferred_name(text("preferred name"));
  youth.set_pronouns(text("pronouns"));
  youth.set_date_of_birth(text("date of birth"));
  youth.set_physical_description(text("description"));
  youth.set_clothing(text("clothing"));
  youth.set_endangerment(text("endangerment"));
  youth.set_health(text("health"));
  report.set_placement(text("placement"));
  report.set_last_seen_place(text("last seen place"));
  report.set_circumstances(text("circumstances"));
  report.set_reporter_contact(text("reporter contact"));
  return report;
}

bool SaysAccepted(const grpc::Status& status) {
  return status.ok() || absl::StartsWith(status.error_message(), "accepted");
}

bool SaysNotAccepted(const grpc::Status& status) {
  return absl::StartsWith(status.error_message(), "not accepted");
}

ReportLoad::ReportLoad(const std::string& address, std::vector<v1::ReportMissingRequest> reports,
                       int callers, absl::Duration call_limit)
    : call_limit_(call_limit), waiting_(std::move(reports)), calling_(callers) {
  for (int i = 0; i < callers; ++i) callers_.emplace_back([this, address] { CallAll(address); });
}

ReportLoad::~ReportLoad() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
}

void ReportLoad::CallAll(const std::string& address) {
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(address));
  while (true) {
    v1::ReportMissingRequest request;
    {
      absl::MutexLock lock(&mutex_);
      if (waiting_.empty()) break;
      request = std::move(waiting_.back());
      waiting_.pop_back();
    }
    grpc::ClientContext context;
    rpc::PrepareCall(context, call_limit_);
    v1::ReportMissingReply reply;
    const grpc::Status status = stub->ReportMissing(&context, request, &reply);
    absl::MutexLock lock(&mutex_);
    if (SaysAccepted(status)) {
      outcome_.accepted.push_back(std::move(request));
      continue;
    }
    outcome_.again.push_back(std::move(request));
    outcome_.refusals.push_back(absl::StrCat(status.error_code(), " ", status.error_message()));
    if (SaysNotAccepted(status)) continue;
    ++outcome_.unknown;
    break;
  }
  absl::MutexLock lock(&mutex_);
  --calling_;
}

bool ReportLoad::WaitForAccepted(size_t count) const {
  const auto enough = [this, count] {
    mutex_.AssertReaderHeld();
    return outcome_.accepted.size() >= count || calling_ == 0;
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), kReportsMayTake);
}

ReportLoad::Outcome ReportLoad::Finish() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
  absl::MutexLock lock(&mutex_);
  for (v1::ReportMissingRequest& request : waiting_) outcome_.again.push_back(std::move(request));
  waiting_.clear();
  return std::move(outcome_);
}

ReportLoad::Outcome ReportUntilAccepted(const std::string& address,
                                        std::vector<v1::ReportMissingRequest> reports) {
  ReportLoad::Outcome all;
  all.again = std::move(reports);
  for (int tries = 0; tries < kTries && !all.again.empty(); ++tries) {
    ReportLoad load(address, std::exchange(all.again, {}));
    ReportLoad::Outcome outcome = load.Finish();
    all.accepted.insert(all.accepted.end(), outcome.accepted.begin(), outcome.accepted.end());
    all.again = std::move(outcome.again);
    all.unknown += outcome.unknown;
    all.refusals.insert(all.refusals.end(), outcome.refusals.begin(), outcome.refusals.end());
  }
  for (const std::string& refusal : all.refusals) std::cout << "sent again: " << refusal << "\n";
  return all;
}

std::vector<v1::Episode> ListAllEpisodes(const std::string& address) {
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(address));
  std::vector<v1::Episode> episodes;
  v1::ListEpisodesRequest request;
  request.set_include_ended(true);
  request.set_page_size(500);
  do {
    grpc::ClientContext context;
    rpc::PrepareCall(context, kListLimit);
    v1::ListEpisodesReply page;
    if (!stub->ListEpisodes(&context, request, &page).ok()) return {};
    request.set_page_token(page.next_page_token());
    episodes.insert(episodes.end(), page.episodes().begin(), page.episodes().end());
  } while (!request.page_token().empty());
  return episodes;
}

}  // namespace porchlight::testing
