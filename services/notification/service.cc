#include "services/notification/service.h"

#include "common/base/time.h"
#include "common/edge/check.h"
#include "common/rpc/serve.h"
#include "services/notification/rules.h"

namespace porchlight {
namespace {

// The notice with what became of its delivery so far.
v1::Notice WithDelivery(v1::Notice notice, const Aggregate& aggregate) {
  for (const v1::DeliveryStatus& delivery : aggregate.kept.deliveries()) {
    if (delivery.delivery_id() != notice.delivery_id()) continue;
    notice.set_state(delivery.state());
    notice.set_attempts(delivery.attempts());
    notice.set_last_answer(delivery.last_answer());
    notice.set_last_code(delivery.last_code());
    if (delivery.has_next_attempt_at())
      *notice.mutable_next_attempt_at() = delivery.next_attempt_at();
    notice.clear_settled_at();
    if (delivery.has_settled_at()) *notice.mutable_settled_at() = delivery.settled_at();
  }
  return notice;
}

absl::Status NoSuchEpisode() {
  return absl::NotFoundError(
      "no notice was made for an episode of this id; `porchlight episodes --all` lists the "
      "episodes");
}

// Every command about an episode goes the same way; the rules say what it means.
template <typename Request, typename Reply>
grpc::Status Submit(grpc::ServerContext* context, const char* method, const EdgePorts& ports,
                    const Request& given, Reply* reply) {
  return rpc::Serve(*context, method, ports.gate, [&](rpc::Call& call) -> absl::Status {
    if (absl::Status checked = CheckFields(given); !checked.ok()) return checked;
    if (!given.actor().actor_id().empty()) {
      if (absl::Status checked = CheckId("actor_id", given.actor().actor_id()); !checked.ok())
        return checked;
    }
    if (absl::Status checked = CheckEpisodeId(given.episode_id()); !checked.ok()) return checked;
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

}  // namespace

grpc::Status NotificationService::ListNotices(grpc::ServerContext* context,
                                              const v1::ListNoticesRequest* request,
                                              v1::ListNoticesReply* reply) {
  return rpc::Serve(
      *context, "Notification.ListNotices", ports_.gate, [&](rpc::Call&) -> absl::Status {
        if (absl::Status checked = CheckEpisodeId(request->episode_id()); !checked.ok())
          return checked;
        const absl::StatusOr<Aggregate> aggregate = ports_.states.Load(request->episode_id());
        if (absl::IsNotFound(aggregate.status())) return NoSuchEpisode();
        if (!aggregate.ok()) return aggregate.status();
        const auto& state = static_cast<const v1::NotificationState&>(*aggregate->rules_state);
        if (!state.has_episode()) return NoSuchEpisode();
        for (const v1::Notice& notice : state.notices())
          *reply->add_notices() = WithDelivery(notice, *aggregate);
        *reply->mutable_filings() = state.filings();
        *reply->mutable_refusals() = state.refusals();
        *reply->mutable_untold_duty_keys() = state.untold_duty_keys();
        return absl::OkStatus();
      });
}

grpc::Status NotificationService::ListDeadLetters(grpc::ServerContext* context,
                                                  const v1::ListDeadLettersRequest* request,
                                                  v1::ListDeadLettersReply* reply) {
  return rpc::Serve(*context, "Notification.ListDeadLetters", ports_.gate,
                    [&](rpc::Call&) -> absl::Status {
                      const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
                      if (!page_size.ok()) return page_size.status();
                      const absl::StatusOr<std::vector<v1::DeliveryStatus>> dead =
                          ports_.states.DeadLetters(*page_size + 1);
                      if (!dead.ok()) return dead.status();
                      for (const v1::DeliveryStatus& status : *dead) {
                        if (reply->dead_letters_size() == static_cast<int>(*page_size)) {
                          reply->set_more(true);
                          break;
                        }
                        *reply->add_dead_letters() = status;
                      }
                      return absl::OkStatus();
                    });
}

grpc::Status NotificationService::ReplayDeadLetter(grpc::ServerContext* context,
                                                   const v1::ReplayDeadLetterRequest* given,
                                                   v1::ReplayDeadLetterReply* reply) {
  return rpc::Serve(
      *context, "Notification.ReplayDeadLetter", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = CheckEpisodeId(AggregateOfDelivery(given->delivery_id()));
            !checked.ok()) {
          return absl::InvalidArgumentError(
              "delivery_id is not a delivery's id, which looks like \"<youth>_e1_d...\"; "
              "`porchlight dead-letters` lists "
              "those given up");
        }
        absl::StatusOr<std::string> request_id = RequestId(given->request_id(), ports_.ids);
        if (!request_id.ok()) return request_id.status();
        v1::ReplayDeadLetterRequest request = *given;
        request.set_request_id(*request_id);
        const Command command{.request_id = *request_id,
                              .youth_id = std::string(YouthOf(request.delivery_id())),
                              .episode_id = std::string(AggregateOfDelivery(request.delivery_id())),
                              .received_at = call.received_at,
                              .actor = request.actor(),
                              .longest_wait = call.deadline - ports_.clock.Now()};
        call.correlation_id = ports_.commands.IdOf(command.youth_id, *request_id);
        return ports_.commands.Submit(command, request, *reply);
      });
}

grpc::Status NotificationService::FileProof(grpc::ServerContext* context,
                                            const v1::FileProofRequest* request,
                                            v1::FileProofReply* reply) {
  return Submit(context, "Notification.FileProof", ports_, *request, reply);
}

grpc::Status NotificationService::RecordRefusal(grpc::ServerContext* context,
                                                const v1::RecordRefusalRequest* request,
                                                v1::RecordRefusalReply* reply) {
  return Submit(context, "Notification.RecordRefusal", ports_, *request, reply);
}

ServiceModule NotificationModule() {
  return {.name = "notification",
          .make_rules =
              [](const RulesOptions& options) {
                return std::make_unique<NotificationRules>(
                    NotificationSettings{.agency_name = options.config.agency.name,
                                         .time_zone = options.config.agency.time_zone,
                                         .give_up_after = options.config.give_up_after});
              },
          .make_edge =
              [](const EdgePorts& ports) { return std::make_shared<NotificationService>(ports); }};
}

}  // namespace porchlight
