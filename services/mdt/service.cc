#include "services/mdt/service.h"

#include <string>

#include "absl/strings/numbers.h"
#include "common/edge/check.h"
#include "common/rpc/serve.h"
#include "services/mdt/rules.h"

namespace porchlight {
namespace {

constexpr int kRolesMax = 50;

// "youth_e1" of "youth_e1_t2".
std::string EpisodeOfNotice(const std::string& notice_id) {
  return notice_id.substr(0, notice_id.rfind("_t"));
}

absl::Status CheckNoticeId(const std::string& notice_id) {
  const std::string episode_id = EpisodeOfNotice(notice_id);
  uint32_t number = 0;
  if (episode_id.size() < notice_id.size() && CheckEpisodeId(episode_id).ok() &&
      absl::SimpleAtoi(notice_id.substr(episode_id.size() + 2), &number)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "notice_id is not the id of a notice to a team, which looks like \"<youth>_e1_t1\"; "
      "`porchlight mdt list` lists them");
}

absl::Status Check(const v1::AcknowledgeTeamNoticeRequest& request) {
  if (absl::Status checked = CheckNoticeId(request.notice_id()); !checked.ok()) return checked;
  return CheckId("seat_or_member", request.seat_or_member());
}

absl::Status Check(const v1::RecordMeetingRequest& request) {
  if (absl::Status checked = CheckEpisodeId(request.episode_id()); !checked.ok()) return checked;
  const v1::TeamMeeting& meeting = request.meeting();
  if (!meeting.coordinator_id().empty()) {
    if (absl::Status checked = CheckId("coordinator_id", meeting.coordinator_id()); !checked.ok())
      return checked;
  }
  if (meeting.roles_present_size() > kRolesMax)
    return absl::InvalidArgumentError("roles_present has more than 50 roles; name each once");
  for (const std::string& role : meeting.roles_present()) {
    if (absl::Status checked = CheckId("roles_present", role); !checked.ok()) return checked;
  }
  return absl::OkStatus();
}

std::string EpisodeOf(const v1::AcknowledgeTeamNoticeRequest& request) {
  return EpisodeOfNotice(request.notice_id());
}
std::string EpisodeOf(const v1::RecordMeetingRequest& request) { return request.episode_id(); }

// Every command goes the same way; the rules say what it means.
template <typename Request>
grpc::Status Submit(grpc::ServerContext* context, const char* method, const EdgePorts& ports,
                    const Request& given, v1::TeamNoticeReply* reply) {
  return rpc::Serve(*context, method, ports.gate, [&](rpc::Call& call) -> absl::Status {
    if (absl::Status checked = CheckFields(given); !checked.ok()) return checked;
    if (!given.actor().actor_id().empty()) {
      if (absl::Status checked = CheckId("actor_id", given.actor().actor_id()); !checked.ok())
        return checked;
    }
    if (absl::Status checked = Check(given); !checked.ok()) return checked;
    absl::StatusOr<std::string> request_id = RequestId(given.request_id(), ports.ids);
    if (!request_id.ok()) return request_id.status();
    Request request = given;
    request.set_request_id(*request_id);
    const std::string episode_id = EpisodeOf(request);
    const Command command{.request_id = *request_id,
                          .youth_id = std::string(YouthOf(episode_id)),
                          .episode_id = episode_id,
                          .received_at = call.received_at,
                          .actor = request.actor(),
                          .longest_wait = call.deadline - ports.clock.Now()};
    call.correlation_id = ports.commands.IdOf(command.youth_id, *request_id);
    return ports.commands.Submit(command, request, *reply);
  });
}

void AddTo(const v1::MdtState& state, bool all, v1::ListTeamNoticesReply& reply) {
  for (const v1::TeamNotice& notice : state.notices()) {
    if (all || notice.state() == v1::TEAM_NOTICE_STATE_OPEN) *reply.add_notices() = notice;
  }
  if (!state.without_roster().empty()) reply.add_without_roster(state.episode_id());
}

}  // namespace

grpc::Status MdtService::ListTeamNotices(grpc::ServerContext* context,
                                         const v1::ListTeamNoticesRequest* request,
                                         v1::ListTeamNoticesReply* reply) {
  return rpc::Serve(*context, "Mdt.ListTeamNotices", ports_.gate, [&](rpc::Call&) -> absl::Status {
    if (!request->episode_id().empty()) {
      if (absl::Status checked = CheckEpisodeId(request->episode_id()); !checked.ok())
        return checked;
      const absl::StatusOr<Aggregate> one = ports_.states.Load(request->episode_id());
      if (absl::IsNotFound(one.status())) {
        return absl::NotFoundError(
            "there is no such episode; `porchlight episodes --all` lists them");
      }
      if (!one.ok()) return one.status();
      const auto& state = static_cast<const v1::MdtState&>(*one->rules_state);
      AddTo(state, true, *reply);
      *reply->mutable_meetings() = state.meetings();
      return absl::OkStatus();
    }
    const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
    if (!page_size.ok()) return page_size.status();
    const absl::StatusOr<StatePage> page =
        ports_.states.List(true, *page_size, request->page_token());
    if (!page.ok()) return page.status();
    for (const auto& [episode_id, aggregate] : page->aggregates)
      AddTo(static_cast<const v1::MdtState&>(*aggregate.rules_state), false, *reply);
    reply->set_next_page_token(page->next_page_token);
    return absl::OkStatus();
  });
}

grpc::Status MdtService::AcknowledgeTeamNotice(grpc::ServerContext* context,
                                               const v1::AcknowledgeTeamNoticeRequest* request,
                                               v1::TeamNoticeReply* reply) {
  return Submit(context, "Mdt.AcknowledgeTeamNotice", ports_, *request, reply);
}

grpc::Status MdtService::RecordMeeting(grpc::ServerContext* context,
                                       const v1::RecordMeetingRequest* request,
                                       v1::TeamNoticeReply* reply) {
  return Submit(context, "Mdt.RecordMeeting", ports_, *request, reply);
}

ServiceModule MdtModule() {
  return {.name = "mdt",
          .make_rules =
              [](const RulesOptions& options) {
                return std::make_unique<MdtRules>(
                    MdtSettings{.agency_name = options.config.agency.name,
                                .time_zone = options.config.agency.time_zone,
                                .give_up_after = options.config.give_up_after});
              },
          .make_edge = [](const EdgePorts& ports) { return std::make_shared<MdtService>(ports); }};
}

}  // namespace porchlight
