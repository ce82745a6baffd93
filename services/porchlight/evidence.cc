// Evidence on the command line: export from a running server; verify and show offline.
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/embedded/embedded.h"
#include "common/evidence/read_bundle.h"
#include "common/evidence/show.h"
#include "common/evidence/verify_bundle.h"
#include "common/evidence/verify_log.h"
#include "common/log/sqlite_log.h"
#include "common/rpc/client.h"
#include "common/store/sqlite_store.h"
#include "porchlight/v1/evidence.grpc.pb.h"
#include "porchlight/v1/output.pb.h"
#include "services/porchlight/client.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

constexpr absl::Duration kExportLimit = absl::Minutes(10);

void PrintWritten(const std::string& path, uint64_t files, uint64_t bytes) {
  v1::FilesWritten written;
  written.set_path(path);
  written.set_files(files);
  written.set_bytes(bytes);
  PrintJson(written);
}

void AddHeads(const std::vector<ChainHead>& heads, v1::EvidenceVerified& verified) {
  for (const ChainHead& head : heads) {
    v1::EvidenceHead& added = *verified.add_heads();
    added.set_topic(head.topic);
    added.set_partition(head.partition);
    added.set_sequence(head.sequence);
    added.set_hash(head.hash_hex);
  }
}

int Export(const ServerOptions& server, const std::string& episode_id, const std::string& file) {
  const auto stub = v1::Evidence::NewStub(rpc::NewChannel(AddressOf(server, "intake")));
  grpc::ClientContext context;
  rpc::PrepareCall(context, kExportLimit);
  v1::ExportEvidenceRequest request;
  request.set_episode_id(episode_id);
  const auto reader = stub->Export(&context, request);
  std::string content;
  v1::ExportEvidencePart part;
  while (reader->Read(&part)) content += part.content();
  if (const absl::Status status = rpc::ToAbsl(reader->Finish()); !status.ok()) return Fail(status);
  std::ofstream out(file, std::ios::binary);
  out << content;
  out.close();
  if (!out) {
    return Fail(absl::FailedPreconditionError(
        absl::StrCat("can't write ", file, ": check the folder, the disk and the rights")));
  }
  if (server.json) {
    PrintWritten(file, 1, content.size());
    return kDone;
  }
  std::cout << "Wrote " << file << " (" << content.size()
            << " bytes). It can be read by whoever has it: handle it like the case file.\n"
            << "Check it with: porchlight evidence verify " << file << "\n"
            << "Read it with:  porchlight evidence show " << file << " --out FOLDER\n";
  return kDone;
}

