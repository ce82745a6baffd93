#include "services/intake/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/episode/facts.h"
#include "common/episode/oddities.h"
#include "google/protobuf/util/message_differencer.h"
#include "porchlight/v1/join.pb.h"

namespace porchlight {
namespace {

using google::protobuf::util::MessageDifferencer;

Decision Refuse(absl::Status why) {
  Decision decision;
  decision.refusal = std::move(why);
  return decision;
}

Decision NoSuchEpisode() {
  return Refuse(absl::NotFoundError(
      "there is no such episode; `porchlight episodes` lists the open ones. If nobody reported the "
      "youth missing, report that first, then the return."));
}

template <typename Payload>
Payload& AddEvent(const v1::Episode& episode, Decision& decision) {
  auto payload = std::make_unique<Payload>();
  *payload->mutable_episode() = episode;
  Payload& added = *payload;
  decision.events.push_back({.payload = std::move(payload),
                             .episode_id = episode.episode_id(),
                             .occurred_at = std::nullopt});
  return added;
}

template <typename Reply, typename Request>
std::unique_ptr<Reply> NewReply(const Request& request, const v1::Episode& episode,
                                const Input& input) {
  auto reply = std::make_unique<Reply>();
  reply->set_request_id(request.request_id());
  reply->set_youth_id(episode.youth_id());
  reply->set_episode_id(episode.episode_id());
  *reply->mutable_received_at() = input.header.received_at();
  return reply;
}

void NameUnknown(v1::Episode& episode) {
  const std::vector<std::string> unknown = StillUnknown(episode);
  episode.mutable_still_unknown()->Assign(unknown.begin(), unknown.end());
}

// A jurisdiction without a pack has the nearest pack above it, in the end the federal one.
bool HasPack(const v1::Directory& directory, const std::string& jurisdiction) {
  return jurisdiction.empty() || directory.packs().empty() ||
         std::any_of(directory.packs().begin(), directory.packs().end(),
                     [&](const v1::PolicyPack& pack) {
                       return pack.pack_id() == jurisdiction || pack.jurisdiction() == jurisdiction;
                     });
}

v1::Episode NewEpisode(const v1::IntakeState& state, const Input& input) {
  v1::Episode episode;
  episode.set_youth_id(input.header.youth_id());
  episode.set_episode_id(absl::StrCat(input.header.youth_id(), "_e", state.episodes_size() + 1));
  episode.set_state(v1::EPISODE_STATE_MISSING);
  *episode.mutable_received_at() = input.header.received_at();
  episode.set_exercise(input.header.exercise());
  // What the roster has counts; what it hasn't is taken from the episode before.
  FillFromRoster(state.youth(), {}, episode);
  if (!state.episodes().empty()) {
    v1::YouthFacts known = LastingFacts(state.episodes().rbegin()->youth());
    MergeFacts(episode.youth(), known);
    *episode.mutable_youth() = std::move(known);
  }
  for (const v1::YouthJoined& joined : state.joined())
    episode.add_joined_youth_ids(joined.other_youth_id());
  return episode;
}

Decision DecideReport(const v1::IntakeState& state, const Input& input,
                      const v1::ReportMissingRequest& report, const v1::Directory& directory) {
  Decision decision;
  const v1::Episode* open = OpenEpisodeOf(state, input.header.exercise());
  v1::Episode episode = open != nullptr ? *open : NewEpisode(state, input);
  const std::vector<std::string> odd = Oddities(report, episode, input.now);
  const std::vector<std::string> changed =
      MergeReport(report, FromProto(input.header.received_at()), episode);
  episode.add_report_ids(input.input_id);
  NameUnknown(episode);

  auto reply = NewReply<v1::ReportMissingReply>(report, episode, input);
  reply->set_result(open != nullptr ? v1::REPORT_RESULT_LINKED_TO_OPEN_EPISODE
                                    : v1::REPORT_RESULT_EPISODE_OPENED);
  *reply->mutable_still_unknown() = episode.still_unknown();
  reply->mutable_warnings()->Assign(odd.begin(), odd.end());
  if (!HasPack(directory, report.jurisdiction())) {
    reply->add_warnings(
        "no policy pack is in force for this jurisdiction, so the nearest one above it applies, in "
        "the end the federal one: please check it");
  }
  if (open != nullptr) {
    v1::EpisodeUpdated& updated = AddEvent<v1::EpisodeUpdated>(episode, decision);
    updated.set_report_id(input.input_id);
    updated.mutable_changed()->Assign(changed.begin(), changed.end());
  } else {
    AddEvent<v1::EpisodeOpened>(episode, decision);
  }
  decision.reply = std::move(reply);
  return decision;
}

Decision DecideReturn(const v1::IntakeState& state, const Input& input,
                      const v1::RecordReturnRequest& request) {
  const v1::Episode* known = EpisodeOf(state, request.episode_id());
  if (known == nullptr) return NoSuchEpisode();
  if (known->state() != v1::EPISODE_STATE_MISSING) {
    return Refuse(absl::FailedPreconditionError(
        "this episode has already ended: the return was recorded before. Nothing was changed; tell "
        "what is new with `porchlight add`."));
  }
  Decision decision;
  decision.exercise = known->exercise();
  auto reply = NewReply<v1::RecordReturnReply>(request, *known, input);
  const std::vector<std::string> odd = Oddities(request, *known, input.now);
  reply->mutable_warnings()->Assign(odd.begin(), odd.end());
  v1::Episode episode = *known;
  episode.set_state(v1::EPISODE_STATE_RETURNED);
  episode.set_recovered_where(request.recovered_where());
  *episode.mutable_return_received_at() = input.header.received_at();
  if (request.has_returned_at()) *episode.mutable_returned_at() = request.returned_at();
  AddEvent<v1::YouthReturned>(episode, decision).set_circumstances(request.circumstances());
  decision.reply = std::move(reply);
  return decision;
}

Decision DecideAddition(const v1::IntakeState& state, const Input& input,
                        const v1::AddToEpisodeRequest& request) {
  const v1::Episode* known = EpisodeOf(state, request.episode_id());
  if (known == nullptr) return NoSuchEpisode();
  if (known->state() == v1::EPISODE_STATE_CLOSED) {
    return Refuse(absl::FailedPreconditionError(
        "this episode is closed, so nothing was added to it. If the youth is missing again, report "
        "that; `porchlight episodes` lists the open ones."));
  }
  Decision decision;
  decision.exercise = known->exercise();
  auto reply = NewReply<v1::AddToEpisodeReply>(request, *known, input);
  const std::vector<std::string> odd = Oddities(request, *known, input.now);
  reply->mutable_warnings()->Assign(odd.begin(), odd.end());
  v1::Episode episode = *known;
  const std::vector<std::string> changed =
      MergeAddition(request, FromProto(input.header.received_at()), episode);
  NameUnknown(episode);
  v1::EpisodeUpdated& updated = AddEvent<v1::EpisodeUpdated>(episode, decision);
  updated.set_report_id(input.input_id);
  updated.mutable_changed()->Assign(changed.begin(), changed.end());
  updated.set_fact_kind(request.kind());
  decision.reply = std::move(reply);
  return decision;
}

Decision DecideClosing(const v1::IntakeState& state, const Input& input,
                       const v1::CloseEpisodeRequest& request) {
  const v1::Episode* known = EpisodeOf(state, request.episode_id());
  if (known == nullptr) return NoSuchEpisode();
  if (known->state() == v1::EPISODE_STATE_CLOSED) {
    return Refuse(
        absl::FailedPreconditionError("this episode was closed before. Nothing was changed."));
  }
  if (request.reason() == v1::CLOSE_REASON_RETURNED &&
      known->state() != v1::EPISODE_STATE_RETURNED) {
    return Refuse(absl::FailedPreconditionError(
        "no return is recorded for this episode, so it can't be closed as returned. Record the "
        "return first, or close it for another reason."));
  }
  Decision decision;
  decision.exercise = known->exercise();
  v1::Episode episode = *known;
  episode.set_state(v1::EPISODE_STATE_CLOSED);
  episode.set_close_reason(request.reason());
  *episode.mutable_closed_at() = input.header.received_at();
  AddEvent<v1::EpisodeClosed>(episode, decision).set_text(request.text());
  decision.reply = NewReply<v1::CloseEpisodeReply>(request, episode, input);
  return decision;
}

// Tells what changed in an open episode without a report of it, if anything did. A drill is left as
// it was begun: what follows from a live record is never a drill's.
void TellUpdate(v1::Episode episode, const v1::Episode& before,
                const std::vector<std::string>& changed, Decision& decision) {
  if (MessageDifferencer::Equals(episode, before)) return;
  NameUnknown(episode);
  v1::EpisodeUpdated& updated = AddEvent<v1::EpisodeUpdated>(episode, decision);
  updated.mutable_changed()->Assign(changed.begin(), changed.end());
  updated.set_fact_kind(v1::FACT_KIND_OTHER);
}

Decision DecideYouth(const v1::IntakeState& state, const v1::SetYouthsRequest& request) {
  if (request.youths_size() != 1) return {};
  const v1::Youth& youth = request.youths(0);
  Decision decision;
  auto reply = std::make_unique<v1::SetYouthsReply>();
  reply->set_request_id(request.request_id());
  if (!state.has_youth()) {
    reply->set_added(1);
  } else if (MessageDifferencer::Equals(state.youth(), youth)) {
    reply->set_unchanged(1);
  } else {
    reply->set_changed(1);
  }
  decision.reply = std::move(reply);
  if (state.has_youth() && MessageDifferencer::Equals(state.youth(), youth)) return decision;
  auto set = std::make_unique<v1::YouthSet>();
  *set->mutable_youth() = youth;
  decision.events.push_back(
      {.payload = std::move(set), .episode_id = "", .occurred_at = std::nullopt});
  if (const v1::Episode* open = OpenEpisodeOf(state, false)) {
    v1::Episode episode = *open;
    const std::vector<std::string> changed = FillFromRoster(youth, state.youth(), episode);
    TellUpdate(std::move(episode), *open, changed, decision);
  }
  return decision;
}

const v1::YouthJoined* JoinedTo(const v1::IntakeState& state, absl::string_view other_youth_id) {
  for (const v1::YouthJoined& joined : state.joined()) {
    if (joined.other_youth_id() == other_youth_id) return &joined;
  }
  return nullptr;
}

// Of two episodes the one that the agency knew of first counts; of those of one moment, by id.
bool IsLater(const v1::Episode& own, const v1::OpenEpisode& other) {
  return std::pair(FromProto(own.received_at()), absl::string_view(own.episode_id())) >
         std::pair(FromProto(other.received_at()), absl::string_view(other.episode_id()));
}

absl::Status JoinRefusal(const v1::IntakeState& state, const v1::JoinSideRequest& request) {
  if (state.episodes().empty() && !state.has_youth()) {
    return absl::NotFoundError(
        "nothing is known under one of the two ids; `porchlight youths` lists the roster, "
        "`porchlight episodes --all` who was reported");
  }
  for (const v1::YouthJoined& joined : state.joined()) {
    const bool same = joined.other_youth_id() == request.other_youth_id();
    if (same ? joined.stays() != request.stays() : !joined.stays() && !request.stays()) {
      return absl::FailedPreconditionError(
          "this youth was joined before, the other way round or to another youth of the roster; "
          "join to the id that stays, which `porchlight youths` lists. Nothing was changed");
    }
  }
  if (JoinedTo(state, request.other_youth_id()) == nullptr &&
      state.joined_size() >= static_cast<int>(kJoinedIdsMax)) {
    return absl::FailedPreconditionError(
        absl::StrCat("this youth is already known under ", kJoinedIdsMax,
                     " other ids, and no more can be joined; use one of those"));
  }
  return absl::OkStatus();
}

Decision DecideJoin(const v1::IntakeState& state, const v1::JoinSideRequest& request) {
  if (absl::Status refusal = JoinRefusal(state, request); !refusal.ok()) return Refuse(refusal);
  Decision decision;
  auto reply = std::make_unique<v1::JoinSideReply>();
  reply->set_request_id(request.request_id());
  if (state.has_youth()) *reply->mutable_roster() = state.youth();
  const v1::YouthJoined* before = JoinedTo(state, request.other_youth_id());
  auto joined = std::make_unique<v1::YouthJoined>();
  if (before != nullptr) *joined = *before;
  joined->set_other_youth_id(request.other_youth_id());
  joined->set_stays(request.stays());
  if (request.has_other_open()) joined->set_open_episode_id(request.other_open().episode_id());
  if (const v1::Episode* open = OpenEpisodeOf(state, false)) {
    reply->mutable_open()->set_episode_id(open->episode_id());
    *reply->mutable_open()->mutable_received_at() = open->received_at();
    v1::Episode episode = *open;
    const std::vector<std::string> changed = FillFromRoster(request.other_roster(), {}, episode);
    const auto& ids = episode.joined_youth_ids();
    if (std::find(ids.begin(), ids.end(), request.other_youth_id()) == ids.end())
      episode.add_joined_youth_ids(request.other_youth_id());
    if (request.has_other_open()) {
      const bool later = IsLater(*open, request.other_open());
      if (later) episode.set_same_as_episode_id(request.other_open().episode_id());
      joined->set_doubled_episode_id(later ? open->episode_id()
                                           : request.other_open().episode_id());
    }
    TellUpdate(std::move(episode), *open, changed, decision);
  }
  if (before == nullptr || !MessageDifferencer::Equals(*joined, *before)) {
    decision.events.insert(
        decision.events.begin(),
        {.payload = std::move(joined), .episode_id = "", .occurred_at = std::nullopt});
  }
  decision.reply = std::move(reply);
  return decision;
}

}  // namespace

const v1::Episode* OpenEpisodeOf(const v1::IntakeState& state, bool exercise) {
  for (const v1::Episode& episode : state.episodes()) {
    // A drill and the real thing never share an episode.
    if (episode.state() == v1::EPISODE_STATE_MISSING && episode.exercise() == exercise)
      return &episode;
  }
  return nullptr;
}

const v1::Episode* EpisodeOf(const v1::IntakeState& state, absl::string_view episode_id) {
  for (const v1::Episode& episode : state.episodes()) {
    if (episode.episode_id() == episode_id) return &episode;
  }
  return nullptr;
}

std::string IntakeRules::AggregateId(const v1::RecordHeader& header,
                                     const google::protobuf::Message&) const {
  return header.youth_id();
}

std::unique_ptr<google::protobuf::Message> IntakeRules::NewState() const {
  return std::make_unique<v1::IntakeState>();
}

Decision IntakeRules::Decide(const google::protobuf::Message& state, const Input& input,
                             const v1::Directory& directory) const {
  const auto& intake = static_cast<const v1::IntakeState&>(state);
  if (const auto* report = As<v1::ReportMissingRequest>(input.payload))
    return DecideReport(intake, input, *report, directory);
  if (const auto* request = As<v1::RecordReturnRequest>(input.payload))
    return DecideReturn(intake, input, *request);
  if (const auto* request = As<v1::AddToEpisodeRequest>(input.payload))
    return DecideAddition(intake, input, *request);
  if (const auto* request = As<v1::CloseEpisodeRequest>(input.payload))
    return DecideClosing(intake, input, *request);
  if (const auto* request = As<v1::SetYouthsRequest>(input.payload))
    return DecideYouth(intake, *request);
  if (const auto* request = As<v1::JoinSideRequest>(input.payload))
    return DecideJoin(intake, *request);
  return {};
}

void IntakeRules::Evolve(google::protobuf::Message& state, const Event& event) const {
  auto& intake = static_cast<v1::IntakeState&>(state);
  if (const auto* set = As<v1::YouthSet>(&event.payload)) *intake.mutable_youth() = set->youth();
  if (const auto* joined = As<v1::YouthJoined>(&event.payload)) {
    auto& known = *intake.mutable_joined();
    const auto found = std::find_if(known.begin(), known.end(), [&](const v1::YouthJoined& one) {
      return one.other_youth_id() == joined->other_youth_id();
    });
    *(found != known.end() ? &*found : intake.add_joined()) = *joined;
  }
  const v1::Episode* now = nullptr;
  if (const auto* opened = As<v1::EpisodeOpened>(&event.payload)) now = &opened->episode();
  if (const auto* updated = As<v1::EpisodeUpdated>(&event.payload)) now = &updated->episode();
  if (const auto* returned = As<v1::YouthReturned>(&event.payload)) now = &returned->episode();
  if (const auto* closed = As<v1::EpisodeClosed>(&event.payload)) now = &closed->episode();
  if (now == nullptr) return;
  for (v1::Episode& known : *intake.mutable_episodes()) {
    if (known.episode_id() != now->episode_id()) continue;
    known = *now;
    return;
  }
  *intake.add_episodes() = *now;
}

bool IntakeRules::Active(const google::protobuf::Message& state) const {
  const auto& intake = static_cast<const v1::IntakeState&>(state);
  return OpenEpisodeOf(intake, false) != nullptr || OpenEpisodeOf(intake, true) != nullptr;
}

}  // namespace porchlight
