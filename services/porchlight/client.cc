#include "services/porchlight/client.h"

#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "porchlight/v1/agency.grpc.pb.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct ListOptions {
  ServerOptions server;
  std::string episode_id;
};

int Notices(const ListOptions& options) {
  const auto stub = v1::Notification::NewStub(Connect(options.server));
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
  const auto stub = v1::Notification::NewStub(Connect(options.server));
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
  const auto stub = v1::Notification::NewStub(Connect(server));
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

void AddNoticeCommands(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ListOptions>();
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

std::shared_ptr<grpc::Channel> Connect(const ServerOptions& server) {
  std::shared_ptr<grpc::Channel> channel = rpc::NewChannel(server.address);
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  v1::GetAgencyReply agency;
  if (v1::Agency::NewStub(channel)->GetAgency(&context, {}, &agency).ok())
    ShowTimesIn(agency.time_zone());
  return channel;
}

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  command.add_option("--server", options.address, "Where the server listens")
      ->envname("PORCHLIGHT_SERVER")
      ->capture_default_str();
  command.add_flag("--json", options.json, "Print JSON for scripts");
}

void AddClientCommands(CLI::App& app, int& exit_code) {
  AddIntakeCommands(app, exit_code);
  AddEpisodeCommands(app, exit_code);
  AddRosterCommands(app, exit_code);
  AddNoticeCommands(app, exit_code);
}

}  // namespace porchlight
