#include "services/intake/service.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/edge/check.h"
#include "common/episode/requests.h"
#include "common/photo/kept_photo.h"
#include "common/rpc/serve.h"
#include "porchlight/v1/join.pb.h"
#include "services/intake/rules.h"

namespace porchlight {
namespace {

// The request, if it can be understood, under the caller's id or a new one.
template <typename Request>
absl::StatusOr<Request> Checked(const Request& given, absl::Status (*check)(const Request&),
                                Ids& ids) {
  if (absl::Status checked = check(given); !checked.ok()) return checked;
  const absl::StatusOr<std::string> request_id = RequestId(given.request_id(), ids);
  if (!request_id.ok()) return request_id.status();
  Request request = given;
  request.set_request_id(*request_id);
  return request;
}

const v1::YouthJoined* JoinedAway(const v1::IntakeState& state) {
  for (const v1::YouthJoined& joined : state.joined()) {
    if (!joined.stays()) return &joined;
  }
  return nullptr;
}

// Of what both sides have open the episode that counts, and the one that is doubled.
void NameEpisodes(const v1::JoinSideReply& reported, const v1::JoinSideReply& roster,
                  v1::JoinYouthReply& reply) {
  std::vector<std::pair<absl::Time, std::string>> open;
  for (const auto* side : {&reported, &roster}) {
    if (side->has_open())
      open.emplace_back(FromProto(side->open().received_at()), side->open().episode_id());
  }
  std::sort(open.begin(), open.end());
  if (!open.empty()) reply.set_episode_id(open[0].second);
  if (open.size() > 1) reply.set_doubled_episode_id(open[1].second);
}

}  // namespace

Command IntakeService::CommandOf(rpc::Call& call, const std::string& request_id,
                                 const std::string& youth_id, const v1::Actor& actor) const {
  call.correlation_id = ports_.commands.IdOf(youth_id, request_id);
  return {.request_id = request_id,
          .youth_id = youth_id,
          .received_at = call.received_at,
          .actor = actor,
          .longest_wait = call.deadline - ports_.clock.Now()};
}

std::vector<IntakeService::KnownAs> IntakeService::IdsOf(const std::string& youth_id) const {
  std::vector<std::string> ids = {youth_id};
  std::vector<KnownAs> known;
  for (size_t i = 0; i < ids.size() && i <= kJoinedIdsMax; ++i) {
    absl::StatusOr<Aggregate> aggregate = ports_.states.Load(ids[i]);
    if (!aggregate.ok()) continue;
    known.push_back({.youth_id = ids[i], .aggregate = *std::move(aggregate)});
    for (const v1::YouthJoined& joined : known.back().state().joined()) {
      if (std::find(ids.begin(), ids.end(), joined.other_youth_id()) == ids.end())
        ids.push_back(joined.other_youth_id());
    }
  }
  return known;
}

// A repetition goes where the first went; then, to where the youth is being looked for already;
// then, to the id that stays.
std::string IntakeService::IdToReportTo(const v1::ReportMissingRequest& request) const {
  const std::vector<KnownAs> known = IdsOf(request.youth_id());
  const KnownAs* earliest = nullptr;
  const v1::Episode* open = nullptr;
  for (const KnownAs& one : known) {
    const std::string command_id = ports_.commands.IdOf(one.youth_id, request.request_id());
    if (one.aggregate.FindOutcome(command_id) != nullptr) return one.youth_id;
    const v1::Episode* own = OpenEpisodeOf(one.state(), request.exercise());
    if (own != nullptr &&
        (open == nullptr || FromProto(own->received_at()) < FromProto(open->received_at()))) {
      earliest = &one;
      open = own;
    }
  }
  if (earliest != nullptr) return earliest->youth_id;
  const v1::YouthJoined* away = known.empty() ? nullptr : JoinedAway(known.front().state());
  for (const KnownAs& one : known) {
    if (away != nullptr && one.youth_id == away->other_youth_id()) return one.youth_id;
  }
  return request.youth_id();
}

grpc::Status IntakeService::ReportMissing(grpc::ServerContext* context,
                                          const v1::ReportMissingRequest* given,
                                          v1::ReportMissingReply* reply) {
  return rpc::Serve(
      *context, "Intake.ReportMissing", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        absl::StatusOr<v1::ReportMissingRequest> checked = Checked(*given, CheckReport, ports_.ids);
        if (!checked.ok()) return checked.status();
        v1::ReportMissingRequest& request = *checked;
        std::string report_to;
        if (request.youth_id().empty()) {
          report_to = ports_.commands.YouthFor(request.request_id());
          request.set_youth_id(report_to);
        } else {
          report_to = IdToReportTo(request);
        }
        Command command = CommandOf(call, request.request_id(), report_to, request.actor());
        command.exercise = request.exercise();
        if (request.has_last_seen_at()) command.occurred_at = FromProto(request.last_seen_at());
        return ports_.commands.Submit(command, request, *reply);
      });
}

