#include "services/intake/service.h"

#include "common/base/time.h"
#include "common/edge/check.h"
#include "common/rpc/serve.h"
#include "services/intake/rules.h"

namespace porchlight {
namespace {

absl::Status CheckActor(const v1::Actor& actor) {
  return actor.actor_id().empty() ? absl::OkStatus() : CheckId("actor_id", actor.actor_id());
}

absl::Status CheckReport(const v1::ReportMissingRequest& request) {
  if (absl::Status checked = CheckFields(request); !checked.ok()) return checked;
  if (absl::Status checked = CheckActor(request.actor()); !checked.ok()) return checked;
  if (!request.youth_id().empty()) {
    if (absl::Status checked = CheckId("youth_id", request.youth_id()); !checked.ok())
      return checked;
  }
  if (!request.jurisdiction().empty()) {
    if (absl::Status checked = CheckId("jurisdiction", request.jurisdiction()); !checked.ok())
      return checked;
  }
  const v1::YouthFacts& youth = request.youth();
  if (request.youth_id().empty() && youth.first_name().empty() && youth.last_name().empty() &&
      youth.preferred_name().empty() && request.placement().empty()) {
    return absl::InvalidArgumentError(
        "nothing says who is missing: give at least a name, a placement or a youth id. Nothing was "
        "kept.");
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status IntakeService::ReportMissing(grpc::ServerContext* context,
                                          const v1::ReportMissingRequest* given,
                                          v1::ReportMissingReply* reply) {
  return rpc::Serve(
      *context, "Intake.ReportMissing", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = CheckReport(*given); !checked.ok()) return checked;
        absl::StatusOr<std::string> request_id = RequestId(given->request_id(), ports_.ids);
        if (!request_id.ok()) return request_id.status();
        v1::ReportMissingRequest request = *given;
        request.set_request_id(*request_id);
        if (request.youth_id().empty()) request.set_youth_id(ports_.commands.YouthFor(*request_id));
        Command command{.request_id = *request_id,
                        .youth_id = request.youth_id(),
                        .received_at = call.received_at,
                        .actor = request.actor(),
                        .exercise = request.exercise(),
                        .longest_wait = call.deadline - ports_.clock.Now()};
        if (request.has_last_seen_at()) command.occurred_at = FromProto(request.last_seen_at());
        call.correlation_id = ports_.commands.IdOf(command.youth_id, *request_id);
        return ports_.commands.Submit(command, request, *reply);
      });
}

grpc::Status IntakeService::RecordReturn(grpc::ServerContext* context,
                                         const v1::RecordReturnRequest* given,
                                         v1::RecordReturnReply* reply) {
  return rpc::Serve(
      *context, "Intake.RecordReturn", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = CheckFields(*given); !checked.ok()) return checked;
        if (absl::Status checked = CheckActor(given->actor()); !checked.ok()) return checked;
        if (absl::Status checked = CheckEpisodeId(given->episode_id()); !checked.ok())
          return checked;
        absl::StatusOr<std::string> request_id = RequestId(given->request_id(), ports_.ids);
        if (!request_id.ok()) return request_id.status();
        v1::RecordReturnRequest request = *given;
        request.set_request_id(*request_id);
        Command command{.request_id = *request_id,
                        .youth_id = std::string(YouthOf(request.episode_id())),
                        .episode_id = request.episode_id(),
                        .received_at = call.received_at,
                        .actor = request.actor(),
                        .longest_wait = call.deadline - ports_.clock.Now()};
        if (request.has_returned_at()) command.occurred_at = FromProto(request.returned_at());
        call.correlation_id = ports_.commands.IdOf(command.youth_id, *request_id);
        return ports_.commands.Submit(command, request, *reply);
      });
}

grpc::Status IntakeService::ListEpisodes(grpc::ServerContext* context,
                                         const v1::ListEpisodesRequest* request,
                                         v1::ListEpisodesReply* reply) {
  return rpc::Serve(*context, "Intake.ListEpisodes", ports_.gate, [&](rpc::Call&) -> absl::Status {
    const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
    if (!page_size.ok()) return page_size.status();
    absl::StatusOr<StatePage> page =
        ports_.states.List(!request->include_ended(), *page_size, request->page_token());
    if (!page.ok()) return page.status();
    for (const auto& [youth_id, aggregate] : page->aggregates) {
      const auto& state = static_cast<const v1::IntakeState&>(*aggregate.rules_state);
      for (const v1::Episode& episode : state.episodes()) {
        if (!request->include_ended() && episode.state() != v1::EPISODE_STATE_MISSING) continue;
        *reply->add_episodes() = episode;
      }
    }
    reply->set_next_page_token(page->next_page_token);
    return absl::OkStatus();
  });
}

ServiceModule IntakeModule() {
  return {
      .name = "intake",
      .make_rules = [](const Config&) { return std::make_unique<IntakeRules>(); },
      .make_edge = [](const EdgePorts& ports) { return std::make_shared<IntakeService>(ports); }};
}

}  // namespace porchlight
