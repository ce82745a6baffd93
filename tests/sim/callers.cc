#include "tests/sim/callers.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "common/processor/rules.h"
#include "porchlight/v1/delivery.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/join.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "porchlight/v1/screening.pb.h"
#include "tests/sim/case_calls.h"

namespace porchlight::sim {
namespace {

std::string KeyOf(const Process& process, const Command& command,
                  const google::protobuf::Message& payload) {
  return Outcomes::KeyOf(process.commands().IdOf(command.youth_id, command.request_id),
                         ContentDigest(payload));
}

}  // namespace

std::string Callers::RequestId() const { return absl::StrCat("request-", requests_.size() + 1); }

// Personal data: the marker must never be seen in clear.
std::string Callers::Text(const std::string& field) const {
  return absl::StrCat(kMarker, " ", field, " ", requests_.size() + 1);
}

void Callers::NewReport(Process& process, bool exercise, const std::string& youth_id) {
  Random& random = environment_.random;
  auto report = std::make_shared<v1::ReportMissingRequest>();
  report->set_request_id(RequestId());
  report->set_youth_id(youth_id.empty() ? process.commands().YouthFor(report->request_id())
                                        : youth_id);
  report->set_exercise(exercise);
  v1::YouthFacts& youth = *report->mutable_youth();
  if (random.Chance(0.4)) youth.set_first_name(Text("first"));
  if (random.Chance(0.3)) youth.set_last_name(Text("last"));
  if (random.Chance(0.3)) youth.set_preferred_name(Text("preferred"));
  if (random.Chance(0.2)) youth.set_date_of_birth(Text("birth"));
  if (random.Chance(0.3)) youth.set_physical_description(Text("description"));
  if (random.Chance(0.4)) youth.set_clothing(Text("clothing"));
  if (random.Chance(0.2)) youth.set_endangerment(Text("risk"));
  if (random.Chance(0.2)) youth.set_health(Text("health"));
  if (random.Chance(0.5)) report->set_placement(absl::StrCat(kMarker, " House"));
  if (random.Chance(0.3)) report->set_last_seen_place(Text("place"));
  if (random.Chance(0.2)) report->set_circumstances(Text("circumstances"));
  if (random.Chance(0.2)) report->set_reporter_contact(Text("contact"));
  Request request{.service = "intake",
                  .command = {.request_id = report->request_id(),
                              .youth_id = report->youth_id(),
                              .exercise = exercise},
                  .payload = report,
                  .reply = std::make_shared<v1::ReportMissingReply>()};
  requests_.push_back(std::move(request));
}

std::string Callers::SomeEpisode() const {
  std::vector<std::string> episodes;
  for (const std::string& record_id : environment_.truth.events_in_order("intake")) {
    const Truth::EventFact& event = environment_.truth.events().at(record_id);
    if (!event.episode.episode_id().empty()) episodes.push_back(event.episode.episode_id());
  }
  return episodes.empty() || environment_.random.Chance(0.1) ? "youth-1_e9"
                                                             : environment_.random.Pick(episodes);
}

void Callers::AddIntakeRequest(std::shared_ptr<google::protobuf::Message> payload,
                               std::shared_ptr<google::protobuf::Message> reply,
                               const std::string& youth_id) {
  requests_.push_back({.service = "intake",
                       .command = {.request_id = RequestId(), .youth_id = youth_id},
                       .payload = std::move(payload),
                       .reply = std::move(reply)});
}

void Callers::NewReturn() {
  auto returned = std::make_shared<v1::RecordReturnRequest>();
  returned->set_request_id(RequestId());
  returned->set_episode_id(SomeEpisode());
  returned->set_circumstances(Text("return"));
  *returned->mutable_returned_at() = ToProto(environment_.clock.Now());
  AddIntakeRequest(returned, std::make_shared<v1::RecordReturnReply>(),
                   std::string(YouthOf(returned->episode_id())));
}

void Callers::NewAddition() {
  auto addition = std::make_shared<v1::AddToEpisodeRequest>();
  addition->set_request_id(RequestId());
  addition->set_episode_id(SomeEpisode());
  addition->set_kind(v1::FACT_KIND_SIGHTING);
  addition->set_text(Text("sighting"));
  (*addition->mutable_youth()->mutable_unavailable())["photo"] = Text("why");
  AddIntakeRequest(addition, std::make_shared<v1::AddToEpisodeReply>(),
                   std::string(YouthOf(addition->episode_id())));
  environment_.counters.Count("addition");
}

void Callers::NewClosing() {
  auto closing = std::make_shared<v1::CloseEpisodeRequest>();
  closing->set_request_id(RequestId());
  closing->set_episode_id(SomeEpisode());
  closing->set_reason(environment_.random.Chance(0.8) ? v1::CLOSE_REASON_RETURNED
                                                      : v1::CLOSE_REASON_AGED_OUT);
  closing->set_text(Text("end"));
  AddIntakeRequest(closing, std::make_shared<v1::CloseEpisodeReply>(),
                   std::string(YouthOf(closing->episode_id())));
}

void Callers::NewYouth() {
  auto set = std::make_shared<v1::SetYouthsRequest>();
  set->set_request_id(RequestId());
  v1::Youth& youth = *set->add_youths();
  youth.set_youth_id(absl::StrCat("youth-", environment_.random.Below(5)));
  youth.mutable_facts()->set_eyes(Text("eyes"));
  AddIntakeRequest(set, std::make_shared<v1::SetYouthsReply>(), youth.youth_id());
}

// One side of it: the other may be told before, after or never.
void Callers::NewJoining() {
  const uint64_t side = environment_.random.Below(5);
  const uint64_t other = (side + 1 + environment_.random.Below(4)) % 5;
  auto joining = std::make_shared<v1::JoinSideRequest>();
  joining->set_request_id(RequestId());
  joining->set_other_youth_id(absl::StrCat("youth-", other));
  joining->set_stays(side < other);
  AddIntakeRequest(joining, std::make_shared<v1::JoinSideReply>(), absl::StrCat("youth-", side));
}

void Callers::NewReplay() {
  std::vector<std::string> dead;
  for (const auto& [id, fact] : environment_.truth.deliveries()) {
    if (fact.state == v1::DELIVERY_STATE_DEAD) dead.push_back(id);
  }
  auto replay = std::make_shared<v1::ReplayDeadLetterRequest>();
  replay->set_request_id(RequestId());
  replay->set_delivery_id(dead.empty() ? "youth-1_e1_dnone" : environment_.random.Pick(dead));
  requests_.push_back({.service = "notification",
                       .command = {.request_id = replay->request_id(),
                                   .youth_id = std::string(YouthOf(replay->delivery_id()))},
                       .payload = replay,
                       .reply = std::make_shared<v1::ReplayDeadLetterReply>()});
}

void Callers::NewCaseCall(const std::string& service) {
  CaseCall call = DrawCaseCall(environment_, service, RequestId(), SomeEpisode());
  if (As<v1::FileProofRequest>(call.payload.get())) environment_.counters.Count("proof filed");
  if (As<v1::RecordRefusalRequest>(call.payload.get()))
    environment_.counters.Count("refused by police");
  requests_.push_back({.service = service,
                       .command = {.request_id = RequestId(),
                                   .youth_id = call.youth_id,
                                   .episode_id = call.episode_id},
                       .payload = std::move(call.payload),
                       .reply = std::move(call.reply)});
}

void Callers::AnswerPages(Process& oncall) {
  environment_.truth.CatchUp();
  for (const auto& [id, alert] : environment_.truth.alerts()) {
    const bool waits = alert.state() == v1::ALERT_STATE_OPEN && !alert.pages().empty();
    if (!waits || answered_.contains(id) || environment_.random.Chance(0.3)) continue;
    answered_.insert(id);
    CaseCall call = Acknowledgement(alert, RequestId());
    requests_.push_back({.service = "oncall",
                         .command = {.request_id = RequestId(),
                                     .youth_id = call.youth_id,
                                     .episode_id = call.episode_id},
                         .payload = std::move(call.payload),
                         .reply = std::move(call.reply)});
    Submit(requests_.back(), oncall);
    return;
  }
}

void Callers::EndLastReport(Process& intake, Process& screening) {
  const std::string youth_id = "youth-last-live";
  auto returned = std::make_shared<v1::RecordReturnRequest>();
  returned->set_request_id(RequestId());
  returned->set_episode_id(absl::StrCat(youth_id, "_e1"));
  AddIntakeRequest(returned, std::make_shared<v1::RecordReturnReply>(), youth_id);
  Submit(requests_.back(), intake);
  auto identified = std::make_shared<v1::IdentifyVictimRequest>();
  identified->set_request_id(RequestId());
  identified->set_episode_id(returned->episode_id());
  identified->set_decision(v1::IDENTIFICATION_DECISION_IDENTIFIED);
  identified->set_decided_by_id("worker-2");
  requests_.push_back({.service = "screening",
                       .command = {.request_id = RequestId(),
                                   .youth_id = youth_id,
                                   .episode_id = returned->episode_id()},
                       .payload = identified,
                       .reply = std::make_shared<v1::ScreeningReply>()});
  Submit(requests_.back(), screening);
}

void Callers::ChangeDirectory(Process& process, v1::ChangeDirectoryRequest change) {
  change.set_request_id(RequestId());
  ++directory_changes_;
  requests_.push_back({.service = "directory",
                       .command = {.request_id = change.request_id(), .youth_id = ""},
                       .payload = std::make_shared<v1::ChangeDirectoryRequest>(change),
                       .reply = std::make_shared<v1::ChangeDirectoryReply>()});
  Submit(requests_.back(), process);
}

// The same request id and youth, but not the same report.
void Callers::OtherContent(const Request& request) {
  const auto* before = dynamic_cast<const v1::ReportMissingRequest*>(request.payload.get());
  if (before == nullptr) return;
  auto report = std::make_shared<v1::ReportMissingRequest>(*before);
  report->set_circumstances(Text("other"));
  Request other = request;
  other.payload = report;
  other.told = false;
  other.process = nullptr;
  requests_.push_back(std::move(other));
  environment_.counters.Count("other content");
}

void Callers::Call(Process& process) {
  Random& random = environment_.random;
  const Options& options = environment_.options;
  if (!requests_.empty() && random.Chance(options.repeat)) {
    Request& request = random.Pick(requests_);
    if (request.service == process.service()) Submit(request, process);
    return;
  }
  const size_t made = requests_.size() - directory_changes_;
  if (made >= static_cast<size_t>(options.requests_max)) return;
  const size_t before = requests_.size();
  if (process.service() == "directory") return;
  if (process.service() == "notification" && random.Chance(0.4)) {
    NewReplay();
  } else if (process.service() != "intake") {
    NewCaseCall(process.service());
  } else if (!requests_.empty() && random.Chance(options.other_content)) {
    OtherContent(requests_[random.Below(requests_.size())]);
  } else if (random.Chance(0.2)) {
    NewReturn();
  } else if (random.Chance(0.15)) {
    NewAddition();
  } else if (random.Chance(0.1)) {
    NewClosing();
  } else if (random.Chance(0.05)) {
    NewYouth();
  } else if (random.Chance(0.05)) {
    NewJoining();
  } else {
    const uint64_t number = random.Below(8);
    NewReport(process, random.Chance(options.drill),
              number < 5 ? absl::StrCat("youth-", number) : std::string());
  }
  if (requests_.size() > before && requests_.back().service == process.service())
    Submit(requests_.back(), process);
}

void Callers::ReportOnceMore(Process& process) {
  for (const bool exercise : {false, true}) {
    NewReport(process, exercise, absl::StrCat("youth-last-", exercise ? "drill" : "live"));
    Submit(requests_.back(), process);
  }
}

void Callers::Submit(Request& request, Process& process) {
  // Nested calls may add requests: `request` isn't used after the call.
  const std::string key = KeyOf(process, request.command, *request.payload);
  if (request.process != &process || request.life != process.life()) process.outcomes().Expect(key);
  request.process = &process;
  request.life = process.life();
  Command command = request.command;
  command.received_at = process.clock().Now();
  const auto payload = request.payload;
  const auto reply = request.reply;
  process.Submit(command, *payload, *reply);
}

void Callers::Look() {
  for (Request& request : requests_) {
    if (request.process == nullptr) continue;
    if (request.process->life() != request.life) {
      request.process = nullptr;
      continue;
    }
    const auto outcome = request.process->outcomes().Wait(
        KeyOf(*request.process, request.command, *request.payload), absl::ZeroDuration());
    if (!outcome.has_value()) continue;
    Heard(request, *outcome);
    request.process = nullptr;
  }
}

void Callers::Heard(Request& request, const v1::RememberedOutcome& outcome) {
  request.told = true;
  environment_.truth.CatchUp();
  const auto* decided = environment_.truth.FindDecided(request.service, outcome.command_id());
  Findings& findings = environment_.findings;
  if (decided == nullptr) {
    findings.Add("no effect of what doesn't count",
                 absl::StrCat("an outcome of ", request.command.request_id, " is told"));
    return;
  }
  if (outcome.body().error().find(kMarker) != std::string::npos)
    findings.Add("need to know", "personal data in a told error text");
  const std::string digest = ContentDigest(*request.payload);
  if (decided->outcome.body().content_digest() != digest) {
    if (outcome.code() != static_cast<int>(absl::StatusCode::kAlreadyExists))
      findings.Add("one outcome for each command",
                   absl::StrCat(request.command.request_id, ", used for something else, has code ",
                                outcome.code()));
  } else if (outcome.SerializeAsString() != decided->outcome.SerializeAsString()) {
    findings.Add("one outcome for each command",
                 absl::StrCat(request.command.request_id, " is told what wasn't decided"));
  }
}

bool Callers::RepeatUntold(Process& process) {
  bool any = false;
  for (size_t i = 0; i < requests_.size(); ++i) {
    if (requests_[i].told || requests_[i].service != process.service()) continue;
    any = true;
    Submit(requests_[i], process);
  }
  return any;
}

std::string Callers::FirstUntold() const {
  for (const Request& request : requests_) {
    if (!request.told) return request.command.request_id;
  }
  return "";
}

bool Callers::WaitsFor(const std::string& service) const {
  return std::any_of(requests_.begin(), requests_.end(), [&](const Request& request) {
    return request.service == service && !request.told;
  });
}

}  // namespace porchlight::sim
