#include "services/porchlight/directory_commands.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/config/directory_file.h"
#include "common/config/words.h"
#include "common/policy/loader.h"
#include "porchlight/v1/directory.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct ChangeOptions {
  ServerOptions server;
  v1::ChangeDirectoryRequest request;
  std::vector<std::string> files;
  // Of one recipient.
  v1::Recipient recipient;
  std::string kind;
  std::string channel;
  std::vector<std::string> jurisdictions;
  // Of one override.
  v1::RotaOverride override;
  std::vector<std::string> people;
  std::string from;
  std::string until;
  // To remove.
  std::vector<std::string> recipients, rotas, overrides, rosters;
};

using Texts = google::protobuf::RepeatedPtrField<std::string>;

Texts ToTexts(const std::vector<std::string>& values) { return {values.begin(), values.end()}; }

// Mistakes are lines of their own, to be clicked at.
int FailLines(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return Fail(status);
  std::cerr << status.message() << "\n";
  return ExitCodeOf(status);
}

std::unique_ptr<v1::DirectoryService::Stub> StubOf(const ServerOptions& server) {
  return v1::DirectoryService::NewStub(Connect(server, "directory"));
}

int ChangeDirectory(ChangeOptions& options) {
  v1::ChangeDirectoryRequest& request = options.request;
  if (request.request_id().empty()) request.set_request_id(SystemIds().New());
  request.mutable_actor()->set_reached_by(options.files.empty() ? v1::REACHED_BY_COMMAND_LINE
                                                                : v1::REACHED_BY_IMPORT);
  v1::ChangeDirectoryReply reply;
  const absl::Status status = Call(options.server, *StubOf(options.server),
                                   &v1::DirectoryService::Stub::ChangeDirectory, request, reply);
  if (!status.ok()) return FailLines(status);
  if (options.server.json) {
    PrintJson(reply);
    return kDone;
  }
  const v1::Directory& set = request.set();
  const int entries_set = set.recipients_size() + set.rotas_size() + set.overrides_size() +
                          set.rosters_size() + set.packs_size();
  const int entries_removed = request.recipients_removed_size() + request.rotas_removed_size() +
                              request.overrides_removed_size() + request.rosters_removed_size();
  if (entries_set > 0) std::cout << "Done: " << entries_set << " set.\n";
  if (entries_removed > 0) std::cout << "Done: " << entries_removed << " no longer in it.\n";
  for (const std::string& warning : reply.warnings())
    std::cout << "Please check: " << warning << ".\n";
  return kDone;
}

int ImportFile(ChangeOptions& options) {
  absl::StatusOr<v1::Directory> directory = ReadDirectoryFile(options.files.front());
  if (!directory.ok()) return FailLines(directory.status());
  *options.request.mutable_set() = *std::move(directory);
  return ChangeDirectory(options);
}

int SetPacks(ChangeOptions& options) {
  const absl::StatusOr<std::vector<PolicySource>> sources = ReadPolicySources(options.files);
  if (!sources.ok()) return Fail(sources.status());
  const absl::StatusOr<PackSet> packs = ParsePacks(*sources);
  if (!packs.ok()) return FailLines(packs.status());
  for (const std::string& id : PackIdsOf(*sources)) {
    *options.request.mutable_set()->add_packs() = *packs->Find(id);
  }
  return ChangeDirectory(options);
}

int SetRecipient(ChangeOptions& options) {
  v1::Recipient& recipient = *options.request.mutable_set()->add_recipients();
  recipient = options.recipient;
  const auto place = [](const std::vector<std::string>& words, const std::string& word) {
    return static_cast<int>(std::find(words.begin(), words.end(), word) - words.begin()) + 1;
  };
  recipient.set_kind(static_cast<v1::RecipientKind>(place(RecipientKindWords(), options.kind)));
  recipient.set_channel(static_cast<v1::ChannelKind>(place(ChannelKindWords(), options.channel)));
  *recipient.mutable_jurisdictions() = ToTexts(options.jurisdictions);
  return ChangeDirectory(options);
}

