#include "tests/sim/case_calls.h"

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight::sim {
namespace {

template <typename Reply, typename Request>
CaseCall CallOf(Request request, const std::string& request_id, const std::string& episode_id) {
  request.set_request_id(request_id);
  return {.payload = std::make_shared<Request>(std::move(request)),
          .reply = std::make_shared<Reply>(),
          .youth_id = std::string(YouthOf(episode_id)),
          .episode_id = episode_id};
}

CaseCall Proof(Random& random, const std::string& request_id, const std::string& episode_id) {
  constexpr const char* kAbout[] = {"law_enforcement", "ncmec", "police", "ncic-number",
                                    "regular-contact"};
  v1::FileProofRequest request;
  request.set_episode_id(episode_id);
  request.set_about(random.Pick(kAbout));
  request.set_number(absl::StrCat(kMarker, "-", request_id));
  request.set_told_to(absl::StrCat(kMarker, " at the desk"));
  request.set_how(v1::REACHED_BY_PHONE);
  return CallOf<v1::FileProofReply>(request, request_id, episode_id);
}

CaseCall Refusal(const std::string& request_id, const std::string& episode_id) {
  v1::RecordRefusalRequest request;
  request.set_episode_id(episode_id);
  request.set_by("law_enforcement");
  request.set_reason(absl::StrCat(kMarker, " says no"));
  return CallOf<v1::RecordRefusalReply>(request, request_id, episode_id);
}

CaseCall Screened(Random& random, const std::string& request_id, const std::string& episode_id) {
  v1::CompleteScreeningRequest request;
  request.set_episode_id(episode_id);
  v1::ScreeningResult& result = *request.mutable_result();
  result.set_tool_id("example-tool");
  result.set_tool_version("1");
  result.set_screener_id("worker-1");
  result.set_screener_training("example course");
  result.set_band(random.Chance(0.5) ? v1::SCREENING_BAND_CLEAR : v1::SCREENING_BAND_LOW);
  return CallOf<v1::ScreeningReply>(request, request_id, episode_id);
}

CaseCall Identified(const std::string& request_id, const std::string& episode_id) {
  v1::IdentifyVictimRequest request;
  request.set_episode_id(episode_id);
  request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  request.set_decided_by_id("worker-2");
  request.set_ground(absl::StrCat(kMarker, " said so"));
  return CallOf<v1::ScreeningReply>(request, request_id, episode_id);
}

CaseCall Deferred(Environment& environment, const std::string& request_id,
                  const std::string& episode_id) {
  v1::DeferScreeningRequest request;
  request.set_episode_id(episode_id);
  request.set_reason(absl::StrCat(kMarker, " is asleep"));
  *request.mutable_until() = ToProto(environment.clock.Now() + absl::Hours(90));
  request.set_approver_id("worker-3");
  return CallOf<v1::ScreeningReply>(request, request_id, episode_id);
}

CaseCall TeamAnswer(Environment& environment, const std::string& request_id,
                    const std::string& episode_id) {
  v1::AcknowledgeTeamNoticeRequest request;
  request.set_notice_id(absl::StrCat(episode_id, "_t1"));
  request.set_seat_or_member(environment.random.Chance(0.5) ? "advocate" : "health");
  request.set_how(v1::REACHED_BY_PHONE);
  return CallOf<v1::TeamNoticeReply>(request, request_id, episode_id);
}

}  // namespace

CaseCall Acknowledgement(const v1::Alert& alert, const std::string& request_id) {
  v1::AcknowledgeAlertRequest request;
  request.set_alert_id(alert.alert_id());
  request.set_person_id(alert.pages().empty() ? "person-1" : alert.pages().rbegin()->person_id());
  request.set_how(v1::REACHED_BY_WEB);
  CaseCall call =
      CallOf<v1::AcknowledgeAlertReply>(request, request_id, std::string(alert.alert_id()));
  call.episode_id = alert.episode_id();
  return call;
}

CaseCall DrawCaseCall(Environment& environment, const std::string& service,
                      const std::string& request_id, const std::string& episode_id) {
  Random& random = environment.random;
  if (service == "notification") {
    return random.Chance(0.7) ? Proof(random, request_id, episode_id)
                              : Refusal(request_id, episode_id);
  }
  if (service == "screening") {
    if (random.Chance(0.4)) return Identified(request_id, episode_id);
    return random.Chance(0.6) ? Screened(random, request_id, episode_id)
                              : Deferred(environment, request_id, episode_id);
  }
  if (service == "mdt") return TeamAnswer(environment, request_id, episode_id);
  const auto& alerts = environment.truth.alerts();
  if (!alerts.empty()) return Acknowledgement(random.Pick(alerts).second, request_id);
  v1::Alert none;
  none.set_alert_id(absl::StrCat(YouthOf(episode_id), "_a1"));
  return Acknowledgement(none, request_id);
}

}  // namespace porchlight::sim
