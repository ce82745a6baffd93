#include "services/screening/rules.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/time.h"
#include "common/policy/facts.h"
#include "common/policy/in_force.h"
#include "common/screening/tasks.h"

namespace porchlight {
namespace {

// A clock on a phone may be a little ahead.
constexpr absl::Duration kClockTolerance = absl::Minutes(5);
constexpr absl::Duration kDeferralUsualMost = absl::Hours(24 * 30);

bool Identified(const v1::ScreeningState& state) {
  return std::any_of(state.identifications().begin(), state.identifications().end(),
                     [](const v1::Identification& one) {
                       return one.decision() == v1::IDENTIFICATION_DECISION_IDENTIFIED;
                     });
}

// Those that aren't as the state has them. One of which nothing but the pack's version changed
// keeps the version that it was computed from.
std::vector<v1::ScreeningTask> Changed(const v1::ScreeningState& state,
                                       std::vector<v1::ScreeningTask> tasks) {
  const auto same = [&](v1::ScreeningTask task) {
    for (const v1::ScreeningTask& known : state.tasks()) {
      if (known.task_id() != task.task_id()) continue;
      task.set_policy_hash(known.policy_hash());
      return task.SerializeAsString() == known.SerializeAsString();
    }
    return false;
  };
  tasks.erase(std::remove_if(tasks.begin(), tasks.end(), same), tasks.end());
  return tasks;
}

void Decided(const v1::Identification& identification, v1::ScreeningState& state) {
  *state.add_identifications() = identification;
  state.set_decision_awaited(false);
}

void Apply(const google::protobuf::Message& payload, v1::ScreeningState& state) {
  if (const auto* expected = As<v1::ScreeningExpected>(&payload)) {
    *state.mutable_episode() = expected->episode();
    MergeTasks(expected->tasks(), state);
  } else if (const auto* scheduled = As<v1::ScreeningScheduled>(&payload)) {
    *state.mutable_episode() = scheduled->episode();
    *state.mutable_return_received_at() = scheduled->return_received_at();
    MergeTasks(scheduled->tasks(), state);
  } else if (const auto* deferred = As<v1::ScreeningDeferred>(&payload)) {
    state.mutable_deferrals()->MergeFrom(deferred->deferrals());
    MergeTasks(deferred->tasks(), state);
  } else if (const auto* completed = As<v1::ScreeningCompleted>(&payload)) {
    *state.add_results() = completed->result();
    if (completed->decision_awaited()) state.set_decision_awaited(true);
    MergeTasks(completed->tasks(), state);
  } else if (const auto* interview = As<v1::InterviewRecorded>(&payload)) {
    *state.add_interviews() = interview->interview();
    MergeTasks(interview->tasks(), state);
  } else if (const auto* exposure = As<v1::ExposureRecorded>(&payload)) {
    if (!state.has_exposure_known_at()) *state.mutable_exposure_known_at() = exposure->known_at();
    if (exposure->has_last_exposure_at())
      *state.mutable_last_exposure_at() = exposure->last_exposure_at();
    MergeTasks(exposure->tasks(), state);
  } else if (const auto* offer = As<v1::MedicalOfferRecorded>(&payload)) {
    *state.add_offers() = offer->offer();
    MergeTasks(offer->tasks(), state);
  } else if (const auto* photo = As<v1::ReturnPhotoRecorded>(&payload)) {
    *state.add_photos() = photo->photo();
    MergeTasks(photo->tasks(), state);
  } else if (const auto* identified = As<v1::VictimIdentified>(&payload)) {
    Decided(identified->identification(), state);
    MergeTasks(identified->tasks(), state);
  } else if (const auto* not_identified = As<v1::VictimNotIdentified>(&payload)) {
    Decided(not_identified->identification(), state);
    MergeTasks(not_identified->tasks(), state);
  }
}

Decision Refuse(absl::Status why) {
  Decision decision;
  decision.refusal = std::move(why);
  return decision;
}

Decision Missing(absl::string_view field, absl::string_view what_to_do) {
  return Refuse(absl::InvalidArgumentError(absl::StrCat(field, " is missing: ", what_to_do)));
}

// One command or event, on the state that it finds.
class Desk {
 public:
  Desk(const v1::ScreeningState& state, const Input& input, const v1::Directory& directory)
      : state_(state),
        input_(input),
        directory_(directory),
        received_(FromProto(input.header.received_at())) {}