int SetOverride(ChangeOptions& options) {
  v1::RotaOverride& override = *options.request.mutable_set()->add_overrides();
  override = options.override;
  if (override.override_id().empty()) override.set_override_id(SystemIds().New());
  *override.mutable_person_ids() = ToTexts(options.people);
  const auto from = ParseTime("--from", options.from);
  if (!from.ok()) return Fail(from.status());
  const auto until = ParseTime("--until", options.until);
  if (!until.ok()) return Fail(until.status());
  *override.mutable_from() = *from;
  *override.mutable_until() = *until;
  return ChangeDirectory(options);
}

int Remove(ChangeOptions& options) {
  *options.request.mutable_recipients_removed() = ToTexts(options.recipients);
  *options.request.mutable_rotas_removed() = ToTexts(options.rotas);
  *options.request.mutable_overrides_removed() = ToTexts(options.overrides);
  *options.request.mutable_rosters_removed() = ToTexts(options.rosters);
  return ChangeDirectory(options);
}

std::string WhereText(const Texts& jurisdictions) {
  return jurisdictions.empty() ? "everywhere" : absl::StrJoin(jurisdictions, ",");
}

void PrintRotas(const v1::Directory& directory) {
  std::vector<std::vector<std::string>> rotas;
  for (const v1::Rota& rota : directory.rotas()) {
    for (int level = 0; level < rota.levels_size(); ++level) {
      std::vector<std::string> shifts;
      for (const v1::RotaShift& shift : rota.levels(level).shifts()) {
        shifts.push_back(absl::StrJoin(shift.person_ids(), ","));
      }
      rotas.push_back({rota.role(), absl::StrCat(level + 1), rota.time_zone(),
                       absl::StrCat(rota.levels(level).escalate_after_seconds(), " s"),
                       absl::StrJoin(shifts, " and ")});
    }
  }
  if (!rotas.empty()) {
    std::cout << "\n";
    PrintTable({"ROTA", "LEVEL", "CLOCK OF", "ESCALATES AFTER", "PEOPLE IN TURN"}, rotas);
  }
  std::vector<std::vector<std::string>> overrides;
  for (const v1::RotaOverride& override : directory.overrides()) {
    overrides.push_back({override.override_id(), override.role(), absl::StrCat(override.level()),
                         TimeText(true, override.from()), TimeText(true, override.until()),
                         absl::StrJoin(override.person_ids(), ",")});
  }
  if (overrides.empty()) return;
  std::cout << "\n";
  PrintTable({"OVERRIDE", "ROTA", "LEVEL", "FROM", "UNTIL", "PEOPLE"}, overrides);
}

void PrintDirectory(const v1::Directory& directory) {
  std::vector<std::vector<std::string>> rows;
  for (const v1::Recipient& recipient : directory.recipients()) {
    rows.push_back(
        {recipient.recipient_id(),
         Word("RECIPIENT_KIND_", v1::RecipientKind_Name(recipient.kind())),
         Word("CHANNEL_KIND_", v1::ChannelKind_Name(recipient.channel())),
         WhereText(recipient.jurisdictions()), recipient.person_id(),
         absl::StrCat(recipient.exercise_only() ? "[DRILLS] " : "", recipient.display_name())});
  }
  PrintTable({"RECIPIENT", "KIND", "CHANNEL", "OF", "PERSON", "NAME"}, rows);
  PrintRotas(directory);
  std::vector<std::vector<std::string>> rosters;
  for (const v1::TeamRoster& roster : directory.rosters()) {
    for (const v1::TeamSeat& seat : roster.seats()) {
      rosters.push_back({roster.roster_id(), WhereText(roster.jurisdictions()), seat.role(),
                         seat.required() ? "yes" : "no", absl::StrJoin(seat.recipient_ids(), ",")});
    }
  }
  if (!rosters.empty()) {
    std::cout << "\n";
    PrintTable({"ROSTER", "OF", "SEAT", "REQUIRED", "RECIPIENTS"}, rosters);
  }
  std::vector<std::vector<std::string>> packs;
  for (const v1::PolicyPack& pack : directory.packs()) {
    packs.push_back({pack.pack_id(), pack.jurisdiction(), absl::StrCat(pack.rules_size()),
                     pack.content_hash().substr(0, 16), pack.name()});
  }
  if (packs.empty()) return;
  std::cout << "\n";
  PrintTable({"PACK", "OF", "RULES", "VERSION", "NAME"}, packs);
}

