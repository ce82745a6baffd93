#include "services/porchlight/client.h"

#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct ReportOptions {
  ServerOptions server;
  v1::ReportMissingRequest request;
  std::string last_seen_at;
};

int Report(ReportOptions& options) {
  v1::ReportMissingRequest& request = options.request;
  if (!options.last_seen_at.empty()) {
    const auto time = ParseTime("--last-seen-at", options.last_seen_at);
    if (!time.ok()) return Fail(time.status());
    *request.mutable_last_seen_at() = *time;
  }
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(v1::REACHED_BY_COMMAND_LINE);
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(options.server.address));
  v1::ReportMissingReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::ReportMissing, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << (reply.result() == v1::REPORT_RESULT_EPISODE_OPENED
                    ? "Accepted. Episode "
                    : "Accepted and added to episode ")
            << reply.episode_id() << ", known to the agency since "
            << TimeText(true, reply.received_at()) << ".\n";
  for (const std::string& warning : reply.warnings())
    std::cout << "Please check: " << warning << ".\n";
  if (!reply.still_unknown().empty()) {
    std::cout << "Not known yet (add with another report of youth " << reply.youth_id()
              << "): " << absl::StrJoin(reply.still_unknown(), ", ") << ".\n";
  }
  std::cout << "Who was told: porchlight notices --episode " << reply.episode_id() << "\n";
  return kDone;
}

void AddReport(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* report =
      app.add_subcommand("report", "Report that a child or youth is missing from care");
  report->footer(
      "A name, a placement or a youth id is enough; tell the rest when it is known.\n"
      "  porchlight report --first-name Robin --placement \"Maple House\" --last-seen-at "
      "\"2026-11-22 02:10\"");
  AddServerOptions(*report, options->server);
  const auto text = [&](const std::string& flag, std::string* field, const std::string& help) {
    report->add_option(flag, *field, help);
  };
  v1::ReportMissingRequest& request = options->request;
  v1::YouthFacts& youth = *request.mutable_youth();
  text("--youth", request.mutable_youth_id(), "The agency's opaque id of the youth");
  text("--first-name", youth.mutable_first_name(), "");
  text("--last-name", youth.mutable_last_name(), "");
  text("--preferred-name", youth.mutable_preferred_name(), "What the youth is called");
  text("--pronouns", youth.mutable_pronouns(), "");
  text("--date-of-birth", youth.mutable_date_of_birth(), "YYYY-MM-DD");
  text("--description", youth.mutable_physical_description(), "Height, weight, hair, eyes, marks");
  text("--clothing", youth.mutable_clothing(), "Worn when last seen");
  text("--endangerment", youth.mutable_endangerment(),
       "Risks: pregnancy, suicidal, trafficking...");
  text("--health", youth.mutable_health(), "Medications and health needs");
  text("--placement", request.mutable_placement(), "Home or facility missing from");
  text("--last-seen-place", request.mutable_last_seen_place(), "");
  text("--last-seen-at", &options->last_seen_at,
       "Such as \"2026-11-22 02:10\" (this machine's time zone)");
  text("--circumstances", request.mutable_circumstances(), "What happened");
  text("--jurisdiction", request.mutable_jurisdiction(), "Such as us-tx");
  text("--reporter", request.mutable_actor()->mutable_actor_id(), "Your worker id");
  text("--reporter-contact", request.mutable_reporter_contact(), "How to call you back");
  text("--request-id", request.mutable_request_id(),
       "The same again is the same report (8 to 64 of A-Za-z0-9-)");
  report->add_flag_callback(
      "--exercise", [options] { options->request.set_exercise(true); },
      "A drill: reaches only recipients for drills");
  report->callback([options, &exit_code] { exit_code = Report(*options); });
}

struct ReturnOptions {
  ServerOptions server;
  v1::RecordReturnRequest request;
  std::string returned_at;
  std::string where;
};

