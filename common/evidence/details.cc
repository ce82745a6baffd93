// What each kind of record says beyond its type. A field of another class than "internal" may have
// been cleared: then its part of the sentence is left out.
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/time.h"
#include "common/evidence/words.h"
#include "common/policy/words.h"
#include "common/processor/rules.h"
#include "porchlight/v1/case.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

using google::protobuf::Timestamp;

// Left out where `text` is empty.
std::string With(absl::string_view before, absl::string_view text, absl::string_view after = "") {
  return text.empty() ? "" : absl::StrCat(before, text, after);
}

// Empty where it isn't told.
template <typename Enum>
std::string Plain(Enum value) {
  return value == Enum{} ? "" : PlainWord(value);
}

template <typename Enum>
std::string PlainList(const google::protobuf::RepeatedField<int>& values) {
  return absl::StrJoin(values, ", ", [](std::string* text, int value) {
    absl::StrAppend(text, PlainWord(static_cast<Enum>(value)));
  });
}

std::string HowWords(v1::ReachedBy how) {
  switch (how) {
    case v1::REACHED_BY_COMMAND_LINE:
      return "on the command line";
    case v1::REACHED_BY_WEB:
      return "on the web";
    case v1::REACHED_BY_PHONE:
      return "by phone";
    case v1::REACHED_BY_IN_PERSON:
      return "in person";
    case v1::REACHED_BY_IMPORT:
      return "by an import";
    case v1::REACHED_BY_CALLBACK:
      return "by a link or a reply";
    default:
      return Plain(how);
  }
}

class Teller {
 public:
  explicit Teller(absl::TimeZone zone) : zone_(zone) {}

  std::vector<std::string> Tell(const google::protobuf::Message& payload) && {
    TellIntake(payload);
    TellNotification(payload);
    TellOncall(payload);
    TellScreening(payload);
    TellTeam(payload);
    return std::move(sentences_);
  }

 private:
  template <typename... Parts>
  void Say(const Parts&... parts) {
    std::string sentence = SafeText(absl::StrCat(parts...));
    if (!sentence.empty()) sentences_.push_back(std::move(sentence));
  }

  std::string When(absl::string_view before, bool told, const Timestamp& time) const {
    return told ? absl::StrCat(before, TimeWords(FromProto(time), zone_)) : "";
  }

  void TellIntake(const google::protobuf::Message& payload) {
    if (const auto* opened = As<v1::EpisodeOpened>(&payload)) {
      Say(With("jurisdiction ", opened->episode().jurisdiction()));
      Say(With("not known yet: ", absl::StrJoin(opened->episode().still_unknown(), ", ")));
    } else if (const auto* updated = As<v1::EpisodeUpdated>(&payload)) {
      Say(Plain(updated->fact_kind()));
      Say(updated->changed().empty() ? "it told nothing new"
                                     : With("told: ", absl::StrJoin(updated->changed(), ", ")));
    } else if (const auto* returned = As<v1::YouthReturned>(&payload)) {
      const v1::Episode& episode = returned->episode();
      Say(When("back since ", episode.has_returned_at(), episode.returned_at()),
          With(": ", returned->circumstances()));
    } else if (const auto* closed = As<v1::EpisodeClosed>(&payload)) {
      Say(With("reason: ", Plain(closed->episode().close_reason())), With(" - ", closed->text()));
    } else if (const auto* joined = As<v1::YouthJoined>(&payload)) {
      Say("also known as ", joined->other_youth_id());
      Say(With("the duties of this episode are another one's, and that one's count: ",
               joined->doubled_episode_id()));
    }
  }