  Decision Hear(const v1::Episode& episode) const {
    if (state_.episode().SerializeAsString() == PolicyPartOf(episode).SerializeAsString())
      return {};
    v1::ScreeningExpected expected;
    *expected.mutable_episode() = PolicyPartOf(episode);
    return Record(std::move(expected), std::nullopt);
  }

  Decision HearReturn(const v1::Episode& episode) const {
    const bool again = state_.has_return_received_at();
    if (again && state_.episode().SerializeAsString() == PolicyPartOf(episode).SerializeAsString())
      return {};
    v1::ScreeningScheduled scheduled;
    *scheduled.mutable_episode() = PolicyPartOf(episode);
    *scheduled.mutable_return_received_at() =
        again ? state_.return_received_at() : input_.header.received_at();
    return Record(std::move(scheduled), std::nullopt);
  }

  Decision Defer(const v1::DeferScreeningRequest& request) {
    const absl::Time until = FromProto(request.until());
    if (absl::StripAsciiWhitespace(request.reason()).empty())
      return Missing("reason", "say why the task is put off; it is kept with the new date");
    if (request.approver_id().empty())
      return Missing("approver_id", "give the worker id of the person who approved it");
    if (!request.has_until()) return Missing("until", "give the new date");
    if (until <= received_) {
      return Refuse(absl::InvalidArgumentError(
          "until is in the past: give the date and time by which it is to be done instead"));
    }
    const absl::StatusOr<std::vector<const v1::ScreeningTask*>> tasks =
        Find(request.task_id(), v1::DUTY_ACTION_SCREENING);
    if (!tasks.ok()) return Refuse(tasks.status());
    v1::ScreeningDeferred deferred;
    for (const v1::ScreeningTask* task : *tasks) {
      if (!IsOpen(*task)) continue;
      if (!task->may_be_deferred()) {
        return Refuse(absl::FailedPreconditionError(
            absl::StrCat("the policy pack doesn't let ", task->rule_id(),
                         " be put off; do it by its time, and record that")));
      }
      v1::ScreeningDeferral& deferral = *deferred.add_deferrals();
      deferral.set_task_id(task->task_id());
      deferral.set_reason(request.reason());
      *deferral.mutable_until() = request.until();
      deferral.set_approver_id(request.approver_id());
      *deferral.mutable_deferred_at() = input_.header.received_at();
    }
    if (deferred.deferrals().empty()) {
      return Refuse(absl::FailedPreconditionError(
          "this task isn't open any more, so there is nothing to put off"));
    }
    Warn(until > received_ + kDeferralUsualMost,
         "until is more than 30 days away: please check the date");
    return Answer(request.request_id(), std::move(deferred), received_);
  }

  Decision Complete(const v1::CompleteScreeningRequest& request) {
    v1::ScreeningCompleted completed;
    v1::ScreeningResult& result = *completed.mutable_result();
    result = request.result();
    if (result.tool_id().empty()) return Missing("tool_id", "name the screening tool");
    if (result.tool_version().empty()) return Missing("tool_version", "give the tool's version");
    if (result.screener_id().empty())
      return Missing("screener_id", "give the screener's worker id");
    if (absl::StripAsciiWhitespace(result.screener_training()).empty())
      return Missing("screener_training", "say how the screener was trained in the tool");
    if (result.band() == v1::SCREENING_BAND_UNSPECIFIED ||
        !v1::ScreeningBand_IsValid(result.band()))
      return Missing("band", "give the result as low, possible or clear concern");
    if (absl::Status back = CheckBack(); !back.ok()) return Refuse(back);
    const auto at = When("completed_at", result.has_completed_at(), result.completed_at());
    if (!at.ok()) return Refuse(at.status());
    *result.mutable_completed_at() = ToProto(*at);
    completed.set_decision_awaited(result.band() == v1::SCREENING_BAND_CLEAR &&
                                   !Identified(state_));
    WarnBeforeReturn("completed_at", *at);
    return Answer(request.request_id(), std::move(completed), *at);
  }