int ShowDirectory(const ServerOptions& server) {
  v1::GetDirectoryReply reply;
  const absl::Status status =
      Call(server, *StubOf(server), &v1::DirectoryService::Stub::GetDirectory,
           v1::GetDirectoryRequest(), reply);
  if (!status.ok()) return Fail(status);
  if (server.json) {
    PrintJson(reply);
  } else {
    PrintDirectory(reply.directory());
  }
  return kDone;
}

int Who(const ServerOptions& server, const std::string& role, const std::string& at) {
  v1::WhoIsOnCallRequest request;
  request.set_role(role);
  if (!at.empty()) {
    const auto time = ParseTime("--at", at);
    if (!time.ok()) return Fail(time.status());
    *request.mutable_at() = *time;
  }
  v1::WhoIsOnCallReply reply;
  const absl::Status status =
      Call(server, *StubOf(server), &v1::DirectoryService::Stub::WhoIsOnCall, request, reply);
  if (!status.ok()) return Fail(status);
  if (server.json) {
    PrintJson(reply);
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::OnCallLevel& level : reply.levels()) {
    rows.push_back({absl::StrCat(level.level()),
                    level.person_ids().empty() ? "NOBODY" : absl::StrJoin(level.person_ids(), ","),
                    TimeText(level.has_until(), level.until())});
  }
  PrintTable({"LEVEL", "ON CALL", "UNTIL"}, rows);
  return kDone;
}

// A subcommand that changes the directory, with what all of them take.
CLI::App* AddDirectoryChange(CLI::App& directory, const std::shared_ptr<ChangeOptions>& options,
                             const char* name, const char* help, const char* example,
                             int (*run)(ChangeOptions&), int& exit_code) {
  CLI::App* command = directory.add_subcommand(name, help);
  AddServerOptions(*command, options->server);
  command->add_option("--request-id", *options->request.mutable_request_id(),
                      "The same again is the same change");
  command->add_option("--by", *options->request.mutable_actor()->mutable_actor_id(),
                      "Your worker id");
  command->footer(absl::StrCat("Example: ", example));
  command->callback([options, run, &exit_code] { exit_code = run(*options); });
  return command;
}

void AddSetRecipient(CLI::App& directory, int& exit_code) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = AddDirectoryChange(
      directory, options, "set-recipient", "Add a recipient, or replace the one of this id",
      "porchlight directory set-recipient --id city-police --kind law_enforcement --channel email "
      "--address desk@police.example --name \"City Police\"",
      SetRecipient, exit_code);
  v1::Recipient& recipient = options->recipient;
  command->add_option("--id", *recipient.mutable_recipient_id(), "Such as city-police")->required();
  command->add_option("--kind", options->kind, "Who it is")
      ->required()
      ->check(CLI::IsMember(RecipientKindWords()));
  command->add_option("--channel", options->channel, "How it is told")
      ->required()
      ->check(CLI::IsMember(ChannelKindWords()));
  command->add_option("--address", *recipient.mutable_address(), "As the channel has it")
      ->required();
  command->add_option("--name", *recipient.mutable_display_name(), "What people call it")
      ->required();
  command->add_option("--jurisdiction", options->jurisdictions,
                      "Whose episodes it hears of, such as us-tx; without any: all");
  command->add_option("--ori", *recipient.mutable_ori(), "Of a police desk: 9 characters");
  command->add_option("--person", *recipient.mutable_person_id(),
                      "Worker id of the one whose way this is");
  command->add_flag_callback(
      "--exercise-only", [options] { options->recipient.set_exercise_only(true); },
      "Told of drills, and of nothing else");
}

