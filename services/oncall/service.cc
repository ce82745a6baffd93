#include "services/oncall/service.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/edge/check.h"
#include "common/oncall/callbacks.h"
#include "common/oncall/duty_status.h"
#include "common/oncall/oncall_state.h"
#include "common/oncall/sweep_thread.h"
#include "common/rpc/serve.h"
#include "services/oncall/rules.h"

namespace porchlight {
namespace {

absl::Status CheckAlertId(absl::string_view alert_id) {
  const absl::string_view youth_id = YouthOf(alert_id);
  const absl::string_view rest = alert_id.substr(youth_id.size());
  uint64_t number = 0;
  if (CheckId("alert_id", youth_id).ok() && rest.substr(0, 2) == "_a" &&
      absl::SimpleAtoi(rest.substr(2), &number)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "alert_id is not an alert's id, which looks like \"<youth>_a1\"; `porchlight oncall alerts` "
      "lists them");
}

absl::Status Check(const v1::AcknowledgeAlertRequest& request) {
  if (absl::Status checked = CheckFields(request); !checked.ok()) return checked;
  if (!request.actor().actor_id().empty()) {
    if (absl::Status checked = CheckId("actor_id", request.actor().actor_id()); !checked.ok())
      return checked;
  }
  if (absl::Status checked = CheckId("person_id", request.person_id()); !checked.ok())
    return checked;
  return CheckAlertId(request.alert_id());
}

// All that is known of the episode's youth.
absl::StatusOr<v1::OncallState> YouthOfEpisode(const States& states,
                                               const std::string& episode_id) {
  if (absl::Status checked = CheckEpisodeId(episode_id); !checked.ok()) return checked;
  const absl::StatusOr<Aggregate> youth = states.Load(std::string(YouthOf(episode_id)));
  if (!youth.ok() && !absl::IsNotFound(youth.status())) return youth.status();
  const auto* state =
      youth.ok() ? static_cast<const v1::OncallState*>(youth->rules_state.get()) : nullptr;
  if (state == nullptr || FindEpisode(*state, episode_id) == nullptr)
    return absl::NotFoundError(
        "there is no such episode; `porchlight episodes --all` lists them. One that was opened a "
        "moment ago may not be known here yet: ask again.");
  return *state;
}

absl::Status DutiesOfAll(const EdgePorts& ports, const v1::Directory& directory,
                         const v1::ListDutiesRequest& request, absl::Time now,
                         v1::ListDutiesReply& reply) {
  const absl::StatusOr<size_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  const absl::StatusOr<StatePage> page = ports.states.List(true, *page_size, request.page_token());
  if (!page.ok()) return page.status();
  const DutiesShown shown = request.include_all() ? DutiesShown::kAll : DutiesShown::kOpen;
  std::vector<v1::DutyStatus> all;
  for (const auto& [youth_id, aggregate] : page->aggregates) {
    for (const auto& episode :
         static_cast<const v1::OncallState&>(*aggregate.rules_state).episodes()) {
      for (v1::DutyStatus& duty : DutyStatusesOf(episode, directory, shown, now))
        all.push_back(std::move(duty));
    }
  }
  SortByDue(all);
  for (v1::DutyStatus& duty : all) *reply.add_duties() = std::move(duty);
  reply.set_next_page_token(page->next_page_token);
  return absl::OkStatus();
}

}  // namespace

grpc::Status OncallService::ListDuties(grpc::ServerContext* context,
                                       const v1::ListDutiesRequest* request,
                                       v1::ListDutiesReply* reply) {
  return rpc::Serve(
      *context, "Oncall.ListDuties", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        const auto directory = ports_.directory.Read();
        if (!directory.ok()) return directory.status();
        if (request->episode_id().empty())
          return DutiesOfAll(ports_, **directory, *request, call.received_at, *reply);
        const auto youth = YouthOfEpisode(ports_.states, request->episode_id());
        if (!youth.ok()) return youth.status();
        const DutiesShown shown =
            request->include_all() ? DutiesShown::kAll : DutiesShown::kApplicable;
        for (v1::DutyStatus& duty : DutyStatusesOf(*FindEpisode(*youth, request->episode_id()),
                                                   **directory, shown, call.received_at))
          *reply->add_duties() = std::move(duty);
        return absl::OkStatus();
      });
}

grpc::Status OncallService::ListAlerts(grpc::ServerContext* context,
                                       const v1::ListAlertsRequest* request,
                                       v1::ListAlertsReply* reply) {
  return rpc::Serve(*context, "Oncall.ListAlerts", ports_.gate, [&](rpc::Call&) -> absl::Status {
    if (!request->episode_id().empty()) {
      const auto youth = YouthOfEpisode(ports_.states, request->episode_id());
      if (!youth.ok()) return youth.status();
      for (const v1::Alert& alert : youth->alerts()) {
        if (alert.episode_id() == request->episode_id()) *reply->add_alerts() = alert;
      }
      return absl::OkStatus();
    }
    const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
    if (!page_size.ok()) return page_size.status();
    const absl::StatusOr<StatePage> page =
        ports_.states.List(true, *page_size, request->page_token());
    if (!page.ok()) return page.status();
    for (const auto& [youth_id, aggregate] : page->aggregates) {
      for (const v1::Alert& alert :
           static_cast<const v1::OncallState&>(*aggregate.rules_state).alerts()) {
        if (alert.state() == v1::ALERT_STATE_OPEN) *reply->add_alerts() = alert;
      }
    }
    reply->set_next_page_token(page->next_page_token);
    return absl::OkStatus();
  });
}

grpc::Status OncallService::AcknowledgeAlert(grpc::ServerContext* context,
                                             const v1::AcknowledgeAlertRequest* given,
                                             v1::AcknowledgeAlertReply* reply) {
  return rpc::Serve(
      *context, "Oncall.AcknowledgeAlert", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = Check(*given); !checked.ok()) return checked;
        absl::StatusOr<std::string> request_id = RequestId(given->request_id(), ports_.ids);
        if (!request_id.ok()) return request_id.status();
        v1::AcknowledgeAlertRequest request = *given;
        request.set_request_id(*request_id);
        const Command command{.request_id = *request_id,
                              .youth_id = std::string(YouthOf(request.alert_id())),
                              .received_at = call.received_at,
                              .actor = request.actor(),
                              .longest_wait = call.deadline - ports_.clock.Now()};
        call.correlation_id = ports_.commands.IdOf(command.youth_id, *request_id);
        return ports_.commands.Submit(command, request, *reply);
      });
}

ServiceModule OncallModule() {
  return {
      .name = "oncall",
      .make_rules =
          [](const RulesOptions& options) {
            const auto& http = options.config.http;
            return std::make_unique<OncallRules>(
                OncallSettings{.agency_name = options.config.agency.name,
                               .time_zone = options.config.agency.time_zone,
                               .public_url = http.has_value() ? http->public_url : "",
                               .link_key = options.link_key});
          },
      .make_edge = [](const EdgePorts& ports) { return std::make_shared<OncallService>(ports); },
      .add_routes =
          [](const EdgePorts& ports, HttpRouter& routes) {
            AddCallbacks(ports, ReadCallbackTokens(ports.options.config), routes);
          },
      .start_background =
          [](const EdgePorts& ports) { return std::make_shared<SweepThread>(ports); }};
}

}  // namespace porchlight