void IntakeService::ReturnOthers(const Command& command, const v1::RecordReturnRequest& request,
                                 v1::RecordReturnReply& reply) {
  const std::vector<KnownAs> known = IdsOf(command.youth_id);
  if (known.empty()) return;
  const v1::Episode* returned = EpisodeOf(known.front().state(), request.episode_id());
  for (const KnownAs& one : known) {
    const v1::Episode* open =
        returned == nullptr ? nullptr : OpenEpisodeOf(one.state(), returned->exercise());
    if (open == nullptr || one.youth_id == command.youth_id) continue;
    v1::RecordReturnRequest same = request;
    same.set_episode_id(open->episode_id());
    Command other = command;
    other.youth_id = one.youth_id;
    other.episode_id = open->episode_id();
    v1::RecordReturnReply told;
    const absl::Status status = ports_.commands.Submit(other, same, told);
    reply.add_warnings(status.ok()
                           ? absl::StrCat("the youth's other open episode ", open->episode_id(),
                                          " was ended with this one")
                           : absl::StrCat("the youth's other open episode ", open->episode_id(),
                                          " isn't ended yet; record the return there too"));
  }
}

grpc::Status IntakeService::RecordReturn(grpc::ServerContext* context,
                                         const v1::RecordReturnRequest* given,
                                         v1::RecordReturnReply* reply) {
  return rpc::Serve(
      *context, "Intake.RecordReturn", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        absl::StatusOr<v1::RecordReturnRequest> checked = Checked(*given, CheckReturn, ports_.ids);
        if (!checked.ok()) return checked.status();
        v1::RecordReturnRequest& request = *checked;
        Command command = CommandOf(call, request.request_id(),
                                    std::string(YouthOf(request.episode_id())), request.actor());
        command.episode_id = request.episode_id();
        if (request.has_returned_at()) command.occurred_at = FromProto(request.returned_at());
        const absl::Status status = ports_.commands.Submit(command, request, *reply);
        if (status.ok()) ReturnOthers(command, request, *reply);
        return status;
      });
}

grpc::Status IntakeService::AddToEpisode(grpc::ServerContext* context,
                                         const v1::AddToEpisodeRequest* given,
                                         v1::AddToEpisodeReply* reply) {
  return rpc::Serve(
      *context, "Intake.AddToEpisode", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        absl::StatusOr<v1::AddToEpisodeRequest> checked =
            Checked(*given, CheckAddition, ports_.ids);
        if (!checked.ok()) return checked.status();
        v1::AddToEpisodeRequest& request = *checked;
        const std::string youth_id(YouthOf(request.episode_id()));
        if (!request.photo().empty()) {
          const absl::StatusOr<std::string> photo_id =
              KeepPhoto(youth_id, request.photo(), ports_.keys, ports_.blob);
          if (!photo_id.ok()) return photo_id.status();
          request.clear_photo();
          request.mutable_youth()->set_photo_id(*photo_id);
        }
        Command command = CommandOf(call, request.request_id(), youth_id, request.actor());
        command.episode_id = request.episode_id();
        if (request.has_occurred_at()) command.occurred_at = FromProto(request.occurred_at());
        return ports_.commands.Submit(command, request, *reply);
      });
}