  Decision Interview(const v1::RecordInterviewRequest& request) {
    v1::InterviewRecorded recorded;
    v1::ReturnInterview& interview = *recorded.mutable_interview();
    interview = request.interview();
    if (interview.interviewer_id().empty())
      return Missing("interviewer_id", "give the interviewer's worker id");
    if (absl::Status back = CheckBack(); !back.ok()) return Refuse(back);
    const auto at = When("held_at", interview.has_held_at(), interview.held_at());
    if (!at.ok()) return Refuse(at.status());
    *interview.mutable_held_at() = ToProto(*at);
    Warn(interview.reasons().empty() && interview.experiences().empty() &&
             interview.placement_factors().empty(),
         "nothing of what the youth told was written down: record the interview again with it");
    WarnBeforeReturn("held_at", *at);
    return Answer(request.request_id(), std::move(recorded), *at);
  }

  Decision Exposure(const v1::RecordExposureRequest& request) {
    const auto at =
        When("last_exposure_at", request.has_last_exposure_at(), request.last_exposure_at());
    if (!at.ok()) return Refuse(at.status());
    v1::ExposureRecorded recorded;
    *recorded.mutable_known_at() = input_.header.received_at();
    if (request.has_last_exposure_at())
      *recorded.mutable_last_exposure_at() = request.last_exposure_at();
    return Answer(request.request_id(), std::move(recorded), *at);
  }

  Decision Offer(const v1::RecordMedicalOfferRequest& request) {
    v1::MedicalOfferRecorded recorded;
    v1::MedicalOffer& offer = *recorded.mutable_offer();
    offer = request.offer();
    if (offer.task_id().empty()) return Missing("task_id", absl::StrCat("name one of ", Names()));
    if (offer.offered_by_id().empty())
      return Missing("offered_by_id", "give the worker id of who offered it");
    if (offer.answer() == v1::MEDICAL_ANSWER_UNSPECIFIED ||
        !v1::MedicalAnswer_IsValid(offer.answer()))
      return Missing("answer", "say whether it was offered, accepted or declined");
    const auto tasks = Find(offer.task_id(), v1::DUTY_ACTION_MEDICAL_OFFER);
    if (!tasks.ok()) return Refuse(tasks.status());
    const auto open =
        std::find_if(tasks->begin(), tasks->end(), [](const auto* task) { return IsOpen(*task); });
    const v1::ScreeningTask& task = **(open != tasks->end() ? open : tasks->begin());
    if (task.action() != v1::DUTY_ACTION_MEDICAL_OFFER) {
      return Refuse(absl::InvalidArgumentError(
          absl::StrCat(task.rule_id(), " is no medical offer: name one of ", Names())));
    }
    if (task.state() == v1::DUTY_STATE_NOT_APPLICABLE) {
      return Refuse(absl::FailedPreconditionError(
          absl::StrCat(task.rule_id(), " is not asked for yet (", task.reason(),
                       "); record first what it depends on, such as a possible exposure with "
                       "`porchlight screening exposure`")));
    }
    const auto at = When("offered_at", offer.has_offered_at(), offer.offered_at());
    if (!at.ok()) return Refuse(at.status());
    *offer.mutable_offered_at() = ToProto(*at);
    offer.set_task_id(task.task_id());
    return Answer(request.request_id(), std::move(recorded), *at);
  }

  Decision Photo(const v1::RecordReturnPhotoRequest& request) {
    if (absl::Status back = CheckBack(); !back.ok()) return Refuse(back);
    v1::ReturnPhotoRecorded recorded;
    *recorded.mutable_photo() = request.photo();
    const auto at = When("taken_at", request.photo().has_taken_at(), request.photo().taken_at());
    if (!at.ok()) return Refuse(at.status());
    *recorded.mutable_photo()->mutable_taken_at() = ToProto(*at);
    WarnBeforeReturn("taken_at", *at);
    return Answer(request.request_id(), std::move(recorded), *at);
  }