void AddOverride(CLI::App& directory, int& exit_code) {
  auto options = std::make_shared<ChangeOptions>();
  options->override.set_level(1);
  CLI::App* command =
      AddDirectoryChange(directory, options, "override", "Have somebody stand in on call",
                         "porchlight directory override --role supervisor --person worker-7 --from "
                         "\"2026-11-22 18:00\" --until \"2026-11-23 08:00\"",
                         SetOverride, exit_code);
  command->add_option("--role", *options->override.mutable_role(), "The rota")->required();
  command->add_option_function<uint32_t>(
      "--level", [options](uint32_t level) { options->override.set_level(level); },
      "From 1, which it is unless you say so");
  command->add_option("--person", options->people, "Worker ids")->required();
  command->add_option("--from", options->from, "Such as \"2026-11-22 18:00\"")->required();
  command->add_option("--until", options->until, "Such as \"2026-11-23 08:00\"")->required();
  command->add_option("--id", *options->override.mutable_override_id(),
                      "To replace or remove it by; made if you give none");
}

void AddRemove(CLI::App& directory, int& exit_code) {
  auto options = std::make_shared<ChangeOptions>();
  CLI::App* command = AddDirectoryChange(
      directory, options, "remove", "Take entries out, all or none of them",
      "porchlight directory remove --recipient old-desk --override ab12", Remove, exit_code);
  command->add_option("--recipient", options->recipients, "Their ids");
  command->add_option("--rota", options->rotas, "Their roles");
  command->add_option("--override", options->overrides, "Their ids");
  command->add_option("--roster", options->rosters, "Their ids");
}

}  // namespace

void AddDirectoryCommands(CLI::App& app, int& exit_code) {
  CLI::App* directory = app.add_subcommand(
      "directory", "Who is told, who is on call, what teams are made of, which packs are in force");
  directory->require_subcommand(1);
  auto server = std::make_shared<ServerOptions>();
  CLI::App* show = directory->add_subcommand("show", "Show all that is in it");
  AddServerOptions(*show, *server);
  show->callback([server, &exit_code] { exit_code = ShowDirectory(*server); });

  auto import = std::make_shared<ChangeOptions>();
  AddDirectoryChange(
      *directory, import, "import", "Set all that a file holds, and leave the rest alone",
      "porchlight directory import deploy/sample/directory.yaml", ImportFile, exit_code)
      ->add_option("file", import->files, "YAML; see README.md")
      ->required()
      ->expected(1);
  auto packs = std::make_shared<ChangeOptions>();
  AddDirectoryChange(*directory, packs, "set-packs", "Put policy packs in force",
                     "porchlight directory set-packs /etc/porchlight/policy/us-tx-travis.yaml",
                     SetPacks, exit_code)
      ->add_option("file", packs->files, "Packs (YAML), or folders of them")
      ->required();
  AddSetRecipient(*directory, exit_code);
  AddOverride(*directory, exit_code);
  AddRemove(*directory, exit_code);

  CLI::App* oncall = app.add_subcommand("oncall", "Who is woken when nobody else answers");
  oncall->require_subcommand(1);
  struct WhoOptions {
    ServerOptions server;
    std::string role;
    std::string at;
  };
  auto asked = std::make_shared<WhoOptions>();
  CLI::App* who = oncall->add_subcommand("who", "Who is on call, level by level");
  AddServerOptions(*who, asked->server);
  who->add_option("--role", asked->role, "Such as supervisor")->required();
  who->add_option("--at", asked->at, "Such as \"2026-11-22 02:10\"; without it: now");
  who->footer("Example: porchlight oncall who --role supervisor --at \"2026-11-22 02:10\"");
  who->callback([asked, &exit_code] { exit_code = Who(asked->server, asked->role, asked->at); });
}

}  // namespace porchlight