grpc::Status IntakeService::CloseEpisode(grpc::ServerContext* context,
                                         const v1::CloseEpisodeRequest* given,
                                         v1::CloseEpisodeReply* reply) {
  return rpc::Serve(
      *context, "Intake.CloseEpisode", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        absl::StatusOr<v1::CloseEpisodeRequest> checked = Checked(*given, CheckClosing, ports_.ids);
        if (!checked.ok()) return checked.status();
        v1::CloseEpisodeRequest& request = *checked;
        Command command = CommandOf(call, request.request_id(),
                                    std::string(YouthOf(request.episode_id())), request.actor());
        command.episode_id = request.episode_id();
        return ports_.commands.Submit(command, request, *reply);
      });
}

absl::Status IntakeService::Join(rpc::Call& call, const v1::JoinYouthRequest& request,
                                 v1::JoinYouthReply& reply) {
  for (const std::string& youth_id : {request.youth_id(), request.reported_youth_id()}) {
    if (const absl::StatusOr<Aggregate> known = ports_.states.Load(youth_id);
        absl::IsNotFound(known.status())) {
      return absl::NotFoundError(absl::StrCat("nothing is known under the ",
                                              youth_id == request.youth_id() ? "" : "reported ",
                                              "youth id; `porchlight youths` lists the roster, "
                                              "`porchlight episodes` who was reported"));
    }
  }
  const auto tell = [&](int step, const std::string& youth_id, v1::JoinSideRequest side,
                        v1::JoinSideReply& answer) {
    // The reported side is told twice, so each telling has an id of its own.
    side.set_request_id(absl::StrCat(request.request_id(), "/", step));
    *side.mutable_actor() = request.actor();
    return ports_.commands.Submit(CommandOf(call, side.request_id(), youth_id, request.actor()),
                                  side, answer);
  };
  v1::JoinSideRequest to_reported;
  to_reported.set_other_youth_id(request.youth_id());
  v1::JoinSideReply reported;
  absl::Status told = tell(1, request.reported_youth_id(), to_reported, reported);
  if (!told.ok()) return told;
  v1::JoinSideRequest to_roster;
  to_roster.set_other_youth_id(request.reported_youth_id());
  to_roster.set_stays(true);
  if (reported.has_open()) *to_roster.mutable_other_open() = reported.open();
  v1::JoinSideReply roster;
  told = tell(2, request.youth_id(), to_roster, roster);
  if (!told.ok()) return told;
  if (roster.has_open()) *to_reported.mutable_other_open() = roster.open();
  if (roster.has_roster()) *to_reported.mutable_other_roster() = roster.roster();
  told = tell(3, request.reported_youth_id(), to_reported, reported);
  if (!told.ok()) return told;
  reply.set_request_id(request.request_id());
  NameEpisodes(reported, roster, reply);
  return absl::OkStatus();
}

grpc::Status IntakeService::JoinYouth(grpc::ServerContext* context,
                                      const v1::JoinYouthRequest* given,
                                      v1::JoinYouthReply* reply) {
  return rpc::Serve(
      *context, "Intake.JoinYouth", ports_.gate, [&](rpc::Call& call) -> absl::Status {
        const absl::StatusOr<v1::JoinYouthRequest> checked = Checked(*given, CheckJoin, ports_.ids);
        if (!checked.ok()) return checked.status();
        return Join(call, *checked, *reply);
      });
}