  void TellNotice(const v1::Notice& notice) {
    std::string who = PlainWord(notice.recipient_kind());
    if (!notice.recipient_id().empty()) absl::StrAppend(&who, " ", notice.recipient_id());
    Say("notice ", notice.notice_id(), With(" (", Plain(notice.kind()), ")"), " to ", who,
        notice.channel() == v1::CHANNEL_KIND_PERSON ? ", whom a person tells"
                                                    : With(" by ", Plain(notice.channel())),
        With(", for duty ", absl::StrJoin(notice.duty_keys(), ", ")),
        With(" (", notice.citation(), ")"), When(", due ", notice.has_due_at(), notice.due_at()),
        notice.refused() ? "; refused" : "");
    const v1::Disclosure& disclosure = notice.disclosure();
    Say(With("what it tells: ", PlainList<v1::Sensitivity>(disclosure.disclosed())),
        With("; known and kept back: ", PlainList<v1::Sensitivity>(disclosure.withheld())));
  }

  void TellFiling(const v1::ProofFiling& filing) {
    Say(Plain(filing.kind()), With(" ", filing.number()), " typed in by ",
        filing.actor().actor_id(), With(", told ", HowWords(filing.how())),
        With(" by ", filing.told_to()), When(", done ", filing.has_done_at(), filing.done_at()),
        With(", for duty ", absl::StrJoin(filing.duty_keys(), ", ")),
        With(", answers notice ", filing.notice_id()), With(": ", filing.text()));
  }

  void TellNotification(const google::protobuf::Message& payload) {
    if (const auto* made = As<v1::NoticesMade>(&payload)) {
      for (const v1::Notice& notice : made->notices()) TellNotice(notice);
      if (made->nobody_to_tell()) Say("the directory has nobody who could be told");
      Say(With("the directory has nobody to tell for duty ",
               absl::StrJoin(made->untold_duty_keys(), ", ")));
    } else if (const auto* filed = As<v1::ProofFiled>(&payload)) {
      TellFiling(filed->filing());
    } else if (const auto* refused = As<v1::NoticeRefused>(&payload)) {
      const v1::NoticeRefusal& refusal = refused->refusal();
      Say(PlainWord(refusal.recipient_kind()), With(" ", refusal.recipient_id()), " said no",
          With(" to notice ", refusal.notice_id()), With(", by ", refusal.told_by()),
          When(" at ", refusal.has_refused_at(), refusal.refused_at()), ", typed in by ",
          refusal.actor().actor_id(), With(": ", refusal.reason()));
    } else if (const auto* delivered = As<v1::NoticeDelivered>(&payload)) {
      TellNotice(delivered->notice());
    } else if (const auto* failed = As<v1::NoticeFailed>(&payload)) {
      TellNotice(failed->notice());
    } else if (const auto* heard = As<v1::NotificationHeard>(&payload)) {
      TellChange(heard->change());
    }
  }

  void TellChange(const v1::CaseState& change) {
    for (const v1::CaseTrigger& trigger : change.triggers()) {
      Say(With("duties begin with: ", Plain(trigger.trigger())));
    }
    for (const v1::CaseProof& proof : change.proofs()) {
      Say(With("proof: ", Plain(proof.kind())), With(", for duty ", proof.duty_key()),
          With(", by rule ", proof.rule_id()), When(", done ", proof.has_at(), proof.at()),
          With(", see ", proof.reference()));
    }
    for (const v1::CaseDeferral& deferral : change.deferrals()) {
      Say("duty ", deferral.duty_key(),
          When(" put off until ", deferral.has_until(), deferral.until()));
    }
  }

  void TellAlert(const v1::Alert& alert) {
    Say("alert ", alert.alert_id(), With(" (", Plain(alert.kind()), ")"),
        With(", for duty ", alert.duty_key()), With(", about ", alert.subject_id()),
        When(", due ", alert.has_due_at(), alert.due_at()), With(": ", alert.text()));
  }

  void TellPages(const v1::Alert& alert) {
    for (const v1::AlertPage& page : alert.pages()) {
      if (page.level() != alert.level() || page.round() != alert.round()) continue;
      Say("paged ", page.person_id(), With(" as ", page.recipient_id()),
          With(" by ", Plain(page.channel())), With(", ", alert.role()), ", level ", page.level(),
          ", round ", page.round());
    }
  }

  void TellSettled(const v1::AlertPageSettled& settled) {
    for (const v1::AlertPage& page : settled.alert().pages()) {
      if (page.delivery_id() != settled.delivery_id()) continue;
      Say("the page to ", page.person_id(), With(" by ", Plain(page.channel())),
          With(": ", Plain(page.state())));
    }
  }