int Return(ReturnOptions& options) {
  v1::RecordReturnRequest& request = options.request;
  if (!options.returned_at.empty()) {
    const auto time = ParseTime("--returned-at", options.returned_at);
    if (!time.ok()) return Fail(time.status());
    *request.mutable_returned_at() = *time;
  }
  static const std::map<std::string, v1::RecoveredWhere> kWhere = {
      {"home", v1::RECOVERED_WHERE_HOME},
      {"street", v1::RECOVERED_WHERE_STREET},
      {"self-returned", v1::RECOVERED_WHERE_SELF_RETURNED},
      {"other", v1::RECOVERED_WHERE_OTHER}};
  if (!options.where.empty()) request.set_recovered_where(kWhere.at(options.where));
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(v1::REACHED_BY_COMMAND_LINE);
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(options.server.address));
  v1::RecordReturnReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::RecordReturn, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Return recorded for episode " << reply.episode_id() << ".\n";
  for (const std::string& warning : reply.warnings())
    std::cout << "Please check: " << warning << ".\n";
  return kDone;
}

void AddReturn(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReturnOptions>();
  CLI::App* command = app.add_subcommand("return", "Record that the youth is back");
  command->footer(
      "  porchlight return --episode yabc_e1 --returned-at \"2026-11-22 09:30\" --where "
      "self-returned");
  AddServerOptions(*command, options->server);
  command->add_option("--episode", *options->request.mutable_episode_id(), "The episode's id")
      ->required();
  command->add_option("--returned-at", options->returned_at, "Such as \"2026-11-22 09:30\"");
  command->add_option("--where", options->where, "Where the youth was found")
      ->check(CLI::IsMember({"home", "street", "self-returned", "other"}));
  command->add_option("--circumstances", *options->request.mutable_circumstances(),
                      "What happened");
  command->add_option("--reporter", *options->request.mutable_actor()->mutable_actor_id(),
                      "Your worker id");
  command->add_option("--request-id", *options->request.mutable_request_id(),
                      "The same again is the same report");
  command->callback([options, &exit_code] { exit_code = Return(*options); });
}

struct ListOptions {
  ServerOptions server;
  bool all = false;
  std::string episode_id;
};

std::string WhoText(const v1::Episode& episode) {
  std::vector<absl::string_view> known;
  for (absl::string_view fact :
       {absl::string_view(episode.exercise() ? "[EXERCISE]" : ""),
        absl::string_view(episode.youth().first_name()),
        absl::string_view(episode.youth().last_name()), absl::string_view(episode.placement())}) {
    if (!fact.empty()) known.push_back(fact);
  }
  return absl::StrJoin(known, " ");
}

int Episodes(const ListOptions& options) {
  const auto stub = v1::Intake::NewStub(rpc::NewChannel(options.server.address));
  v1::ListEpisodesReply all;
  v1::ListEpisodesRequest request;
  request.set_include_ended(options.all);
  request.set_page_size(500);
  do {
    v1::ListEpisodesReply page;
    const absl::Status status =
        Call(options.server, *stub, &v1::Intake::Stub::ListEpisodes, request, page);
    if (!status.ok()) return Fail(status);
    request.set_page_token(page.next_page_token());
    all.mutable_episodes()->MergeFrom(page.episodes());
  } while (!request.page_token().empty());
  if (options.server.json) {
    PrintJson(all);
    return kDone;
  }
  if (all.episodes().empty()) {
    std::cout << (options.all ? "No episodes.\n"
                              : "No open episodes. --all shows those that have ended too.\n");
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::Episode& episode : all.episodes()) {
    rows.push_back({episode.episode_id(),
                    Word("EPISODE_STATE_", v1::EpisodeState_Name(episode.state())),
                    TimeText(episode.has_received_at(), episode.received_at()), WhoText(episode)});
  }
  PrintTable({"EPISODE", "STATE", "KNOWN SINCE", "WHO, FROM WHERE"}, rows);
  return kDone;
}

