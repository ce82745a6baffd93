#include "services/screening/service.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/edge/check.h"
#include "common/rpc/serve.h"
#include "services/screening/rules.h"

namespace porchlight {
namespace {

constexpr size_t kWordBytesMax = 110;

using Named = std::pair<absl::string_view, absl::string_view>;  // field, value

absl::Status CheckIds(std::initializer_list<Named> ids) {
  for (const auto& [field, id] : ids) {
    if (id.empty()) continue;
    if (absl::Status checked = CheckId(field, id); !checked.ok()) return checked;
  }
  return absl::OkStatus();
}

// Of a task's id or a version.
absl::Status CheckWord(absl::string_view field, absl::string_view word) {
  const bool plain = std::all_of(word.begin(), word.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_';
  });
  if (plain && word.size() <= kWordBytesMax) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " must be at most ", kWordBytesMax,
                                                 " characters of A-Z, a-z, 0-9, '.', '_' and -"));
}

absl::Status Check(const v1::DeferScreeningRequest& request) {
  const absl::Status checked = CheckIds({{"approver_id", request.approver_id()}});
  return checked.ok() ? CheckWord("task_id", request.task_id()) : checked;
}

absl::Status Check(const v1::CompleteScreeningRequest& request) {
  const absl::Status checked = CheckIds(
      {{"tool_id", request.result().tool_id()}, {"screener_id", request.result().screener_id()}});
  return checked.ok() ? CheckWord("tool_version", request.result().tool_version()) : checked;
}

absl::Status Check(const v1::RecordInterviewRequest& request) {
  return CheckIds({{"interviewer_id", request.interview().interviewer_id()}});
}

absl::Status Check(const v1::RecordExposureRequest&) { return absl::OkStatus(); }

absl::Status Check(const v1::RecordMedicalOfferRequest& request) {
  const absl::Status checked = CheckIds({{"offered_by_id", request.offer().offered_by_id()}});
  return checked.ok() ? CheckWord("task_id", request.offer().task_id()) : checked;
}

absl::Status Check(const v1::RecordReturnPhotoRequest&) { return absl::OkStatus(); }

absl::Status Check(const v1::IdentifyVictimRequest& request) {
  return CheckIds({{"decided_by_id", request.decided_by_id()}});
}

// Every command goes the same way; the rules say what it means.
template <typename Request>
grpc::Status Submit(grpc::ServerContext* context, const char* method, const EdgePorts& ports,
                    const Request& given, v1::ScreeningReply* reply) {
  return rpc::Serve(*context, method, ports.gate, [&](rpc::Call& call) -> absl::Status {
    if (absl::Status checked = CheckFields(given); !checked.ok()) return checked;
    if (absl::Status checked = CheckIds({{"actor_id", given.actor().actor_id()}}); !checked.ok())
      return checked;
    if (absl::Status checked = CheckEpisodeId(given.episode_id()); !checked.ok()) return checked;
    if (absl::Status checked = Check(given); !checked.ok()) return checked;
    absl::StatusOr<std::string> request_id = RequestId(given.request_id(), ports.ids);
    if (!request_id.ok()) return request_id.status();
    Request request = given;
    request.set_request_id(*request_id);
    const Command command{.request_id = *request_id,
                          .youth_id = std::string(YouthOf(request.episode_id())),
                          .episode_id = request.episode_id(),
                          .received_at = call.received_at,
                          .actor = request.actor(),
                          .longest_wait = call.deadline - ports.clock.Now()};
    call.correlation_id = ports.commands.IdOf(command.youth_id, *request_id);
    return ports.commands.Submit(command, request, *reply);
  });
}

v1::ScreeningState WithoutNarrative(v1::ScreeningState state) {
  for (v1::ScreeningDeferral& deferral : *state.mutable_deferrals()) deferral.clear_reason();
  for (v1::ReturnInterview& interview : *state.mutable_interviews()) {
    interview.clear_reasons();
    interview.clear_experiences();
    interview.clear_placement_factors();
  }
  for (v1::Identification& decision : *state.mutable_identifications()) decision.clear_ground();
  return state;
}

}  // namespace