  void TellOncall(const google::protobuf::Message& payload) {
    if (const auto* heard = As<v1::OncallHeard>(&payload)) {
      TellChange(heard->change());
      Say(With("their owner has begun: ", absl::StrJoin(heard->begun_duty_keys(), ", ")));
    } else if (const auto* watched = As<v1::DutiesWatched>(&payload)) {
      for (const v1::WatchedDuty& duty : watched->duties()) {
        Say("duty ", duty.duty_key(), duty.over() ? ": over" : ": watched",
            duty.owner_begun() ? ", begun" : "",
            When(", people alerted for its times up to ", duty.has_alerted_until(),
                 duty.alerted_until()));
      }
    } else if (const auto* at_risk = As<v1::DutyAtRisk>(&payload)) {
      TellAlert(at_risk->alert());
    } else if (const auto* missed = As<v1::DutyMissed>(&payload)) {
      TellAlert(missed->alert());
    } else if (const auto* raised = As<v1::AlertRaised>(&payload)) {
      TellAlert(raised->alert());
    } else if (const auto* paged = As<v1::AlertPaged>(&payload)) {
      TellPages(paged->alert());
    } else if (const auto* escalated = As<v1::AlertEscalated>(&payload)) {
      TellPages(escalated->alert());
    } else if (const auto* settled = As<v1::AlertPageSettled>(&payload)) {
      TellSettled(*settled);
    } else if (const auto* acknowledged = As<v1::AlertAcknowledged>(&payload)) {
      const v1::AlertAnswer& answer = acknowledged->answer();
      Say(answer.person_id(), " has alert ", acknowledged->alert().alert_id(),
          With(", said ", HowWords(answer.how())),
          When(" at ", answer.has_answered_at(), answer.answered_at()));
    } else if (const auto* silenced = As<v1::AlertSilenced>(&payload)) {
      Say("alert ", silenced->alert().alert_id(), With(": ", silenced->alert().reason()));
    }
  }

  template <typename Tasks>
  void TellTasks(const Tasks& tasks) {
    for (const v1::ScreeningTask& task : tasks) {
      Say("task ", task.task_id(), With(", ", task.title()), With(" (", task.citation(), ")"),
          With(": ", Plain(task.state())), When(", due ", task.has_due_at(), task.due_at()),
          When(", done ", task.has_met_at(), task.met_at()), With(", ", task.reason()));
    }
  }

  void TellIdentification(const v1::Identification& identification) {
    Say("decided by ", identification.decided_by_id(),
        When(" at ", identification.has_decided_at(), identification.decided_at()),
        With(": ", Plain(identification.decision())),
        With(", on the ground: ", identification.ground()));
  }

  void TellScreeningResult(const v1::ScreeningResult& result) {
    Say("tool ", result.tool_id(), " ", result.tool_version(), ", screener ", result.screener_id(),
        With(", trained: ", result.screener_training()),
        When(", done ", result.has_completed_at(), result.completed_at()),
        With(", concern: ", Plain(result.band())), With(", next: ", Plain(result.next_step())));
  }

