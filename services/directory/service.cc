#include "services/directory/service.h"

#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/directory/rota.h"
#include "common/edge/check.h"
#include "common/rpc/serve.h"
#include "services/directory/rules.h"

namespace porchlight {
namespace {

absl::Status CheckActor(const v1::Actor& actor) {
  if (actor.actor_id() == kConfigurationActor) {
    return absl::InvalidArgumentError(
        "only the configuration may call itself so: give your own worker id");
  }
  return actor.actor_id().empty() ? absl::OkStatus() : CheckId("actor_id", actor.actor_id());
}

// Of a log in which nobody set anything yet: empty.
absl::StatusOr<Aggregate> LoadDirectory(const States& states) {
  absl::StatusOr<Aggregate> aggregate = states.Load(kDirectoryAggregate);
  if (!absl::IsNotFound(aggregate.status())) return aggregate;
  return Aggregate{.kept = {}, .rules_state = std::make_unique<v1::Directory>()};
}

}  // namespace

grpc::Status DirectoryEdge::ChangeDirectory(grpc::ServerContext* context,
                                            const v1::ChangeDirectoryRequest* given,
                                            v1::ChangeDirectoryReply* reply) {
  return rpc::Serve(
      *context, "Directory.ChangeDirectory", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = CheckActor(given->actor()); !checked.ok()) return checked;
        absl::StatusOr<std::string> request_id = RequestId(given->request_id(), ports_.ids);
        if (!request_id.ok()) return request_id.status();
        v1::ChangeDirectoryRequest request = *given;
        request.set_request_id(*request_id);
        const Command command{.request_id = *request_id,
                              .youth_id = "",
                              .received_at = call.received_at,
                              .actor = request.actor(),
                              .longest_wait = call.deadline - ports_.clock.Now()};
        call.correlation_id = ports_.commands.IdOf(command.youth_id, *request_id);
        return ports_.commands.Submit(command, request, *reply);
      });
}

grpc::Status DirectoryEdge::GetDirectory(grpc::ServerContext* context,
                                         const v1::GetDirectoryRequest*,
                                         v1::GetDirectoryReply* reply) {
  return rpc::Serve(
      *context, "Directory.GetDirectory", ports_.gate, [&](rpc::Call&) -> absl::Status {
        const absl::StatusOr<Aggregate> aggregate = LoadDirectory(ports_.states);
        if (!aggregate.ok()) return aggregate.status();
        *reply->mutable_directory() = static_cast<const v1::Directory&>(*aggregate->rules_state);
        reply->set_sequence(aggregate->kept.aggregate_sequence());
        return absl::OkStatus();
      });
}

grpc::Status DirectoryEdge::WhoIsOnCall(grpc::ServerContext* context,
                                        const v1::WhoIsOnCallRequest* request,
                                        v1::WhoIsOnCallReply* reply) {
  return rpc::Serve(
      *context, "Directory.WhoIsOnCall", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        if (absl::Status checked = CheckFields(*request); !checked.ok()) return checked;
        const absl::StatusOr<Aggregate> aggregate = LoadDirectory(ports_.states);
        if (!aggregate.ok()) return aggregate.status();
        const auto& directory = static_cast<const v1::Directory&>(*aggregate->rules_state);
        if (RotaFor(directory, request->role()) == nullptr) {
          return absl::NotFoundError(
              "no rota has this role; `porchlight directory show` lists those that there are");
        }
        const absl::Time at = request->has_at() ? FromProto(request->at()) : call.received_at;
        for (v1::OnCallLevel& level : OnCall(directory, request->role(), at)) {
          *reply->add_levels() = std::move(level);
        }
        return absl::OkStatus();
      });
}

ServiceModule DirectoryModule() {
  return {
      .name = "directory",
      .partitions = 1,
      .make_rules = [](const RulesOptions&) { return std::make_unique<DirectoryRules>(); },
      .make_edge = [](const EdgePorts& ports) { return std::make_shared<DirectoryEdge>(ports); }};
}

}  // namespace porchlight
