// See cases.h.
#include "tests/support/cases.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/rpc/client.h"
#include "tests/support/server_process.h"

namespace porchlight::testing {
namespace {

constexpr absl::Duration kCallLimit = absl::Seconds(20);
constexpr absl::Duration kCasesMayTake = absl::Minutes(1);
// How often a call is made anew that another service's news must come before.
constexpr int kTriesMax = 500;

template <typename Stub, typename Request, typename Reply>
absl::StatusOr<std::string> Send(const std::unique_ptr<Stub>& stub,
                                 grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Reply*),
                                 const Request& request) {
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  Reply reply;
  const grpc::Status status = (stub.get()->*method)(&context, request, &reply);
  if (!status.ok()) return rpc::ToAbsl(status);
  return reply.SerializeAsString();
}

v1::ReportMissingRequest ReportOf(const Case& one) {
  v1::ReportMissingRequest request;
  request.set_youth_id(one.youth_id);
  request.set_placement("Maple House");
  request.set_jurisdiction("us-zz");
  v1::AnchorTime& departure = *request.add_anchors();
  departure.set_anchor(v1::POLICY_ANCHOR_DEPARTURE);
  *departure.mutable_at() = ToProto(one.departed_at);
  return request;
}

v1::FileProofRequest ProofOf(const Case& one, Step step) {
  v1::FileProofRequest request;
  request.set_episode_id(one.episode_id);
  request.set_how(v1::REACHED_BY_PHONE);
  request.set_about(step == Step::kFile ? "police" : "checked-soon");
  if (step == Step::kFile) request.set_number(absl::StrCat("26-", one.youth_id));
  return request;
}

v1::CompleteScreeningRequest ScreeningOf(const Case& one) {
  v1::CompleteScreeningRequest request;
  request.set_episode_id(one.episode_id);
  v1::ScreeningResult& result = *request.mutable_result();
  result.set_tool_id("example-tool");
  result.set_tool_version("2.0");
  result.set_screener_id("worker-7");
  result.set_screener_training("example course");
  result.set_band(v1::SCREENING_BAND_LOW);
  return request;
}

absl::StatusOr<std::string> SendStep(const Stubs& stubs, const Case& one, Step step,
                                     const std::string& request_id, const std::string& alert_id) {
  const auto with_id = [&](auto request) {
    request.set_request_id(request_id);
    return request;
  };
  switch (step) {
    case Step::kReport:
      return Send(stubs.intake, &v1::Intake::Stub::ReportMissing, with_id(ReportOf(one)));
    case Step::kAcknowledge: {
      v1::AcknowledgeAlertRequest request;
      request.set_alert_id(alert_id);
      request.set_person_id("worker-1");
      request.set_how(v1::REACHED_BY_PHONE);
      return Send(stubs.oncall, &v1::Oncall::Stub::AcknowledgeAlert, with_id(request));
    }
    case Step::kFile:
    case Step::kReview:
      return Send(stubs.notification, &v1::Notification::Stub::FileProof,
                  with_id(ProofOf(one, step)));
    case Step::kReturn: {
      v1::RecordReturnRequest request;
      request.set_episode_id(one.episode_id);
      return Send(stubs.intake, &v1::Intake::Stub::RecordReturn, with_id(request));
    }
    case Step::kScreen:
      return Send(stubs.screening, &v1::Screening::Stub::CompleteScreening,
                  with_id(ScreeningOf(one)));
    case Step::kIdentify: {
      v1::IdentifyVictimRequest request;
      request.set_episode_id(one.episode_id);
      request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
      request.set_decided_by_id("worker-9");
      return Send(stubs.screening, &v1::Screening::Stub::IdentifyVictim, with_id(request));
    }
    case Step::kAnswer: {
      v1::AcknowledgeTeamNoticeRequest request;
      request.set_notice_id(absl::StrCat(one.episode_id, "_t1"));
      request.set_seat_or_member("advocate");
      request.set_how(v1::REACHED_BY_PHONE);
      return Send(stubs.mdt, &v1::Mdt::Stub::AcknowledgeTeamNotice, with_id(request));
    }
  }
  return absl::InternalError("no such step");
}

// The service hasn't heard yet of what came before.
bool IsTooEarly(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

bool SaysAccepted(const absl::Status& status) {
  return absl::StartsWith(status.message(), "accepted");
}

}  // namespace

Stubs::Stubs(const std::string& address) {
  const std::shared_ptr<grpc::Channel> channel = rpc::NewChannel(address);
  intake = v1::Intake::NewStub(channel);
  notification = v1::Notification::NewStub(channel);
  screening = v1::Screening::NewStub(channel);
  mdt = v1::Mdt::NewStub(channel);
  oncall = v1::Oncall::NewStub(channel);
}

absl::StatusOr<std::string> Repeat(const Stubs& stubs, const Case& one, const AcceptedCall& call) {
  return SendStep(stubs, one, call.step, call.request_id, call.alert_id);
}

absl::StatusOr<v1::Alert> WakingAlert(const Stubs& stubs, const std::string& episode_id) {
  v1::ListAlertsRequest request;
  request.set_episode_id(episode_id);
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  v1::ListAlertsReply reply;
  const grpc::Status status = stubs.oncall->ListAlerts(&context, request, &reply);
  if (!status.ok()) return rpc::ToAbsl(status);
  for (const v1::Alert& alert : reply.alerts()) {
    if (alert.kind() == v1::ALERT_KIND_PAGE) return alert;
  }
  return absl::NotFoundError("nobody was woken yet");
}

CaseLoad::CaseLoad(const std::string& address, std::vector<Case> cases, int callers)
    : waiting_(std::move(cases)), calling_(callers) {
  for (int i = 0; i < callers; ++i) callers_.emplace_back([this, address] { Call(address); });
}

CaseLoad::~CaseLoad() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
}