absl::Status IntakeService::KeepYouths(rpc::Call& call, const v1::SetYouthsRequest& request,
                                       v1::SetYouthsReply& reply) {
  reply.set_request_id(request.request_id());
  const auto refuse = [&](int index, const absl::Status& why) {
    v1::YouthRefused& refused = *reply.add_refused();
    refused.set_index(static_cast<uint32_t>(index));
    refused.set_error(std::string(why.message()));
  };
  std::set<std::string> seen;
  std::vector<int> indexes;
  std::vector<v1::SetYouthsRequest> commands;
  for (int i = 0; i < request.youths_size(); ++i) {
    const v1::Youth& youth = request.youths(i);
    absl::Status checked = CheckYouth(youth);
    if (checked.ok() && !seen.insert(youth.youth_id()).second)
      checked =
          absl::InvalidArgumentError("youth_id stands here a second time; only the first counts");
    if (!checked.ok()) {
      refuse(i, checked);
      continue;
    }
    indexes.push_back(i);
    v1::SetYouthsRequest& one = commands.emplace_back();
    one.set_request_id(request.request_id());
    *one.mutable_actor() = request.actor();
    *one.add_youths() = youth;
  }
  std::vector<v1::SetYouthsReply> replies(commands.size());
  std::vector<Submission> submissions;
  for (size_t i = 0; i < commands.size(); ++i) {
    submissions.push_back({.command = CommandOf(call, request.request_id(),
                                                commands[i].youths(0).youth_id(), request.actor()),
                           .payload = &commands[i],
                           .reply = &replies[i]});
  }
  const std::vector<absl::Status> statuses = ports_.commands.SubmitAll(submissions);
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (absl::IsUnavailable(statuses[i])) return statuses[i];
    if (!statuses[i].ok()) refuse(indexes[i], statuses[i]);
    reply.set_added(reply.added() + replies[i].added());
    reply.set_changed(reply.changed() + replies[i].changed());
    reply.set_unchanged(reply.unchanged() + replies[i].unchanged());
  }
  return absl::OkStatus();
}

grpc::Status IntakeService::SetYouths(grpc::ServerContext* context,
                                      const v1::SetYouthsRequest* given,
                                      v1::SetYouthsReply* reply) {
  return rpc::Serve(*context, "Intake.SetYouths", ports_.gate,
                    [&](rpc::Call& call) -> absl::Status {
                      const absl::StatusOr<v1::SetYouthsRequest> checked =
                          Checked(*given, CheckYouths, ports_.ids);
                      if (!checked.ok()) return checked.status();
                      return KeepYouths(call, *checked, *reply);
                    });
}

grpc::Status IntakeService::GetEpisode(grpc::ServerContext* context,
                                       const v1::GetEpisodeRequest* request,
                                       v1::GetEpisodeReply* reply) {
  return rpc::Serve(*context, "Intake.GetEpisode", ports_.gate, [&](rpc::Call&) -> absl::Status {
    if (absl::Status checked = CheckEpisodeId(request->episode_id()); !checked.ok()) return checked;
    const absl::StatusOr<Aggregate> known =
        ports_.states.Load(std::string(YouthOf(request->episode_id())));
    if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
    const v1::Episode* episode =
        known.ok() ? EpisodeOf(static_cast<const v1::IntakeState&>(*known->rules_state),
                               request->episode_id())
                   : nullptr;
    if (episode == nullptr) {
      return absl::NotFoundError(
          "there is no such episode; `porchlight episodes --all` lists those that there are");
    }
    *reply->mutable_episode() = *episode;
    return absl::OkStatus();
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

grpc::Status IntakeService::ListYouths(grpc::ServerContext* context,
                                       const v1::ListYouthsRequest* request,
                                       v1::ListYouthsReply* reply) {
  return rpc::Serve(*context, "Intake.ListYouths", ports_.gate, [&](rpc::Call&) -> absl::Status {
    const absl::StatusOr<size_t> page_size = PageSize(request->page_size());
    if (!page_size.ok()) return page_size.status();
    const absl::StatusOr<StatePage> page =
        ports_.states.List(false, *page_size, request->page_token());
    if (!page.ok()) return page.status();
    for (const auto& [youth_id, aggregate] : page->aggregates) {
      const auto& state = static_cast<const v1::IntakeState&>(*aggregate.rules_state);
      if (state.has_youth()) *reply->add_youths() = state.youth();
    }
    reply->set_next_page_token(page->next_page_token);
    return absl::OkStatus();
  });
}

ServiceModule IntakeModule() {
  return {
      .name = "intake",
      .make_rules = [](const RulesOptions&) { return std::make_unique<IntakeRules>(); },
      .make_edge = [](const EdgePorts& ports) { return std::make_shared<IntakeService>(ports); }};
}

}  // namespace porchlight