int Notices(const ListOptions& options) {
  const auto stub = v1::Notification::NewStub(rpc::NewChannel(options.server.address));
  v1::ListNoticesRequest request;
  request.set_episode_id(options.episode_id);
  v1::ListNoticesReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Notification::Stub::ListNotices, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::Notice& notice : reply.notices()) {
    const absl::string_view id = notice.notice_id();
    rows.push_back({std::string(id.substr(id.rfind('_') + 1)),
                    Word("NOTICE_KIND_", v1::NoticeKind_Name(notice.kind())), notice.recipient_id(),
                    Word("CHANNEL_KIND_", v1::ChannelKind_Name(notice.channel())),
                    Word("DELIVERY_STATE_", v1::DeliveryState_Name(notice.state())),
                    absl::StrCat(notice.attempts()),
                    TimeText(notice.has_settled_at(), notice.settled_at()),
                    TimeText(notice.has_next_attempt_at(), notice.next_attempt_at())});
  }
  PrintTable({"NOTICE", "KIND", "RECIPIENT", "CHANNEL", "STATE", "TRIES", "SETTLED", "NEXT TRY"},
             rows);
  return kDone;
}

int DeadLetters(const ListOptions& options) {
  const auto stub = v1::Notification::NewStub(rpc::NewChannel(options.server.address));
  v1::ListDeadLettersRequest request;
  request.set_page_size(500);
  v1::ListDeadLettersReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Notification::Stub::ListDeadLetters, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  if (reply.dead_letters().empty()) {
    std::cout
        << "No dead letters: everybody who was to be told was told, or is still being tried.\n";
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::DeliveryStatus& dead : reply.dead_letters()) {
    rows.push_back(
        {dead.delivery_id(), dead.recipient_id(), absl::StrCat(dead.attempts()),
         absl::StrCat(Word("DELIVERY_ANSWER_", v1::DeliveryAnswer_Name(dead.last_answer())),
                      dead.last_code() == 0 ? "" : absl::StrCat(" ", dead.last_code()))});
  }
  PrintTable({"DELIVERY", "RECIPIENT", "TRIES", "LAST ANSWER"}, rows);
  std::cout << "Tell these recipients in another way now. When the cause is mended: porchlight "
               "dead-letters replay DELIVERY\n";
  return kDone;
}

int Replay(const ServerOptions& server, v1::ReplayDeadLetterRequest request) {
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(v1::REACHED_BY_COMMAND_LINE);
  const auto stub = v1::Notification::NewStub(rpc::NewChannel(server.address));
  v1::ReplayDeadLetterReply reply;
  const absl::Status status =
      Call(server, *stub, &v1::Notification::Stub::ReplayDeadLetter, request, reply);
  if (!status.ok()) return Fail(status);
  if (server.json) {
    PrintJson(reply);
  } else {
    std::cout << "Sent again, with the same delivery id.\n";
  }
  return kDone;
}

void AddLists(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* episodes = app.add_subcommand("episodes", "List open episodes");
  AddServerOptions(*episodes, options->server);
  episodes->add_flag("--all", options->all, "Also those that have ended");
  episodes->callback([options, &exit_code] { exit_code = Episodes(*options); });

  CLI::App* notices =
      app.add_subcommand("notices", "Who was told of an episode, and what each said");
  AddServerOptions(*notices, options->server);
  notices->add_option("--episode,episode", options->episode_id, "The episode's id")->required();
  notices->callback([options, &exit_code] { exit_code = Notices(*options); });

  CLI::App* dead =
      app.add_subcommand("dead-letters", "Messages that were given up: each needs a person");
  AddServerOptions(*dead, options->server);
  CLI::App* replay = dead->add_subcommand("replay", "Send one again, with the same delivery id");
  auto request = std::make_shared<v1::ReplayDeadLetterRequest>();
  replay->add_option("delivery", *request->mutable_delivery_id(), "The delivery's id")->required();
  replay->add_option("--request-id", *request->mutable_request_id(),
                     "The same again is the same replay");
  replay->add_option("--reporter", *request->mutable_actor()->mutable_actor_id(), "Your worker id");
  AddServerOptions(*replay, options->server);
  replay->callback(
      [options, request, &exit_code] { exit_code = Replay(options->server, *request); });
  dead->callback([options, replay, &exit_code] {
    if (!replay->parsed()) exit_code = DeadLetters(*options);
  });
}

}  // namespace

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  command.add_option("--server", options.address, "Where the server listens")
      ->envname("PORCHLIGHT_SERVER")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print JSON for scripts");
}

void AddClientCommands(CLI::App& app, int& exit_code) {
  AddReport(app, exit_code);
  AddReturn(app, exit_code);
  AddLists(app, exit_code);
}

}  // namespace porchlight