  Decision Identify(const v1::IdentifyVictimRequest& request) {
    if (request.decided_by_id().empty())
      return Missing("decided_by_id", "a person decides this: give that person's worker id");
    if (request.decision() == v1::IDENTIFICATION_DECISION_UNSPECIFIED ||
        !v1::IdentificationDecision_IsValid(request.decision()))
      return Missing("decision", "say whether the youth is identified as a victim or not");
    if (Identified(state_)) {
      return Refuse(absl::FailedPreconditionError(
          "this was decided before: the youth is identified as a victim, and the police report and "
          "the team began with that. Nothing was changed; `porchlight screening list` shows by "
          "whom."));
    }
    const auto at = When("decided_at", request.has_decided_at(), request.decided_at());
    if (!at.ok()) return Refuse(at.status());
    v1::Identification identification;
    identification.set_decision(request.decision());
    identification.set_decided_by_id(request.decided_by_id());
    *identification.mutable_decided_at() = ToProto(*at);
    *identification.mutable_received_at() = input_.header.received_at();
    identification.set_ground(request.ground());
    if (request.decision() == v1::IDENTIFICATION_DECISION_NOT_IDENTIFIED) {
      v1::VictimNotIdentified decided;
      *decided.mutable_identification() = std::move(identification);
      return Answer(request.request_id(), std::move(decided), *at);
    }
    v1::VictimIdentified decided;
    *decided.mutable_identification() = std::move(identification);
    return Answer(request.request_id(), std::move(decided), *at);
  }

 private:
  void Warn(bool odd, absl::string_view text) {
    if (odd) reply_.add_warnings(std::string(text));
  }

  void WarnBeforeReturn(absl::string_view field, absl::Time at) {
    const v1::Episode& episode = state_.episode();
    Warn(episode.has_returned_at() && at < FromProto(episode.returned_at()),
         absl::StrCat(field, " is before the youth was back: please check both times"));
  }

  absl::Status CheckBack() const {
    if (state_.has_return_received_at()) return absl::OkStatus();
    return absl::FailedPreconditionError(
        "this youth is not recorded as back: record the return first, with `porchlight return`");
  }

  // As told, or else when we heard of it.
  absl::StatusOr<absl::Time> When(absl::string_view field, bool told,
                                  const google::protobuf::Timestamp& time) const {
    if (!told) return received_;
    if (FromProto(time) <= received_ + kClockTolerance) return FromProto(time);
    return absl::InvalidArgumentError(absl::StrCat(
        field,
        " is in the future: check the date and the time zone; what is still to come can't "
        "be recorded as done"));
  }

  // Tasks of that id or of that rule's id; of none: those of the action.
  absl::StatusOr<std::vector<const v1::ScreeningTask*>> Find(const std::string& asked,
                                                             v1::DutyAction action) const {
    std::vector<const v1::ScreeningTask*> found;
    for (const v1::ScreeningTask& task : state_.tasks()) {
      if (asked.empty() ? task.action() == action
                        : task.task_id() == asked || task.rule_id() == asked)
        found.push_back(&task);
    }
    if (!found.empty()) return found;
    if (absl::Status back = CheckBack(); !back.ok()) return back;
    return absl::NotFoundError(
        absl::StrCat("there is no such task in this episode; it has ", Names()));
  }

  std::string Names() const {
    return absl::StrJoin(state_.tasks(), ", ", [](std::string* out, const auto& task) {
      absl::StrAppend(out, task.rule_id());
    });
  }

