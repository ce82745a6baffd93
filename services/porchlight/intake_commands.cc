// report, add, return, close, join: what people tell intake.
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/fact_options.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

constexpr char kTimeHelp[] = "Such as \"2026-11-22 02:10\" (the agency's time zone)";
constexpr char kRequestIdHelp[] = "The same again is the same request (8 to 64 of A-Za-z0-9-)";

// A request without an id gets one here, so that a repetition after a lost answer is one.
template <typename Request>
void Complete(Request& request) {
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(v1::REACHED_BY_COMMAND_LINE);
}

template <typename Request>
void AddRequestOptions(CLI::App& command, Request& request) {
  command.add_option("--reporter", *request.mutable_actor()->mutable_actor_id(), "Your worker id");
  command.add_option("--request-id", *request.mutable_request_id(), kRequestIdHelp);
}

absl::Status ReadTime(absl::string_view option, const std::string& text,
                      google::protobuf::Timestamp* time) {
  const absl::StatusOr<google::protobuf::Timestamp> read = ParseTime(option, text);
  if (read.ok()) *time = *read;
  return read.status();
}

template <typename Reply>
void PrintWarnings(const Reply& reply) {
  for (const std::string& warning : reply.warnings())
    std::cout << "Please check: " << warning << ".\n";
}

struct ReportOptions {
  ServerOptions server;
  v1::ReportMissingRequest request;
  FactOptions facts;
  std::string last_seen_at;
};

void PrintReport(const v1::ReportMissingReply& reply) {
  std::cout << (reply.result() == v1::REPORT_RESULT_EPISODE_OPENED
                    ? "Accepted. Episode "
                    : "Accepted and added to episode ")
            << reply.episode_id() << ", known to the agency since "
            << TimeText(true, reply.received_at()) << ".\n";
  PrintWarnings(reply);
  if (!reply.still_unknown().empty()) {
    std::cout << "Not known yet: " << absl::StrJoin(reply.still_unknown(), ", ")
              << ".\nTell it when you know: porchlight report --youth " << reply.youth_id()
              << " ..., or for a photo or sighting porchlight add " << reply.episode_id()
              << " ...\n";
  }
  std::cout << "Who was told: porchlight notices " << reply.episode_id() << "\n";
}

int Report(ReportOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  v1::ReportMissingRequest& request = options.request;
  absl::Status read =
      options.facts.Read(*request.mutable_circumstances_known(), *request.mutable_anchors());
  if (read.ok() && !options.last_seen_at.empty())
    read = ReadTime("--last-seen-at", options.last_seen_at, request.mutable_last_seen_at());
  if (!read.ok()) return Fail(read);
  Complete(request);
  v1::ReportMissingReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::ReportMissing, request, reply);
  if (!status.ok()) return Fail(status);
  options.server.json ? PrintJson(reply) : PrintReport(reply);
  return kDone;
}

void AddReport(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* report =
      app.add_subcommand("report", "Report that a child or youth is missing from care");
  report->footer(
      "A name, a placement or a youth id is enough; tell the rest when it is known.\n"
      "  porchlight report --first-name Robin --placement \"Maple House\" --last-seen-at "
      "\"2026-11-22 02:10\"\n"
      "  porchlight report --youth y-100 --last-seen-place \"the bus stop\" --circumstance "
      "medical-need");
  AddServerOptions(*report, options->server);
  v1::ReportMissingRequest& request = options->request;
  const auto text = [&](const std::string& flag, std::string* field, const std::string& help) {
    report->add_option(flag, *field, help);
  };
  text("--youth", request.mutable_youth_id(), "The agency's opaque id of the youth");
  text("--placement", request.mutable_placement(), "Home or facility missing from");
  text("--last-seen-place", request.mutable_last_seen_place(), "");
  text("--last-seen-at", &options->last_seen_at, kTimeHelp);
  text("--circumstances", request.mutable_circumstances(), "What happened");
  text("--jurisdiction", request.mutable_jurisdiction(), "Such as us-tx");
  text("--status", request.mutable_status_word(), "Your agency's word for it");
  text("--reporter-contact", request.mutable_reporter_contact(), "How to call you back");
  AddRequestOptions(*report, request);
  options->facts.AddTo(*report, *request.mutable_youth());
  report->add_flag_callback(
      "--exercise", [options] { options->request.set_exercise(true); },
      "A drill: reaches only recipients for drills");
  report->callback([options, &exit_code] { exit_code = Report(*options); });
}

