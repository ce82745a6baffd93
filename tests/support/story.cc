#include "tests/support/story.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/case/case.h"
#include "common/oncall/oncall_state.h"
#include "common/policy/in_force.h"
#include "common/policy/loader.h"

namespace porchlight {
namespace {

constexpr char kYouth[] = "youth-1";
constexpr char kEpisode[] = "youth-1_e1";

v1::Directory Everybody() {
  v1::Directory directory;
  const std::pair<const char*, v1::RecipientKind> people[] = {
      {"police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT},
      {"ncmec", v1::RECIPIENT_KIND_NCMEC},
      {"court", v1::RECIPIENT_KIND_COURT},
      {"attorney", v1::RECIPIENT_KIND_ATTORNEY},
      {"guardian", v1::RECIPIENT_KIND_GUARDIAN_AD_LITEM},
      {"casa", v1::RECIPIENT_KIND_COURT_APPOINTED_ADVOCATE},
      {"parent", v1::RECIPIENT_KIND_PARENT},
      {"tribe", v1::RECIPIENT_KIND_TRIBE},
      {"custodian", v1::RECIPIENT_KIND_INDIAN_CUSTODIAN},
      {"unit", v1::RECIPIENT_KIND_SPECIAL_UNIT},
      {"probation", v1::RECIPIENT_KIND_PROBATION},
      {"hotline", v1::RECIPIENT_KIND_CHILD_ABUSE_HOTLINE},
      {"interstate", v1::RECIPIENT_KIND_INTERSTATE_OFFICE},
      {"clinic", v1::RECIPIENT_KIND_HEALTH_PROVIDER},
      {"advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE}};
  for (const auto& [id, kind] : people) *directory.add_recipients() = TestRecipient(id, kind);
  for (const char* person : {"first", "second"}) *directory.add_recipients() = TestWayOf(person);
  *directory.add_rotas() = TestRota("supervisor", {{TestShift({"first"}, "2026-01-05", 7, 480)},
                                                   {TestShift({"second"}, "2026-01-05", 7, 480)}});
  v1::TeamRoster& roster = *directory.add_rosters();
  roster.set_roster_id("county");
  roster.set_chase_after_minutes(60);
  for (const auto& [role, kind] : {std::pair{"advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE},
                                   std::pair{"clinic", v1::RECIPIENT_KIND_HEALTH_PROVIDER}}) {
    v1::TeamSeat& seat = *roster.add_seats();
    seat.set_role(role);
    seat.set_kind(kind);
    seat.set_required(true);
    seat.add_recipient_ids(role);
  }
  const PackSet packs = LoadPacks({}).value();
  for (const auto& [id, pack] : packs.packs()) *directory.add_packs() = pack;
  return directory;
}

absl::Duration SinceStart(const World& world, const std::string& begins) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, begins, &time, &error)) << error;
  return time - world.clock.Now();
}

// What a subject means, in a word.
std::string Short(const std::string& line) {
  static const auto* const words = new std::map<std::string, std::string>{
      {"A youth is missing from care", "missing"},
      {"New facts on a youth missing from care", "facts"},
      {"A youth missing from care has returned", "returned"},
      {"A report on a youth in care", "identified"},
      {"News of a youth in care", "news"},
      {"Please help with the police report of a youth missing from care", "please help"},
      {"The agency's case of a youth missing from care has ended", "ended"},
      {"Your multidisciplinary team is called together", "team"},
      {"Please answer: your multidisciplinary team is called together", "team again"},
      {"You are woken", "woken"},
      {"Soon due", "soon"},
      {"Overdue", "overdue"},
      {"Not begun", "not begun"},
      {"Please call", "call"}};
  const size_t colon = line.find(": ");
  const auto found = words->find(line.substr(colon + 2));
  return found == words->end() ? line : absl::StrCat(line.substr(0, colon + 2), found->second);
}

}  // namespace

Story::Story(const std::string& begins) {
  world.clock.Advance(SinceStart(world, begins));
  world.SetDirectory(Everybody());
  Passes(absl::Seconds(1));
}

Story::~Story() {
  EXPECT_EQ(Told(), std::vector<std::string>()) << "nobody expected this to be told";
  EXPECT_EQ(Woken(), std::vector<std::string>()) << "nobody expected these to be woken";
}

template <typename Reply, typename Request>
void Story::Does(const std::string& service, Request request) {
  request.set_episode_id(kEpisode);
  const auto reply =
      world.Ask<Reply>(service, absl::StrCat("request-", ++requests_), kEpisode, request);
  EXPECT_TRUE(reply.ok()) << reply.status();
}

void Story::Report(const std::string& jurisdiction, const std::vector<v1::Circumstance>& known) {
  v1::ReportMissingRequest request;
  request.set_youth_id(kYouth);
  request.set_placement("Maple House");
  request.set_jurisdiction(jurisdiction);
  request.mutable_youth()->set_date_of_birth("2012-05-13");
  for (const v1::Circumstance circumstance : known) request.add_circumstances_known(circumstance);
  reported_at_ = world.clock.Now();
  EXPECT_TRUE(world.Report(absl::StrCat("request-", ++requests_), request).ok());
}

void Story::Sighted(const std::string& text) {
  v1::AddToEpisodeRequest request;
  request.set_kind(v1::FACT_KIND_SIGHTING);
  request.set_text(text);
  Does<v1::AddToEpisodeReply>("intake", request);
}

void Story::Located(v1::Circumstance where) {
  v1::AddToEpisodeRequest request;
  request.set_kind(v1::FACT_KIND_LOCATED);
  request.add_circumstances_known(where);
  Does<v1::AddToEpisodeReply>("intake", request);
}

void Story::Files(const std::string& about, const std::string& number) {
  v1::FileProofRequest request;
  request.set_about(about);
  request.set_number(number);
  request.set_how(v1::REACHED_BY_PHONE);
  Does<v1::FileProofReply>("notification", request);
}

void Story::Refuses(const std::string& by) {
  v1::RecordRefusalRequest request;
  request.set_by(by);
  request.set_reason("wait a day");
  Does<v1::RecordRefusalReply>("notification", request);
}

void Story::Acknowledges(const std::string& person) {
  v1::AcknowledgeAlertRequest request;
  const v1::OncallState state = State();
  for (const v1::Alert& alert : state.alerts()) {
    const bool paged = std::any_of(alert.pages().begin(), alert.pages().end(),
                                   [&](const auto& page) { return page.person_id() == person; });
    const bool asks = alert.state() == v1::ALERT_STATE_OPEN && alert.has_next_page_at();
    if (paged && asks) request.set_alert_id(alert.alert_id());
  }
  ASSERT_NE(request.alert_id(), "") << person << " was asked nothing";
  request.set_request_id(absl::StrCat("request-", ++requests_));
  request.set_person_id(person);
  request.set_how(v1::REACHED_BY_PHONE);
  v1::AcknowledgeAlertReply reply;
  const absl::Status status = world.Submit(
      "oncall", {.request_id = request.request_id(), .youth_id = kYouth}, request, reply);
  EXPECT_TRUE(status.ok()) << status;
}

void Story::Returns() { Does<v1::RecordReturnReply>("intake", v1::RecordReturnRequest()); }

void Story::Screens(v1::ScreeningBand band) {
  v1::CompleteScreeningRequest request;
  v1::ScreeningResult& result = *request.mutable_result();
  result.set_tool_id("example-tool");
  result.set_tool_version("2.0");
  result.set_screener_id("worker-7");
  result.set_screener_training("example course");
  result.set_band(band);
  Does<v1::ScreeningReply>("screening", request);
}

void Story::Interviews() {
  v1::RecordInterviewRequest request;
  request.mutable_interview()->set_interviewer_id("worker-7");
  Does<v1::ScreeningReply>("screening", request);
}

void Story::Photographs() { Does<v1::ScreeningReply>("screening", v1::RecordReturnPhotoRequest()); }

void Story::ExposedAt(absl::Duration ago) {
  v1::RecordExposureRequest request;
  *request.mutable_last_exposure_at() = ToProto(world.clock.Now() - ago);
  Does<v1::ScreeningReply>("screening", request);
}

void Story::Offers(const std::string& rule) {
  v1::RecordMedicalOfferRequest request;
  request.mutable_offer()->set_task_id(rule);
  request.mutable_offer()->set_answer(v1::MEDICAL_ANSWER_ACCEPTED);
  request.mutable_offer()->set_offered_by_id("worker-7");
  Does<v1::ScreeningReply>("screening", request);
}

void Story::Identifies() {
  v1::IdentifyVictimRequest request;
  request.set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  request.set_decided_by_id("worker-9");
  Does<v1::ScreeningReply>("screening", request);
}

void Story::TeamAnswers(const std::string& seat) {
  v1::AcknowledgeTeamNoticeRequest request;
  request.set_request_id(absl::StrCat("request-", ++requests_));
  request.set_notice_id(absl::StrCat(kEpisode, "_t1"));
  request.set_seat_or_member(seat);
  request.set_how(v1::REACHED_BY_PHONE);
  const auto reply = world.Ask<v1::TeamNoticeReply>("mdt", request.request_id(), kEpisode, request);
  EXPECT_TRUE(reply.ok()) << reply.status();
}

void Story::TeamMeets() {
  v1::RecordMeetingRequest request;
  request.mutable_meeting()->set_coordinator_id("worker-9");
  request.mutable_meeting()->set_youth_voice(v1::YOUTH_VOICE_TOOK_PART);
  Does<v1::TeamNoticeReply>("mdt", request);
}

void Story::Closes(v1::CloseReason reason) {
  v1::CloseEpisodeRequest request;
  request.set_reason(reason);
  Does<v1::CloseEpisodeReply>("intake", request);
}

void Story::Passes(absl::Duration time) { world.Advance(time); }

void Story::Until(absl::Duration after_report) {
  const absl::Duration left = reported_at_ + after_report - world.clock.Now();
  ASSERT_GE(left, absl::ZeroDuration()) << "that time is over";
  world.Advance(left);
}

std::vector<std::string> Story::Told() {
  std::vector<std::string> told;
  for (const std::string& line : world.TakeSent()) told.push_back(Short(line));
  std::sort(told.begin(), told.end());
  return told;
}

std::vector<std::string> Story::Woken() {
  const v1::OncallState state = State();
  const std::vector<MemoryChannel::Sent> sent = world.pages->sent();
  std::vector<std::string> woken;
  for (; pages_seen_ < sent.size(); ++pages_seen_) {
    const Outgoing& page = sent[pages_seen_].outgoing;
    const std::string& subject = page.message.subject();
    const size_t open = subject.find(" (");
    const std::string alert_id = subject.substr(open + 2, subject.size() - open - 3);
    const v1::Alert* alert = FindAlert(state, alert_id);
    woken.push_back(
        absl::StrCat(Short(absl::StrCat(page.recipient.person_id(), ": ", subject.substr(0, open))),
                     " ", alert == nullptr ? "of an alert that isn't kept" : alert->duty_key()));
  }
  std::sort(woken.begin(), woken.end());
  return woken;
}

std::vector<std::string> Story::Open() {
  const v1::OncallState state = State();
  std::vector<std::string> open;
  for (const v1::WatchedEpisode& episode : state.episodes()) {
    const v1::Directory directory = world.Directory();
    const v1::PolicyPack& pack = PolicyPackFor(directory, episode.case_().episode().jurisdiction());
    for (const Duty& duty : DutiesOf(episode.case_(), pack, world.clock.Now())) {
      const bool begun = duty.start_after.value_or(absl::InfinitePast()) <= world.clock.Now();
      if (duty.state == v1::DUTY_STATE_OPEN && begun) open.push_back(duty.duty_key);
    }
  }
  std::sort(open.begin(), open.end());
  return open;
}

v1::OncallState Story::State() { return world.Oncall(kYouth); }

}  // namespace porchlight