  // The event with the tasks that it changes.
  template <typename Event>
  Decision Record(Event event, std::optional<absl::Time> occurred_at,
                  v1::ScreeningReply* reply = nullptr) const {
    v1::ScreeningState after = state_;
    Apply(event, after);
    const v1::PolicyPack& pack = PolicyPackFor(directory_, after.episode().jurisdiction());
    for (v1::ScreeningTask& task : Changed(after, TasksOf(after, pack, input_.now)))
      *event.add_tasks() = std::move(task);
    MergeTasks(event.tasks(), after);
    if (reply != nullptr) {
      *reply->mutable_tasks() = after.tasks();
      reply->set_decision_awaited(after.decision_awaited());
    }
    Decision decision;
    decision.exercise = after.episode().exercise();
    decision.policy_hash = pack.content_hash();
    decision.events.push_back({.payload = std::make_unique<Event>(std::move(event)),
                               .episode_id = after.episode().episode_id(),
                               .occurred_at = occurred_at});
    return decision;
  }

  template <typename Event>
  Decision Answer(const std::string& request_id, Event event, absl::Time occurred_at) {
    reply_.set_request_id(request_id);
    reply_.set_episode_id(state_.episode().episode_id());
    Decision decision = Record(std::move(event), occurred_at, &reply_);
    decision.reply = std::make_unique<v1::ScreeningReply>(std::move(reply_));
    return decision;
  }

  const v1::ScreeningState& state_;
  const Input& input_;
  const v1::Directory& directory_;
  const absl::Time received_;
  v1::ScreeningReply reply_;
};

}  // namespace

bool ScreeningRules::Hears(absl::string_view type) const {
  return type == v1::EpisodeOpened::descriptor()->full_name() ||
         type == v1::EpisodeUpdated::descriptor()->full_name() ||
         type == v1::YouthReturned::descriptor()->full_name();
}

std::string ScreeningRules::AggregateId(const v1::RecordHeader& header,
                                        const google::protobuf::Message&) const {
  return header.episode_id();
}

std::unique_ptr<google::protobuf::Message> ScreeningRules::NewState() const {
  return std::make_unique<v1::ScreeningState>();
}

Decision ScreeningRules::Decide(const google::protobuf::Message& message, const Input& input,
                                const v1::Directory& directory) const {
  const auto& state = static_cast<const v1::ScreeningState&>(message);
  Desk desk(state, input, directory);
  if (const auto* opened = As<v1::EpisodeOpened>(input.payload))
    return desk.Hear(opened->episode());
  if (const auto* updated = As<v1::EpisodeUpdated>(input.payload))
    return desk.Hear(updated->episode());
  if (const auto* returned = As<v1::YouthReturned>(input.payload))
    return desk.HearReturn(returned->episode());
  if (input.kind != v1::INPUT_KIND_COMMAND) return {};
  if (state.episode().episode_id().empty()) {
    return Refuse(absl::NotFoundError(
        "there is no such episode; `porchlight episodes --all` lists them. One that was opened a "
        "moment ago may not be known here yet: call again."));
  }
  if (const auto* defer = As<v1::DeferScreeningRequest>(input.payload)) return desk.Defer(*defer);
  if (const auto* complete = As<v1::CompleteScreeningRequest>(input.payload))
    return desk.Complete(*complete);
  if (const auto* interview = As<v1::RecordInterviewRequest>(input.payload))
    return desk.Interview(*interview);
  if (const auto* exposure = As<v1::RecordExposureRequest>(input.payload))
    return desk.Exposure(*exposure);
  if (const auto* offer = As<v1::RecordMedicalOfferRequest>(input.payload))
    return desk.Offer(*offer);
  if (const auto* photo = As<v1::RecordReturnPhotoRequest>(input.payload))
    return desk.Photo(*photo);
  if (const auto* identify = As<v1::IdentifyVictimRequest>(input.payload))
    return desk.Identify(*identify);
  return {};
}

void ScreeningRules::Evolve(google::protobuf::Message& state, const Event& event) const {
  Apply(event.payload, static_cast<v1::ScreeningState&>(state));
}

bool ScreeningRules::Active(const google::protobuf::Message& message) const {
  const auto& state = static_cast<const v1::ScreeningState&>(message);
  return state.decision_awaited() ||
         std::any_of(state.tasks().begin(), state.tasks().end(), IsOpen);
}

}  // namespace porchlight
