// notices, file-proof, refuse, dead-letters: who was told, what people type in of it, and what was
// given up.
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/change_options.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct NoticeListOptions {
  ServerOptions server;
  std::string episode_id;
};

// "n3" of "youth_e1_n3".
std::string ShortId(absl::string_view id) { return std::string(id.substr(id.rfind('_') + 1)); }

std::string StateText(const v1::Notice& notice) {
  if (notice.refused()) return "refused by them";
  if (notice.channel() == v1::CHANNEL_KIND_PERSON)
    return notice.state() == v1::DELIVERY_STATE_DELIVERED ? "told" : "CALL THEM";
  return Word("DELIVERY_STATE_", v1::DeliveryState_Name(notice.state()));
}

void PrintNotices(const v1::ListNoticesReply& reply) {
  std::vector<std::vector<std::string>> rows;
  for (const v1::Notice& notice : reply.notices()) {
    rows.push_back(
        {ShortId(notice.notice_id()), Word("NOTICE_KIND_", v1::NoticeKind_Name(notice.kind())),
         Short(notice.recipient_id(), 20), StateText(notice), absl::StrCat(notice.attempts()),
         TimeText(notice.has_settled_at(), notice.settled_at()),
         TimeText(notice.has_due_at(), notice.due_at()), notice.citation()});
  }
  PrintTable({"NOTICE", "KIND", "RECIPIENT", "STATE", "TRIES", "SETTLED", "DUE", "GROUND"}, rows);
}

void PrintFilings(const v1::ListNoticesReply& reply) {
  if (reply.filings().empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const v1::ProofFiling& filing : reply.filings()) {
    rows.push_back({ShortId(filing.filing_id()),
                    Word("EVIDENCE_KIND_", v1::EvidenceKind_Name(filing.kind())),
                    Short(filing.number(), 20), Short(filing.told_to(), 20),
                    TimeText(true, filing.done_at()), absl::StrJoin(filing.duty_keys(), ", ")});
  }
  std::cout << "\n";
  PrintTable({"PROOF", "KIND", "NUMBER", "TOLD TO", "DONE", "OF"}, rows);
}

int Notices(const NoticeListOptions& options) {
  const auto stub = v1::Notification::NewStub(Connect(options.server, "notification"));
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
  PrintNotices(reply);
  PrintFilings(reply);
  for (const v1::NoticeRefusal& refusal : reply.refusals()) {
    std::cout << "Refused " << TimeText(true, refusal.refused_at()) << " by "
              << PlainWord(refusal.recipient_kind()) << ": " << Short(refusal.reason(), 60) << "\n";
  }
  for (const v1::Notice& notice : reply.notices()) {
    const bool to_call = notice.channel() == v1::CHANNEL_KIND_PERSON && !notice.refused() &&
                         notice.state() == v1::DELIVERY_STATE_PENDING;
    if (to_call)
      std::cout << "\nTO BE TOLD BY A PERSON, " << notice.notice_id() << "\n" << notice.script();
  }
  if (!reply.untold_duty_keys().empty()) {
    std::cout << "\nNOBODY IN THE DIRECTORY CAN BE TOLD OF: "
              << absl::StrJoin(reply.untold_duty_keys(), ", ")
              << "\nTell them yourself and type it in with `porchlight file-proof`, or set them "
                 "with `porchlight directory set-recipient`.\n";
  }
  return kDone;
}

