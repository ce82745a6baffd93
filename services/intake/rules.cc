#include "services/intake/rules.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"

namespace porchlight {
namespace {

// A clock on a phone may be a little ahead.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);

void MergeText(absl::string_view name, const std::string& told, std::string& known,
               std::vector<std::string>& changed) {
  if (told.empty() || told == known) return;
  known = told;
  changed.emplace_back(name);
}

// A drill and the real thing never share an episode.
v1::Episode* OpenEpisode(v1::IntakeState& state, bool exercise) {
  for (v1::Episode& episode : *state.mutable_episodes()) {
    if (episode.state() == v1::EPISODE_STATE_MISSING && episode.exercise() == exercise)
      return &episode;
  }
  return nullptr;
}

v1::Episode* FindEpisode(v1::IntakeState& state, absl::string_view episode_id) {
  for (v1::Episode& episode : *state.mutable_episodes()) {
    if (episode.episode_id() == episode_id) return &episode;
  }
  return nullptr;
}

template <typename Reply>
void AddWarning(bool odd, absl::string_view text, Reply& reply) {
  if (odd) reply.add_warnings(std::string(text));
}

Decision DecideReport(v1::IntakeState state, const Input& input,
                      const v1::ReportMissingRequest& report) {
  Decision decision;
  auto reply = std::make_unique<v1::ReportMissingReply>();
  v1::Episode* open = OpenEpisode(state, input.header.exercise());
  const bool linked = open != nullptr;
  v1::Episode episode;
  if (linked) {
    episode = *open;
  } else {
    episode.set_youth_id(input.header.youth_id());
    episode.set_episode_id(absl::StrCat(input.header.youth_id(), "_e", state.episodes_size() + 1));
    episode.set_state(v1::EPISODE_STATE_MISSING);
    *episode.mutable_received_at() = input.header.received_at();
    episode.set_exercise(input.header.exercise());
    if (!state.episodes().empty()) *episode.mutable_youth() = state.episodes().rbegin()->youth();
  }
  const std::vector<std::string> changed = MergeReport(report, episode);
  episode.add_report_ids(input.input_id);
  const std::vector<std::string> unknown = StillUnknown(episode);
  episode.mutable_still_unknown()->Assign(unknown.begin(), unknown.end());

  reply->set_request_id(report.request_id());
  reply->set_youth_id(episode.youth_id());
  reply->set_episode_id(episode.episode_id());
  *reply->mutable_received_at() = input.header.received_at();
  reply->set_result(linked ? v1::REPORT_RESULT_LINKED_TO_OPEN_EPISODE
                           : v1::REPORT_RESULT_EPISODE_OPENED);
  reply->mutable_still_unknown()->Assign(unknown.begin(), unknown.end());
  AddWarning(
      report.has_last_seen_at() && FromProto(report.last_seen_at()) > input.now + kClockTolerance,
      "last_seen_at is in the future: please check the date and the time zone", *reply);

  NewEvent event{
      .payload = nullptr, .episode_id = episode.episode_id(), .occurred_at = std::nullopt};
  if (linked) {
    auto updated = std::make_unique<v1::EpisodeUpdated>();
    updated->set_report_id(input.input_id);
    updated->mutable_changed()->Assign(changed.begin(), changed.end());
    *updated->mutable_episode() = std::move(episode);
    event.payload = std::move(updated);
  } else {
    auto opened = std::make_unique<v1::EpisodeOpened>();
    *opened->mutable_episode() = std::move(episode);
    event.payload = std::move(opened);
  }
  decision.events.push_back(std::move(event));
  decision.reply = std::move(reply);
  return decision;
}

Decision DecideReturn(v1::IntakeState state, const Input& input,
                      const v1::RecordReturnRequest& request) {
  Decision decision;
  v1::Episode* episode = FindEpisode(state, request.episode_id());
  if (episode == nullptr) {
    decision.refusal = absl::NotFoundError(
        "there is no such episode; `porchlight episodes` lists the open ones. If nobody reported "
        "the youth missing, report "
        "that first, then the return.");
    return decision;
  }
  if (episode->state() != v1::EPISODE_STATE_MISSING) {
    decision.refusal = absl::FailedPreconditionError(
        "this episode has already ended: the return was recorded before. Nothing was changed.");
    return decision;
  }
  decision.exercise = episode->exercise();
  auto reply = std::make_unique<v1::RecordReturnReply>();
  reply->set_request_id(request.request_id());
  reply->set_youth_id(episode->youth_id());
  reply->set_episode_id(episode->episode_id());
  *reply->mutable_received_at() = input.header.received_at();
  episode->set_state(v1::EPISODE_STATE_RETURNED);
  episode->set_recovered_where(request.recovered_where());
  if (request.has_returned_at()) {
    const absl::Time returned_at = FromProto(request.returned_at());
    *episode->mutable_returned_at() = request.returned_at();
    AddWarning(returned_at > input.now + kClockTolerance,
               "returned_at is in the future: please check the date and the time zone", *reply);
    AddWarning(episode->has_last_seen_at() && returned_at < FromProto(episode->last_seen_at()),
               "returned_at is before the youth was last seen: please check both times", *reply);
  }
  auto returned = std::make_unique<v1::YouthReturned>();
  *returned->mutable_episode() = *episode;
  returned->set_circumstances(request.circumstances());
  decision.events.push_back({.payload = std::move(returned),
                             .episode_id = episode->episode_id(),
                             .occurred_at = std::nullopt});
  decision.reply = std::move(reply);
  return decision;
}

}  // namespace

std::vector<std::string> StillUnknown(const v1::Episode& episode) {
  const v1::YouthFacts& youth = episode.youth();
  std::vector<std::string> unknown;
  const auto ask = [&](bool known, absl::string_view name) {
    if (!known) unknown.emplace_back(name);
  };
  ask(!youth.first_name().empty(), "first_name");
  ask(!youth.last_name().empty(), "last_name");
  ask(!youth.date_of_birth().empty(), "date_of_birth");
  ask(!youth.physical_description().empty(), "physical_description");
  ask(!youth.clothing().empty(), "clothing");
  ask(!youth.endangerment().empty(), "endangerment");
  ask(!youth.health().empty(), "health");
  ask(!episode.placement().empty(), "placement");
  ask(!episode.last_seen_place().empty(), "last_seen_place");
  ask(episode.has_last_seen_at(), "last_seen_at");
  ask(!episode.circumstances().empty(), "circumstances");
  ask(!episode.jurisdiction().empty(), "jurisdiction");
  return unknown;
}

std::vector<std::string> MergeReport(const v1::ReportMissingRequest& report, v1::Episode& episode) {
  std::vector<std::string> changed;
  const v1::YouthFacts& told = report.youth();
  v1::YouthFacts& known = *episode.mutable_youth();
  MergeText("first_name", told.first_name(), *known.mutable_first_name(), changed);
  MergeText("last_name", told.last_name(), *known.mutable_last_name(), changed);
  MergeText("preferred_name", told.preferred_name(), *known.mutable_preferred_name(), changed);
  MergeText("pronouns", told.pronouns(), *known.mutable_pronouns(), changed);
  MergeText("date_of_birth", told.date_of_birth(), *known.mutable_date_of_birth(), changed);
  MergeText("physical_description", told.physical_description(),
            *known.mutable_physical_description(), changed);
  MergeText("clothing", told.clothing(), *known.mutable_clothing(), changed);
  MergeText("endangerment", told.endangerment(), *known.mutable_endangerment(), changed);
  MergeText("health", told.health(), *known.mutable_health(), changed);
  MergeText("placement", report.placement(), *episode.mutable_placement(), changed);
  MergeText("last_seen_place", report.last_seen_place(), *episode.mutable_last_seen_place(),
            changed);
  if (report.has_last_seen_at() &&
      (!episode.has_last_seen_at() ||
       FromProto(report.last_seen_at()) != FromProto(episode.last_seen_at()))) {
    *episode.mutable_last_seen_at() = report.last_seen_at();
    changed.emplace_back("last_seen_at");
  }
  MergeText("circumstances", report.circumstances(), *episode.mutable_circumstances(), changed);
  MergeText("jurisdiction", report.jurisdiction(), *episode.mutable_jurisdiction(), changed);
  MergeText("reporter_contact", report.reporter_contact(), *episode.mutable_reporter_contact(),
            changed);
  return changed;
}

std::string IntakeRules::AggregateId(const v1::RecordHeader& header,
                                     const google::protobuf::Message&) const {
  return header.youth_id();
}

std::unique_ptr<google::protobuf::Message> IntakeRules::NewState() const {
  return std::make_unique<v1::IntakeState>();
}

Decision IntakeRules::Decide(const google::protobuf::Message& state, const Input& input,
                             const v1::Directory&) const {
  const auto& intake = static_cast<const v1::IntakeState&>(state);
  if (const auto* report = As<v1::ReportMissingRequest>(input.payload))
    return DecideReport(intake, input, *report);
  if (const auto* request = As<v1::RecordReturnRequest>(input.payload))
    return DecideReturn(intake, input, *request);
  return {};
}

void IntakeRules::Evolve(google::protobuf::Message& state, const Event& event) const {
  auto& intake = static_cast<v1::IntakeState&>(state);
  const v1::Episode* now = nullptr;
  if (const auto* opened = As<v1::EpisodeOpened>(&event.payload)) now = &opened->episode();
  if (const auto* updated = As<v1::EpisodeUpdated>(&event.payload)) now = &updated->episode();
  if (const auto* returned = As<v1::YouthReturned>(&event.payload)) now = &returned->episode();
  if (now == nullptr) return;
  v1::Episode* known = FindEpisode(intake, now->episode_id());
  *(known != nullptr ? known : intake.add_episodes()) = *now;
}

bool IntakeRules::Active(const google::protobuf::Message& state) const {
  const auto& intake = static_cast<const v1::IntakeState&>(state);
  return !intake.episodes().empty() &&
         intake.episodes().rbegin()->state() == v1::EPISODE_STATE_MISSING;
}

}  // namespace porchlight