  void TellScreening(const google::protobuf::Message& payload) {
    if (const auto* expected = As<v1::ScreeningExpected>(&payload)) {
      TellTasks(expected->tasks());
    } else if (const auto* scheduled = As<v1::ScreeningScheduled>(&payload)) {
      TellTasks(scheduled->tasks());
    } else if (const auto* deferred = As<v1::ScreeningDeferred>(&payload)) {
      for (const v1::ScreeningDeferral& deferral : deferred->deferrals()) {
        Say("task ", deferral.task_id(),
            When(" put off until ", deferral.has_until(), deferral.until()), ", approved by ",
            deferral.approver_id(), With(": ", deferral.reason()));
      }
    } else if (const auto* completed = As<v1::ScreeningCompleted>(&payload)) {
      TellScreeningResult(completed->result());
      TellTasks(completed->tasks());
    } else if (const auto* held = As<v1::InterviewRecorded>(&payload)) {
      Say("held by ", held->interview().interviewer_id(),
          When(" at ", held->interview().has_held_at(), held->interview().held_at()));
      TellTasks(held->tasks());
    } else if (const auto* exposure = As<v1::ExposureRecorded>(&payload)) {
      TellTasks(exposure->tasks());
    } else if (const auto* offered = As<v1::MedicalOfferRecorded>(&payload)) {
      Say("offered by ", offered->offer().offered_by_id(),
          With(": ", Plain(offered->offer().answer())));
      TellTasks(offered->tasks());
    } else if (const auto* photo = As<v1::ReturnPhotoRecorded>(&payload)) {
      TellTasks(photo->tasks());
    } else if (const auto* identified = As<v1::VictimIdentified>(&payload)) {
      TellIdentification(identified->identification());
      TellTasks(identified->tasks());
    } else if (const auto* not_identified = As<v1::VictimNotIdentified>(&payload)) {
      TellIdentification(not_identified->identification());
      TellTasks(not_identified->tasks());
    }
  }

  void TellCall(const v1::TeamNotice& notice) {
    Say("call ", notice.notice_id(), With(", for duty ", notice.duty_key()),
        With(" (", notice.citation(), ")"), When(", due ", notice.has_due_at(), notice.due_at()),
        ", answers needed: ", notice.answers_needed());
    for (const v1::TeamSeatStatus& seat : notice.seats()) {
      Say("seat ", seat.role(),
          With(": told ", absl::StrJoin(seat.deliveries(), ", ",
                                        [](std::string* text, const v1::TeamDelivery& told) {
                                          absl::StrAppend(text, told.recipient_id(), " by ",
                                                          PlainWord(told.channel()));
                                        })),
          seat.deliveries().empty() ? ": the directory has nobody" : "");
    }
  }

  void TellTeam(const google::protobuf::Message& payload) {
    if (const auto* notified = As<v1::TeamNotified>(&payload)) {
      TellCall(notified->notice());
    } else if (const auto* without = As<v1::TeamWithoutRoster>(&payload)) {
      Say("duty ", without->duty_key(), without->over() ? ": need not be met any more" : "");
    } else if (const auto* settled = As<v1::TeamDeliverySettled>(&payload)) {
      Say("call ", settled->notice().notice_id(), ", message ", settled->delivery_id());
    } else if (const auto* answered = As<v1::TeamMemberAnswered>(&payload)) {
      const v1::TeamAnswer& answer = answered->answer();
      Say("seat ", answered->role(), With(", ", answer.member_id()),
          With(", answered ", HowWords(answer.how())),
          When(" at ", answer.has_answered_at(), answer.answered_at()));
    } else if (const auto* complete = As<v1::TeamComplete>(&payload)) {
      Say("call ", complete->notice().notice_id(),
          With(", for duty ", complete->notice().duty_key()));
    } else if (const auto* chased = As<v1::TeamChased>(&payload)) {
      Say("call ", chased->notice().notice_id(), ": ", absl::StrJoin(chased->roles(), ", "));
    } else if (const auto* ended = As<v1::TeamChaseEnded>(&payload)) {
      Say("call ", ended->notice().notice_id(), With(": ", ended->notice().reason()));
    } else if (const auto* met = As<v1::MeetingRecorded>(&payload)) {
      const v1::TeamMeeting& meeting = met->meeting();
      Say("led by ", meeting.coordinator_id(),
          When(", held ", meeting.has_held_at(), meeting.held_at()),
          With(", present: ", absl::StrJoin(meeting.roles_present(), ", ")),
          With(", the youth's voice: ", Plain(meeting.youth_voice())),
          With(": ", meeting.decisions()));
    }
  }

  const absl::TimeZone zone_;
  std::vector<std::string> sentences_;
};

}  // namespace

std::vector<std::string> DetailsOf(const google::protobuf::Message& payload, absl::TimeZone zone) {
  return Teller(zone).Tell(payload);
}

}  // namespace porchlight