int DeadLetters(const NoticeListOptions& options) {
  const auto stub = v1::Notification::NewStub(Connect(options.server, "notification"));
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
  const auto stub = v1::Notification::NewStub(Connect(server, "notification"));
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

void AddNotices(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<NoticeListOptions>();
  CLI::App* notices = app.add_subcommand(
      "notices",
      "Who was told of an episode and what each said; what was typed in; who is to call");
  AddServerOptions(*notices, options->server);
  notices->add_option("--episode,episode", options->episode_id, "The episode's id")->required();
  notices->footer("Example: porchlight notices y-100_e1");
  notices->callback([options, &exit_code] { exit_code = Notices(*options); });
}

void AddDeadLetters(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<NoticeListOptions>();
  CLI::App* dead =
      app.add_subcommand("dead-letters", "Messages that were given up: each needs a person");
  AddServerOptions(*dead, options->server);
  dead->footer("Example: porchlight dead-letters replay y-100_e1_dabcdefghijklmnopqrst");
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

int File(Change<v1::FileProofRequest>& change) {
  const absl::Status set = SetTime(change.time, [&] { return change.request.mutable_done_at(); });
  if (!set.ok()) return Fail(set);
  FinishRequest(change.request);
  const auto stub = v1::Notification::NewStub(Connect(change.server, "notification"));
  v1::FileProofReply reply;
  const absl::Status status =
      Call(change.server, *stub, &v1::Notification::Stub::FileProof, change.request, reply);
  if (!status.ok()) return Fail(status);
  if (change.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Filed as " << PlainWord(reply.filing().kind());
  if (!reply.filing().duty_keys().empty())
    std::cout << ", proof of " << absl::StrJoin(reply.filing().duty_keys(), ", ");
  std::cout << ".\n";
  PrintWarnings(reply);
  return kDone;
}

void AddFileProof(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::FileProofRequest>>();
  change->time.flag = "--at";
  v1::FileProofRequest& request = change->request;
  CLI::App* command = app.add_subcommand(
      "file-proof", "Type in that somebody was told, and the number that they gave");
  AddServerOptions(*command, change->server);
  command->add_option("--episode,episode", *request.mutable_episode_id(), "The episode's id")
      ->required();
  command
      ->add_option("--about", *request.mutable_about(),
                   "What was done: a notice, duty or rule, or a recipient such as "
                   "law_enforcement or ncmec")
      ->required();
  command->add_option("--number", *request.mutable_number(),
                      "Police case number, NCIC number or NCMEC reference, as they told it");
  command->add_option("--told-to", *request.mutable_told_to(), "Whom you spoke to");
  request.set_how(v1::REACHED_BY_PHONE);
  AddChoice<v1::ReachedBy>(*command, "--how", "How they were told; without it, by phone",
                           [&request](v1::ReachedBy how) { request.set_how(how); });
  AddTime(*command, change->time, "When; without it, now");
  AddChoice<v1::EvidenceKind>(*command, "--kind", "Kind of evidence; without it, that which fits",
                              [&request](v1::EvidenceKind kind) { request.set_kind(kind); });
  command->add_option("--text", *request.mutable_text(), "What else is to be known of it");
  AddActor(*command, request);
  command->footer(
      "The police case number lets the report to NCMEC go at once.\n"
      "  porchlight file-proof y-100_e1 --about law_enforcement --number 26-1234 --told-to \"Ofc. "
      "Lee\"\n"
      "  porchlight file-proof y-100_e1 --about ncic-number --number M123456789\n"
      "  porchlight file-proof y-100_e1 --about parties --text \"told all of them by phone\"");
  command->callback([change, &exit_code] { exit_code = File(*change); });
}

int Refuse(Change<v1::RecordRefusalRequest>& change) {
  const absl::Status set =
      SetTime(change.time, [&] { return change.request.mutable_refused_at(); });
  if (!set.ok()) return Fail(set);
  FinishRequest(change.request);
  const auto stub = v1::Notification::NewStub(Connect(change.server, "notification"));
  v1::RecordRefusalReply reply;
  const absl::Status status =
      Call(change.server, *stub, &v1::Notification::Stub::RecordRefusal, change.request, reply);
  if (!status.ok()) return Fail(status);
  if (change.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Refusal recorded.\n";
  if (!reply.next_steps().empty()) std::cout << "Begun by it:\n";
  for (const std::string& step : reply.next_steps()) std::cout << "  " << step << "\n";
  return kDone;
}

void AddRefuse(CLI::App& app, int& exit_code) {
  auto change = std::make_shared<Change<v1::RecordRefusalRequest>>();
  change->time.flag = "--at";
  v1::RecordRefusalRequest& request = change->request;
  CLI::App* command = app.add_subcommand(
      "refuse", "Type in that police or another recipient would not take or enter the report");
  AddServerOptions(*command, change->server);
  command->add_option("--episode,episode", *request.mutable_episode_id(), "The episode's id")
      ->required();
  command
      ->add_option("--by", *request.mutable_by(),
                   "Who refused: a notice, or a recipient such as law_enforcement")
      ->required();
  command->add_option("--reason", *request.mutable_reason(), "Why, in their words")->required();
  command->add_option("--told-by", *request.mutable_told_by(), "Who said it");
  AddTime(*command, change->time, "When; without it, now");
  AddActor(*command, request);
  command->footer(
      "The next step of policy begins at once, and somebody is paged.\n"
      "  porchlight refuse y-100_e1 --by law_enforcement --reason \"wait 24 hours first\" "
      "--told-by "
      "\"desk\"");
  command->callback([change, &exit_code] { exit_code = Refuse(*change); });
}

}  // namespace

void AddNoticeCommands(CLI::App& app, int& exit_code) {
  AddNotices(app, exit_code);
  AddFileProof(app, exit_code);
  AddRefuse(app, exit_code);
  AddDeadLetters(app, exit_code);
}

}  // namespace porchlight