struct AddOptions {
  ServerOptions server;
  v1::AddToEpisodeRequest request;
  FactOptions facts;
  std::string kind = "other";
  std::string at;
  std::string photo_file;
  std::string photo_taken_at;
};

absl::Status ReadPhotoFile(const std::string& path, v1::AddToEpisodeRequest& request) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::InvalidArgumentError(absl::StrCat("can't read --photo ", path));
  std::string bytes(kPhotoBytesMax + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (bytes.size() > kPhotoBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("--photo ", path, " has more than 10 MiB; send a smaller copy of it"));
  }
  request.set_photo(std::move(bytes));
  return absl::OkStatus();
}

absl::Status ReadAddition(AddOptions& options) {
  v1::AddToEpisodeRequest& request = options.request;
  absl::Status read =
      options.facts.Read(*request.mutable_circumstances_known(), *request.mutable_anchors());
  if (!read.ok()) return read;
  const auto kind = EnumOf<v1::FactKind>(
      "--kind", options.kind == "crime" ? std::string("crime_learned") : options.kind);
  if (!kind.ok()) return kind.status();
  request.set_kind(*kind);
  if (!options.at.empty()) read = ReadTime("--at", options.at, request.mutable_occurred_at());
  if (read.ok() && !options.photo_taken_at.empty()) {
    read = ReadTime("--photo-taken-at", options.photo_taken_at,
                    request.mutable_youth()->mutable_photo_taken_at());
  }
  if (read.ok() && !options.photo_file.empty()) read = ReadPhotoFile(options.photo_file, request);
  return read;
}

int AddFact(AddOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  if (absl::Status read = ReadAddition(options); !read.ok()) return Fail(read);
  Complete(options.request);
  v1::AddToEpisodeReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::AddToEpisode, options.request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Added to episode " << reply.episode_id() << ".\n";
  PrintWarnings(reply);
  return kDone;
}

void AddAdd(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<AddOptions>();
  CLI::App* add = app.add_subcommand("add", "Add to an episode: a sighting, a photo, a new fact");
  add->footer(
      "Also after the return, until the episode is closed.\n"
      "  porchlight add y-100_e1 --kind sighting --place \"the mall\" --at \"2026-11-22 10:40\"\n"
      "  porchlight add y-100_e1 --kind photo --photo robin.jpg\n"
      "  porchlight add y-100_e1 --hair \"short, dyed blue\" --text \"as a friend told us\"");
  AddServerOptions(*add, options->server);
  v1::AddToEpisodeRequest& request = options->request;
  add->add_option("--episode,episode", *request.mutable_episode_id(), "The episode's id")
      ->required();
  add->add_option("--kind", options->kind,
                  "sighting, contact (or an attempt), photo, other, located (known where, not "
                  "back) or crime (learned of)")
      ->capture_default_str();
  add->add_option("--text", *request.mutable_text(), "What is told");
  add->add_option("--place", *request.mutable_place(), "Where it was");
  add->add_option("--at", options->at, kTimeHelp);
  add->add_option("--photo", options->photo_file,
                  "JPEG or PNG of at most 10 MiB; where it was taken is removed");
  add->add_option("--photo-taken-at", options->photo_taken_at, kTimeHelp);
  AddRequestOptions(*add, request);
  options->facts.AddTo(*add, *request.mutable_youth());
  add->callback([options, &exit_code] { exit_code = AddFact(*options); });
}

struct ReturnOptions {
  ServerOptions server;
  v1::RecordReturnRequest request;
  std::string returned_at;
  std::string where;
};

int Return(ReturnOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  v1::RecordReturnRequest& request = options.request;
  if (!options.returned_at.empty()) {
    absl::Status read =
        ReadTime("--returned-at", options.returned_at, request.mutable_returned_at());
    if (!read.ok()) return Fail(read);
  }
  if (!options.where.empty()) {
    const auto where = EnumOf<v1::RecoveredWhere>("--where", options.where);
    if (!where.ok()) return Fail(where.status());
    request.set_recovered_where(*where);
  }
  Complete(request);
  v1::RecordReturnReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::RecordReturn, request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Return recorded for episode " << reply.episode_id() << ".\n";
  PrintWarnings(reply);
  return kDone;
}