grpc::Status ScreeningService::ListScreenings(grpc::ServerContext* context,
                                              const v1::ListScreeningsRequest* request,
                                              v1::ListScreeningsReply* reply) {
  return rpc::Serve(
      *context, "Screening.ListScreenings", ports_.gate, [&](rpc::Call&) -> absl::Status {
        if (!request->episode_id().empty()) {
          if (absl::Status checked = CheckEpisodeId(request->episode_id()); !checked.ok())
            return checked;
          const absl::StatusOr<Aggregate> one = ports_.states.Load(request->episode_id());
          if (absl::IsNotFound(one.status())) {
            return absl::NotFoundError(
                "there is no such episode; `porchlight episodes --all` lists them");
          }
          if (!one.ok()) return one.status();
          *reply->add_screenings() = static_cast<const v1::ScreeningState&>(*one->rules_state);
          return absl::OkStatus();
        }
        const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
        if (!page_size.ok()) return page_size.status();
        const absl::StatusOr<StatePage> page =
            ports_.states.List(!request->include_done(), *page_size, request->page_token());
        if (!page.ok()) return page.status();
        for (const auto& [episode_id, aggregate] : page->aggregates) {
          const auto& state = static_cast<const v1::ScreeningState&>(*aggregate.rules_state);
          if (!state.tasks().empty() || !state.identifications().empty())
            *reply->add_screenings() = WithoutNarrative(state);
        }
        reply->set_next_page_token(page->next_page_token);
        return absl::OkStatus();
      });
}

grpc::Status ScreeningService::DeferScreening(grpc::ServerContext* context,
                                              const v1::DeferScreeningRequest* request,
                                              v1::ScreeningReply* reply) {
  return Submit(context, "Screening.DeferScreening", ports_, *request, reply);
}

grpc::Status ScreeningService::CompleteScreening(grpc::ServerContext* context,
                                                 const v1::CompleteScreeningRequest* request,
                                                 v1::ScreeningReply* reply) {
  return Submit(context, "Screening.CompleteScreening", ports_, *request, reply);
}

grpc::Status ScreeningService::RecordInterview(grpc::ServerContext* context,
                                               const v1::RecordInterviewRequest* request,
                                               v1::ScreeningReply* reply) {
  return Submit(context, "Screening.RecordInterview", ports_, *request, reply);
}

grpc::Status ScreeningService::RecordExposure(grpc::ServerContext* context,
                                              const v1::RecordExposureRequest* request,
                                              v1::ScreeningReply* reply) {
  return Submit(context, "Screening.RecordExposure", ports_, *request, reply);
}

grpc::Status ScreeningService::RecordMedicalOffer(grpc::ServerContext* context,
                                                  const v1::RecordMedicalOfferRequest* request,
                                                  v1::ScreeningReply* reply) {
  return Submit(context, "Screening.RecordMedicalOffer", ports_, *request, reply);
}

grpc::Status ScreeningService::RecordReturnPhoto(grpc::ServerContext* context,
                                                 const v1::RecordReturnPhotoRequest* request,
                                                 v1::ScreeningReply* reply) {
  return Submit(context, "Screening.RecordReturnPhoto", ports_, *request, reply);
}

grpc::Status ScreeningService::IdentifyVictim(grpc::ServerContext* context,
                                              const v1::IdentifyVictimRequest* request,
                                              v1::ScreeningReply* reply) {
  return Submit(context, "Screening.IdentifyVictim", ports_, *request, reply);
}

ServiceModule ScreeningModule() {
  return {.name = "screening",
          .make_rules = [](const RulesOptions&) { return std::make_unique<ScreeningRules>(); },
          .make_edge =
              [](const EdgePorts& ports) { return std::make_shared<ScreeningService>(ports); }};
}

}  // namespace porchlight