absl::StatusOr<std::string> ContentOf(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("can't read ", file));
  return std::string((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
}

int VerifyFile(const std::string& file, bool json) {
  const absl::StatusOr<std::string> content = ContentOf(file);
  if (!content.ok()) return Fail(content.status());
  const absl::StatusOr<EvidenceReport> report = VerifyEvidence(*content);
  if (!report.ok()) return Fail(report.status());
  const std::string text = ToText(*report, ZoneOf(*report, absl::LocalTimeZone()));
  if (!json) {
    std::cout << text;
    return kDone;
  }
  v1::EvidenceVerified verified;
  verified.set_episode_id(report->episode_id);
  *verified.mutable_exported_at() = ToProto(report->exported_at);
  verified.set_key_fingerprint(report->key_fingerprint);
  verified.set_transitions(report->transitions);
  verified.set_commands(report->commands);
  verified.set_events(report->events);
  verified.set_deliveries(report->deliveries);
  verified.set_attempts(report->attempts);
  AddHeads(report->heads, verified);
  for (absl::string_view line : absl::StrSplit(text, '\n')) verified.add_text(std::string(line));
  PrintJson(verified);
  return kDone;
}

int Show(const std::string& file, const std::string& folder, bool even_if_broken, bool json) {
  const absl::StatusOr<std::string> content = ContentOf(file);
  if (!content.ok()) return Fail(content.status());
  absl::StatusOr<EvidenceReport> report = VerifyEvidence(*content, Telling::kEverything);
  if (!report.ok()) {
    const absl::StatusOr<SignedEvidence> opened = OpenEvidence(*content);
    if (!even_if_broken || !opened.ok()) {
      return Fail(absl::Status(
          report.status().code(),
          absl::StrCat(report.status().message(), " Nothing was written.",
                       opened.ok() ? " --even-if-broken shows what it seems to say." : "")));
    }
    report = ReadUnverified(*opened, std::string(report.status().message()), Telling::kEverything);
    std::cerr << "porchlight: the file does not verify: what is shown proves nothing\n";
  }
  const std::vector<ShownFile> files = FilesOf(*report, ZoneOf(*report, absl::LocalTimeZone()));
  if (absl::Status written = WriteFolder(folder, files); !written.ok()) return Fail(written);
  if (json) {
    uint64_t bytes = 0;
    for (const ShownFile& shown : files) bytes += shown.content.size();
    PrintWritten(folder, files.size(), bytes);
    return kDone;
  }
  std::cout << "Wrote " << files.size() << " files into " << folder << ". Begin with " << folder
            << "/README.txt. They name the youth: handle them like the case file.\n";
  return kDone;
}

int VerifyData(const std::string& data, bool json) {
  const absl::StatusOr<std::unique_ptr<SqliteLog>> log =
      SqliteLog::Open(LogPath(data), {.read_only = true});
  if (!log.ok()) return Fail(log.status());
  VerifyLogOptions options{
      .services = {"directory", "intake", "notification", "screening", "mdt", "oncall"},
      .partitions = kPartitions,
      .checkpoints = {}};
  for (const std::string& service : options.services) {
    SqliteStore store(StorePath(data, service), {.read_only = true, .set_aside = {}});
    for (int32_t partition = 0; partition < kPartitions; ++partition) {
      absl::StatusOr<v1::Checkpoint> checkpoint = store.Where(partition);
      if (checkpoint.ok())
        options.checkpoints.push_back({service, partition, *std::move(checkpoint)});
    }
  }
  const absl::StatusOr<LogReport> report = VerifyLog(**log, options);
  if (!report.ok()) return Fail(report.status());
  // The records come first: their error names the record.
  if (absl::Status whole = (*log)->CheckFile(); !whole.ok()) return Fail(whole);
  if (json) {
    v1::EvidenceVerified verified;
    verified.set_transitions(report->transitions);
    verified.set_commands(report->commands_decided);
    verified.set_commands_waiting(report->commands_waiting);
    AddHeads(report->heads, verified);
    PrintJson(verified);
    return kDone;
  }
  std::cout << "The log is whole: " << report->transitions << " transitions in "
            << report->heads.size() << " chains, " << report->commands_decided
            << " commands decided, " << report->commands_waiting << " waiting to be decided.\n"
            << "Heads, to compare with those kept elsewhere:\n";
  for (const ChainHead& head : report->heads) {
    std::cout << "  " << head.topic << "/" << head.partition << "  " << head.sequence << "  "
              << head.hash_hex << "\n";
  }
  return kDone;
}

}  // namespace

void AddEvidenceCommands(CLI::App& app, int& exit_code) {
  CLI::App* evidence = app.add_subcommand("evidence", "Prove what was done, and check such proof");
  evidence->require_subcommand(1);
  struct Options {
    ServerOptions server;
    std::string episode_id;
    std::string file;
    std::string data;
    std::string folder;
    bool even_if_broken = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* exporting =
      evidence->add_subcommand("export", "Write all that proves one episode into a file");
  AddServerOptions(*exporting, options->server);
  exporting->add_option("episode", options->episode_id, "The episode's id")->required();
  exporting->add_option("file", options->file, "The file to write")->required();
  exporting->footer("Example: porchlight evidence export y-100_e1 robin.evidence");
  exporting->callback([options, &exit_code] {
    exit_code = Export(options->server, options->episode_id, options->file);
  });

  CLI::App* verify =
      evidence->add_subcommand("verify", "Check a file, or a whole log, with nothing else at hand");
  CLI::Option* file = verify->add_option("file", options->file, "A file of evidence export");
  verify->add_option("--data", options->data, "The data folder of a server, running or not")
      ->excludes(file);
  verify->add_flag("--json", options->server.json, "Print JSON for scripts");
  verify->footer("Example: porchlight evidence verify robin.evidence");
  verify->callback([options, &exit_code] {
    if (options->file.empty() == options->data.empty()) {
      exit_code = Fail(absl::InvalidArgumentError("name a file, or a folder with --data"));
      return;
    }
    exit_code = options->file.empty() ? VerifyData(options->data, options->server.json)
                                      : VerifyFile(options->file, options->server.json);
  });

  CLI::App* show = evidence->add_subcommand(
      "show", "Write what a file holds into a new folder, for a person to read");
  show->add_option("file", options->file, "A file of evidence export")->required();
  show->add_option("--out", options->folder, "A folder that isn't there yet, or is empty")
      ->required();
  show->add_flag("--even-if-broken", options->even_if_broken,
                 "Also where the file does not verify: it proves nothing then");
  show->add_flag("--json", options->server.json, "Print JSON for scripts");
  show->footer("Example: porchlight evidence show robin.evidence --out robin-evidence");
  show->callback([options, &exit_code] {
    exit_code = Show(options->file, options->folder, options->even_if_broken, options->server.json);
  });
}

}  // namespace porchlight