void AddReturn(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReturnOptions>();
  CLI::App* command = app.add_subcommand("return", "Record that the youth is back");
  command->footer(
      "  porchlight return y-100_e1 --returned-at \"2026-11-22 09:30\" --where self-returned");
  AddServerOptions(*command, options->server);
  command
      ->add_option("--episode,episode", *options->request.mutable_episode_id(), "The episode's id")
      ->required();
  command->add_option("--returned-at", options->returned_at, kTimeHelp);
  command->add_option("--where", options->where,
                      "Where the youth was found: home, street, self-returned or other");
  command->add_option("--circumstances", *options->request.mutable_circumstances(),
                      "What happened");
  AddRequestOptions(*command, options->request);
  command->callback([options, &exit_code] { exit_code = Return(*options); });
}

struct CloseOptions {
  ServerOptions server;
  v1::CloseEpisodeRequest request;
  std::string reason;
};

int Close(CloseOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  const auto reason = EnumOf<v1::CloseReason>("--reason", options.reason);
  if (!reason.ok()) return Fail(reason.status());
  options.request.set_reason(*reason);
  Complete(options.request);
  v1::CloseEpisodeReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::CloseEpisode, options.request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "Episode " << reply.episode_id() << " is closed.\n";
  if (*reason == v1::CLOSE_REASON_AGED_OUT || *reason == v1::CLOSE_REASON_COURT_ENDED_CARE)
    std::cout << "What police entered for a youth who isn't back stays: they go on looking.\n";
  return kDone;
}

void AddClose(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<CloseOptions>();
  CLI::App* command =
      app.add_subcommand("close", "End an episode: after a return, or because care has ended");
  command->footer(
      "  porchlight close y-100_e1 --reason returned\n"
      "  porchlight close y-100_e1 --reason reported-in-error --text \"was at a school camp\"");
  AddServerOptions(*command, options->server);
  command
      ->add_option("--episode,episode", *options->request.mutable_episode_id(), "The episode's id")
      ->required();
  command
      ->add_option("--reason", options->reason,
                   "returned, aged-out, court-ended-care, deceased or reported-in-error")
      ->required();
  command->add_option("--text", *options->request.mutable_text(), "What is to be known of it");
  AddRequestOptions(*command, options->request);
  command->callback([options, &exit_code] { exit_code = Close(*options); });
}

struct JoinOptions {
  ServerOptions server;
  v1::JoinYouthRequest request;
  std::string reported;
};

int Join(JoinOptions& options) {
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  options.request.set_reported_youth_id(std::string(YouthOf(options.reported)));
  Complete(options.request);
  v1::JoinYouthReply reply;
  const absl::Status status =
      Call(options.server, *stub, &v1::Intake::Stub::JoinYouth, options.request, reply);
  if (!status.ok()) return Fail(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::cout << "From now on both ids are the same youth.\n";
  if (!reply.episode_id().empty()) std::cout << "Open: episode " << reply.episode_id() << ".\n";
  if (!reply.doubled_episode_id().empty()) {
    std::cout << "Please check: episode " << reply.doubled_episode_id()
              << " is open too. It was begun later, so what must be done for it is the same as for "
                 "the other.\n";
  }
  return kDone;
}

void AddJoin(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<JoinOptions>();
  CLI::App* command =
      app.add_subcommand("join", "Say that a youth reported by name only is one of the roster");
  command->footer("Safe to repeat.\n  porchlight join --reported yabc_e1 --youth y-100");
  AddServerOptions(*command, options->server);
  command->add_option("--reported", options->reported, "The episode, or the youth as reported")
      ->required();
  command->add_option("--youth", *options->request.mutable_youth_id(), "The id in the roster")
      ->required();
  AddRequestOptions(*command, options->request);
  command->callback([options, &exit_code] { exit_code = Join(*options); });
}

}  // namespace

void AddIntakeCommands(CLI::App& app, int& exit_code) {
  AddReport(app, exit_code);
  AddAdd(app, exit_code);
  AddReturn(app, exit_code);
  AddClose(app, exit_code);
  AddJoin(app, exit_code);
}

}  // namespace porchlight
