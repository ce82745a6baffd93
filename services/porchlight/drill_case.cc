#include "services/porchlight/drill_case.h"

#include <functional>
#include <initializer_list>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/oncall/duty_status.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/mdt.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/screening.pb.h"

namespace porchlight {
namespace {

constexpr char kYouth[] = "drill-youth";
constexpr char kEpisode[] = "drill-youth_e1";

struct Desk {
  const char* id;
  v1::RecipientKind kind;
  const char* name;
  const char* person_id;
};

constexpr Desk kDesks[] = {
    {"police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, "Police, missing persons desk", ""},
    {"ncmec", v1::RECIPIENT_KIND_NCMEC, "NCMEC", ""},
    {"court", v1::RECIPIENT_KIND_COURT, "Juvenile court", ""},
    {"attorney", v1::RECIPIENT_KIND_ATTORNEY, "The youth's attorney", ""},
    {"guardian", v1::RECIPIENT_KIND_GUARDIAN_AD_LITEM, "Guardian ad litem", ""},
    {"parent", v1::RECIPIENT_KIND_PARENT, "Parent", ""},
    {"special-unit", v1::RECIPIENT_KIND_SPECIAL_UNIT, "Unit for missing youths", ""},
    {"hotline", v1::RECIPIENT_KIND_CHILD_ABUSE_HOTLINE, "Child abuse hotline", ""},
    {"avery", v1::RECIPIENT_KIND_SUPERVISOR, "Avery, supervisor", "avery"},
    {"blake", v1::RECIPIENT_KIND_SUPERVISOR, "Blake, supervisor", "blake"},
    {"casey", v1::RECIPIENT_KIND_MANAGEMENT, "Casey, manager", "casey"},
    {"advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE, "Advocate", ""},
    {"clinic", v1::RECIPIENT_KIND_HEALTH_PROVIDER, "Clinic", ""},
};

void AddLevel(std::initializer_list<const char*> people, v1::Rota& rota) {
  v1::RotaLevel& level = *rota.add_levels();
  level.set_escalate_after_seconds(600);
  for (const char* person : people) {
    v1::RotaShift& shift = *level.add_shifts();
    shift.add_person_ids(person);
    shift.set_starts_on("2020-01-06");
    shift.set_turn_days(7);
  }
}

void AddSeat(const char* role, v1::RecipientKind kind, const char* recipient, bool required,
             v1::TeamRoster& roster) {
  v1::TeamSeat& seat = *roster.add_seats();
  seat.set_role(role);
  seat.set_kind(kind);
  seat.set_required(required);
  seat.add_recipient_ids(recipient);
}

// What happens, in order. Each says so, records it, and tells what follows.
class Story {
 public:
  Story(const std::string& jurisdiction, Play& play) : jurisdiction_(jurisdiction), play_(play) {}

  absl::Status Report() {
    v1::ReportMissingRequest request;
    request.set_youth_id(kYouth);
    request.set_exercise(true);
    v1::YouthFacts& youth = *request.mutable_youth();
    youth.set_first_name("Robin");
    youth.set_last_name("Example");
    youth.set_date_of_birth("2010-04-05");
    youth.set_hair("brown");
    youth.set_eyes("green");
    youth.set_height_cm(165);
    youth.set_clothing("grey hooded jacket");
    request.set_placement("Maple House");
    request.set_last_seen_place("the back door of Maple House");
    *request.mutable_last_seen_at() = ToProto(play_.now() - absl::Minutes(160));
    request.set_circumstances("not in the room at the night check; the window was open");
    request.set_jurisdiction(jurisdiction_);
    request.set_reporter_contact("night staff of Maple House, 555-0100");
    v1::ReportMissingReply reply;
    return play_.Do("The night worker of Maple House reports that Robin is missing", "intake",
                    kYouth, "", request, reply);
  }

  absl::Status Sighting() {
    v1::AddToEpisodeRequest request;
    request.set_episode_id(kEpisode);
    request.set_kind(v1::FACT_KIND_SIGHTING);
    request.set_place("the bus station");
    request.set_text("seen getting into a white van");
    v1::AddToEpisodeReply reply;
    return Do("A friend says where Robin was seen", "intake", request, reply);
  }

  absl::Status Refusal() {
    v1::RecordRefusalRequest request;
    request.set_episode_id(kEpisode);
    request.set_by("law_enforcement");
    request.set_told_by("desk officer");
    request.set_reason("told to call again in the morning");
    v1::RecordRefusalReply reply;
    return Do("The police desk says to call again in the morning: that is a refusal",
              "notification", request, reply);
  }

  absl::Status Proof(absl::string_view what, const char* about, v1::EvidenceKind kind,
                     const char* number) {
    v1::FileProofRequest request;
    request.set_episode_id(kEpisode);
    request.set_about(about);
    request.set_kind(kind);
    request.set_number(number);
    request.set_told_to("desk sergeant");
    request.set_how(v1::REACHED_BY_PHONE);
    v1::FileProofReply reply;
    return Do(what, "notification", request, reply);
  }

  absl::Status Return() {
    v1::RecordReturnRequest request;
    request.set_episode_id(kEpisode);
    *request.mutable_returned_at() = ToProto(play_.now() - absl::Minutes(20));
    request.set_recovered_where(v1::RECOVERED_WHERE_STREET);
    request.set_circumstances("brought back by a patrol");
    v1::RecordReturnReply reply;
    return Do("Robin is back", "intake", request, reply);
  }

  absl::Status Interview() {
    v1::RecordInterviewRequest request;
    request.set_episode_id(kEpisode);
    request.mutable_interview()->set_interviewer_id("worker-7");
    request.mutable_interview()->set_reasons("in Robin's own words");
    v1::ScreeningReply reply;
    return Do("The caseworker has talked with Robin about what happened", "screening", request,
              reply);
  }

  absl::Status Photo() {
    v1::RecordReturnPhotoRequest request;
    request.set_episode_id(kEpisode);
    v1::ScreeningReply reply;
    return Do("A new photo is taken", "screening", request, reply);
  }

  absl::Status Screening() {
    v1::CompleteScreeningRequest request;
    request.set_episode_id(kEpisode);
    v1::ScreeningResult& result = *request.mutable_result();
    result.set_tool_id("example-tool");
    result.set_tool_version("2.0");
    result.set_screener_id("worker-8");
    result.set_screener_training("example course");
    result.set_band(v1::SCREENING_BAND_CLEAR);
    v1::ScreeningReply reply;
    return Do("A trained screener records a clear concern: a person must decide", "screening",
              request, reply);
  }

  absl::Status Identified() {
    v1::IdentifyVictimRequest request;
    request.set_episode_id(kEpisode);
    request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
    request.set_decided_by_id("worker-9");
    v1::ScreeningReply reply;
    return Do("A person decides that Robin is a victim of trafficking", "screening", request,
              reply);
  }

  absl::Status TeamAnswer(absl::string_view what, const char* seat) {
    v1::AcknowledgeTeamNoticeRequest request;
    request.set_notice_id(absl::StrCat(kEpisode, "_t1"));
    request.set_seat_or_member(seat);
    request.set_how(v1::REACHED_BY_PHONE);
    v1::TeamNoticeReply reply;
    return Do(what, "mdt", request, reply);
  }

  absl::Status Meeting() {
    v1::RecordMeetingRequest request;
    request.set_episode_id(kEpisode);
    request.mutable_meeting()->set_coordinator_id("worker-9");
    request.mutable_meeting()->set_youth_voice(v1::YOUTH_VOICE_REPRESENTED);
    v1::TeamNoticeReply reply;
    return Do("The team meets; somebody whom Robin chose speaks for them", "mdt", request, reply);
  }

  // Whoever was paged last says: I have it.
  absl::Status Acknowledge(absl::string_view what) {
    const auto loaded = play_.Load("oncall", kYouth);
    if (!loaded.ok()) return loaded.status();
    const auto& state = static_cast<const v1::OncallState&>(*loaded->rules_state);
    for (const v1::Alert& alert : state.alerts()) {
      if (alert.state() != v1::ALERT_STATE_OPEN || alert.pages().empty()) continue;
      v1::AcknowledgeAlertRequest request;
      request.set_alert_id(alert.alert_id());
      request.set_person_id(alert.pages().rbegin()->person_id());
      request.set_how(v1::REACHED_BY_PHONE);
      v1::AcknowledgeAlertReply reply;
      const absl::Status done = Do(what, "oncall", request, reply);
      if (!done.ok()) return done;
    }
    return absl::OkStatus();
  }

  absl::Status ListDuties() {
    const auto loaded = play_.Load("oncall", kYouth);
    if (!loaded.ok()) return loaded.status();
    const auto& state = static_cast<const v1::OncallState&>(*loaded->rules_state);
    std::vector<v1::DutyStatus> duties;
    for (const v1::WatchedEpisode& episode : state.episodes()) {
      for (v1::DutyStatus& duty :
           DutyStatusesOf(episode, play_.directory(), DutiesShown::kApplicable, play_.now()))
        duties.push_back(std::move(duty));
    }
    SortByDue(duties);
    for (v1::DutyStatus& duty : duties) *play_.played().add_duties() = std::move(duty);
    return absl::OkStatus();
  }

 private:
  absl::Status Do(absl::string_view what, const std::string& service,
                  google::protobuf::Message& request, google::protobuf::Message& reply) {
    return play_.Do(what, service, kYouth, kEpisode, request, reply);
  }

  const std::string jurisdiction_;
  Play& play_;
};

}  // namespace

v1::Directory DrillDirectory() {
  v1::Directory directory;
  for (const Desk& desk : kDesks) {
    v1::Recipient& recipient = *directory.add_recipients();
    recipient.set_recipient_id(desk.id);
    recipient.set_kind(desk.kind);
    recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
    recipient.set_address(desk.id);
    recipient.set_display_name(desk.name);
    recipient.set_exercise_only(true);
    recipient.set_person_id(desk.person_id);
  }
  v1::Rota& rota = *directory.add_rotas();
  rota.set_role("supervisor");
  rota.set_time_zone("UTC");
  AddLevel({"avery"}, rota);
  AddLevel({"blake", "casey"}, rota);
  v1::TeamRoster& roster = *directory.add_rosters();
  roster.set_roster_id("drill");
  roster.set_answers_needed(2);
  roster.set_chase_after_minutes(60);
  AddSeat("law-enforcement", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, "police", true, roster);
  AddSeat("advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE, "advocate", true, roster);
  AddSeat("health", v1::RECIPIENT_KIND_HEALTH_PROVIDER, "clinic", false, roster);
  return directory;
}

absl::Status PlayCase(const std::string& jurisdiction, Play& play) {
  Story story(jurisdiction, play);
  struct Scene {
    absl::Duration at;
    std::function<absl::Status()> happens;
  };
  const Scene scenes[] = {
      {absl::ZeroDuration(), [&] { return story.Report(); }},
      // Avery sleeps through it: after ten minutes both at the next level are woken.
      {absl::Minutes(13),
       [&] { return story.Acknowledge("Somebody at the second level answers: I have it"); }},
      {absl::Minutes(35), [&] { return story.Sighting(); }},
      {absl::Minutes(50), [&] { return story.Refusal(); }},
      {absl::Minutes(55),
       [&] { return story.Acknowledge("The supervisor on call takes the refusal up"); }},
      {absl::Minutes(80),
       [&] {
         return story.Proof("Police take the report and tell their case number", "law_enforcement",
                            v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, "26-000123");
       }},
      {absl::Minutes(150),
       [&] {
         return story.Proof("Police tell the number of their NCIC entry", "ncic-number",
                            v1::EVIDENCE_KIND_NCIC_NUMBER, "M000000001");
       }},
      {absl::Minutes(170),
       [&] {
         return story.Proof("NCMEC tells its reference", "ncmec", v1::EVIDENCE_KIND_NCMEC_REFERENCE,
                            "1000001");
       }},
      {absl::Hours(38), [&] { return story.Return(); }},
      {absl::Hours(39), [&] { return story.Photo(); }},
      {absl::Hours(40), [&] { return story.Interview(); }},
      {absl::Hours(41), [&] { return story.Screening(); }},
      {absl::Hours(42), [&] { return story.Identified(); }},
      {absl::Hours(42) + absl::Minutes(20),
       [&] { return story.TeamAnswer("The advocate can come", "advocate"); }},
      {absl::Hours(43) + absl::Minutes(30),
       [&] { return story.TeamAnswer("So can the detective", "law-enforcement"); }},
      {absl::Hours(44),
       [&] {
         return story.Proof("Police take the report of the trafficking", "trafficking-police",
                            v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, "26-000124");
       }},
      {absl::Hours(62), [&] { return story.Meeting(); }},
      {absl::Hours(66), [&] { return absl::OkStatus(); }},
  };
  for (const Scene& scene : scenes) {
    play.WaitUntil(scene.at);
    if (absl::Status done = scene.happens(); !done.ok()) return done;
  }
  return story.ListDuties();
}

}  // namespace porchlight