void CaseLoad::Call(const std::string& address) {
  const Stubs stubs(address);
  for (bool there = true; there;) {
    Case one;
    {
      absl::MutexLock lock(&mutex_);
      if (waiting_.empty()) break;
      one = std::move(waiting_.back());
      waiting_.pop_back();
    }
    there = Play(stubs, one);
    absl::MutexLock lock(&mutex_);
    stopped_.push_back(std::move(one));
  }
  absl::MutexLock lock(&mutex_);
  --calling_;
}

bool CaseLoad::Play(const Stubs& stubs, Case& one) {
  while (!one.done() && one.tries < kTriesMax) {
    const Step step = one.steps[one.next_step];
    AcceptedCall call{
        .step = step,
        .request_id = absl::StrCat("request-", one.youth_id, "-", one.next_step, "-", one.tries),
        .alert_id = "",
        .reply = ""};
    absl::Status status;
    if (step == Step::kAcknowledge) {
      const absl::StatusOr<v1::Alert> alert = WakingAlert(stubs, one.episode_id);
      status = alert.status();
      if (alert.ok()) call.alert_id = alert->alert_id();
    }
    if (status.ok()) {
      absl::StatusOr<std::string> reply =
          SendStep(stubs, one, step, call.request_id, call.alert_id);
      status = reply.status();
      if (reply.ok()) call.reply = *std::move(reply);
    }
    if (IsTooEarly(status) || SaysAccepted(status)) {
      // Another call; or the same again, to see what came of it.
      if (!SaysAccepted(status)) ++one.tries;
      PauseBetweenLooks();
      continue;
    }
    absl::MutexLock lock(&mutex_);
    if (!status.ok()) {
      ++unknown_;
      return false;
    }
    ++accepted_;
    one.accepted.push_back(std::move(call));
    ++one.next_step;
    one.tries = 0;
  }
  return true;
}

bool CaseLoad::WaitForAccepted(size_t count) const {
  const auto enough = [this, count] {
    mutex_.AssertReaderHeld();
    return accepted_ >= count || calling_ == 0;
  };
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&enough), kCasesMayTake);
}

std::vector<Case> CaseLoad::Finish() {
  for (std::thread& caller : callers_) {
    if (caller.joinable()) caller.join();
  }
  absl::MutexLock lock(&mutex_);
  for (Case& one : waiting_) stopped_.push_back(std::move(one));
  waiting_.clear();
  return std::move(stopped_);
}

int CaseLoad::unknown() const {
  absl::MutexLock lock(&mutex_);
  return unknown_;
}

}  // namespace porchlight::testing
