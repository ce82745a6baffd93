#include "services/porchlight/mdt_commands.h"

#include <memory>

#include "porchlight/v1/mdt.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/change_options.h"

namespace porchlight {
namespace {

// The seat's answer, or how far its messages came.
std::string AnswerText(const v1::TeamSeatStatus& seat) {
  if (seat.has_answer()) {
    return absl::StrCat("answered ", TimeText(true, seat.answer().answered_at()), " (",
                        Word("REACHED_BY_", v1::ReachedBy_Name(seat.answer().how())), ")");
  }
  if (seat.deliveries().empty()) return "nobody in the directory can be told";
  bool reached = false;
  bool trying = false;
  for (const v1::TeamDelivery& delivery : seat.deliveries()) {
    reached = reached || delivery.state() == v1::DELIVERY_STATE_DELIVERED;
    trying = trying || delivery.state() == v1::DELIVERY_STATE_PENDING;
  }
  return reached ? "told" : trying ? "being told" : "could not be reached: call them";
}

void PrintNotice(const v1::TeamNotice& notice) {
  std::cout << (notice.exercise() ? "[EXERCISE] " : "") << notice.notice_id() << "  "
            << Word("TEAM_NOTICE_STATE_", v1::TeamNoticeState_Name(notice.state()));
  if (notice.has_due_at()) std::cout << ", due " << TimeText(true, notice.due_at());
  if (notice.has_next_chase_at())
    std::cout << ", asks again " << TimeText(true, notice.next_chase_at());
  if (!notice.reason().empty()) std::cout << ": " << notice.reason();
  std::cout << "\n";
  std::vector<std::vector<std::string>> rows;
  for (const v1::TeamSeatStatus& seat : notice.seats()) {
    rows.push_back(
        {absl::StrCat("  ", seat.role()), seat.required() ? "required" : "", AnswerText(seat)});
  }
  PrintTable({"  SEAT", "", "ANSWER"}, rows);
}

struct TeamListOptions {
  ServerOptions server;
  v1::ListTeamNoticesRequest request;
};

// Every page.
absl::Status ListAll(TeamListOptions& options, v1::ListTeamNoticesReply& all) {
  const auto stub = v1::Mdt::NewStub(Connect(options.server, "mdt"));
  options.request.set_page_size(500);
  do {
    v1::ListTeamNoticesReply page;
    const absl::Status status =
        Call(options.server, *stub, &v1::Mdt::Stub::ListTeamNotices, options.request, page);
    if (!status.ok()) return status;
    options.request.set_page_token(page.next_page_token());
    page.clear_next_page_token();
    all.MergeFrom(page);
  } while (!options.request.page_token().empty());
  return absl::OkStatus();
}

int List(TeamListOptions& options) {
  v1::ListTeamNoticesReply reply;
  if (absl::Status status = ListAll(options, reply); !status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  for (const std::string& episode_id : reply.without_roster()) {
    std::cout << "THE TEAM OF " << episode_id
              << " COULD NOT BE CALLED: no roster with anybody to reach covers it. Set one, and "
                 "call them yourself now.\n";
  }
  for (const v1::TeamNotice& notice : reply.notices()) PrintNotice(notice);
  for (const v1::TeamMeeting& meeting : reply.meetings()) {
    std::cout << "Met " << TimeText(meeting.has_held_at(), meeting.held_at()) << ", led by "
              << meeting.coordinator_id()
              << "; the youth: " << Word("YOUTH_VOICE_", v1::YouthVoice_Name(meeting.youth_voice()))
              << "\n";
  }
  if (reply.notices().empty() && reply.without_roster().empty())
    std::cout << "No team is waited for.\n";
  return kDone;
}

void AddTeamNotices(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<TeamListOptions>();
  CLI::App* list = app.add_subcommand("list", "Who was called, and who has answered");
  AddServerOptions(*list, options->server);
  list->add_option("--episode,episode", *options->request.mutable_episode_id(),
                   "One episode, with its meetings; without it, all that are waited for");
  list->footer("Example: porchlight mdt list y-100_e1");
  list->callback([options, &exit_code] { exit_code = List(*options); });
}

template <typename Request>
int Submit(Change<Request>& change,
           grpc::Status (v1::Mdt::Stub::*method)(grpc::ClientContext*, const Request&,
                                                 v1::TeamNoticeReply*),
           const std::string& done) {
  FinishRequest(change.request);
  const auto stub = v1::Mdt::NewStub(Connect(change.server, "mdt"));
  v1::TeamNoticeReply reply;
  const absl::Status status = Call(change.server, *stub, method, change.request, reply);
  if (!status.ok()) return Fail(status);
  if (change.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << done << "\n";
  PrintWarnings(reply);
  for (const v1::TeamNotice& notice : reply.notices()) PrintNotice(notice);
  return kDone;
}

void AddAcknowledge(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::AcknowledgeTeamNoticeRequest>>();
  change->time.flag = "--at";
  v1::AcknowledgeTeamNoticeRequest& request = change->request;
  CLI::App* command = app.add_subcommand("ack", "A member has answered");
  AddServerOptions(*command, change->server);
  command->add_option("--notice,notice", *request.mutable_notice_id(), "As list names it")
      ->required();
  command->add_option("--seat", *request.mutable_seat_or_member(), "The seat, or one of its people")
      ->required();
  AddChoice<v1::ReachedBy>(*command, "--how", "How they answered", [&request](v1::ReachedBy how) {
    request.set_how(how);
  })->required();
  AddTime(*command, change->time, "When; without it, now");
  AddActor(*command, request);
  command->footer("Example: porchlight mdt ack y-100_e1_t1 --seat advocate --how phone");
  command->callback([change, &exit_code] {
    const absl::Status set =
        SetTime(change->time, [&] { return change->request.mutable_answered_at(); });
    exit_code = set.ok()
                    ? Submit(*change, &v1::Mdt::Stub::AcknowledgeTeamNotice, "Answer recorded.")
                    : Fail(set);
  });
}

void AddMeeting(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordMeetingRequest>>();
  change->time.flag = "--at";
  v1::RecordMeetingRequest& request = change->request;
  v1::TeamMeeting& meeting = *request.mutable_meeting();
  CLI::App* command = app.add_subcommand("meeting", "The team has met");
  AddServerOptions(*command, change->server);
  command->add_option("--episode,episode", *request.mutable_episode_id(), "The episode's id")
      ->required();
  command->add_option("--coordinator", *meeting.mutable_coordinator_id(), "Worker id of who led it")
      ->required();
  AddChoice<v1::YouthVoice>(*command, "--youth-voice", "How the youth's own view came into it",
                            [&meeting](v1::YouthVoice voice) { meeting.set_youth_voice(voice); })
      ->required();
  command
      ->add_option_function<std::vector<std::string>>(
          "--present",
          [&meeting](const std::vector<std::string>& roles) {
            for (const std::string& role : roles) meeting.add_roles_present(role);
          },
          "A seat that took part; may be given again")
      ->allow_extra_args(false);
  command->add_option("--decisions", *meeting.mutable_decisions(), "What was decided");
  AddTime(*command, change->time, "When; without it, now");
  AddActor(*command, request);
  command->footer(
      "Example: porchlight mdt meeting y-100_e1 --coordinator worker-7 --youth-voice took-part "
      "--present advocate");
  command->callback([change, &exit_code] {
    const absl::Status set =
        SetTime(change->time, [&] { return change->request.mutable_meeting()->mutable_held_at(); });
    exit_code =
        set.ok() ? Submit(*change, &v1::Mdt::Stub::RecordMeeting, "Meeting recorded.") : Fail(set);
  });
}

}  // namespace

void AddMdtCommands(CLI::App& app, int& exit_code) {
  CLI::App* mdt = app.add_subcommand(
      "mdt", "The multidisciplinary team: who was called, who has answered, meetings");
  mdt->require_subcommand(1);
  AddTeamNotices(*mdt, exit_code);
  AddAcknowledge(*mdt, exit_code);
  AddMeeting(*mdt, exit_code);
}

}  // namespace porchlight
