// import and youths: the agency's roster.
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/ids.h"
#include "common/roster/roster_file.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

constexpr int kYouthsInOneCall = 200;
constexpr int kTriesOfOneCall = 3;

struct ImportOptions {
  ServerOptions server;
  std::string file;
  std::string reporter;
};

// Sends the rows of one file in batches, and collects what came of them.
class Import {
 public:
  Import(const ImportOptions& options, v1::Intake::Stub& stub) : options_(options), stub_(stub) {}

  absl::Status Run(RosterFile& file) {
    RosterRow row;
    while (file.Next(row)) {
      ++rows_;
      if (!row.error.ok()) {
        Refuse(rows_ - 1, row.line, row.error.message());
        continue;
      }
      *batch_.add_youths() = row.youth;
      places_.emplace_back(rows_ - 1, row.line);
      if (batch_.youths_size() < kYouthsInOneCall) continue;
      if (absl::Status sent = Send(); !sent.ok()) return sent;
      std::cerr << "porchlight: " << rows_ << " rows, " << file.percent_read() << "% of the file\n";
    }
    return batch_.youths().empty() ? absl::OkStatus() : Send();
  }

  int rows() const { return rows_; }
  const v1::SetYouthsReply& result() const { return result_; }

 private:
  void Refuse(int index, int line, absl::string_view why) {
    v1::YouthRefused& refused = *result_.add_refused();
    refused.set_index(static_cast<uint32_t>(index));
    refused.set_error(absl::StrCat(options_.file, ":", line, ": ", why));
    std::cerr << refused.error() << "\n";
  }

  absl::Status Send() {
    batch_.set_request_id(SystemIds().New());
    batch_.mutable_actor()->set_actor_id(options_.reporter);
    batch_.mutable_actor()->set_reached_by(v1::REACHED_BY_IMPORT);
    v1::SetYouthsReply reply;
    absl::Status status;
    for (int tries = 0; tries < kTriesOfOneCall; ++tries) {
      status = Call(options_.server, stub_, &v1::Intake::Stub::SetYouths, batch_, reply);
      if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) break;
    }
    if (!status.ok()) return status;
    for (const v1::YouthRefused& refused : reply.refused()) {
      const auto& [index, line] = places_.at(refused.index());
      Refuse(index, line, refused.error());
    }
    result_.set_added(result_.added() + reply.added());
    result_.set_changed(result_.changed() + reply.changed());
    result_.set_unchanged(result_.unchanged() + reply.unchanged());
    batch_.clear_youths();
    places_.clear();
    return absl::OkStatus();
  }

  const ImportOptions& options_;
  v1::Intake::Stub& stub_;
  v1::SetYouthsRequest batch_;
  std::vector<std::pair<int, int>> places_;  // of the batch's youths: row from 0, and line
  int rows_ = 0;
  v1::SetYouthsReply result_;
};

int ImportRoster(const ImportOptions& options) {
  std::ifstream stream(options.file, std::ios::binary);
  std::ostringstream text;
  if (!stream || (text << stream.rdbuf()).bad())
    return Fail(absl::InvalidArgumentError(absl::StrCat("can't read ", options.file)));
  const std::string content = text.str();
  absl::StatusOr<RosterFile> file = RosterFile::Open(content);
  if (!file.ok()) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat(options.file, ": ", file.status().message(), ". Nothing was imported.")));
  }
  const auto stub = v1::Intake::NewStub(Connect(options.server, "intake"));
  Import import(options, *stub);
  const absl::Status status = import.Run(*file);
  if (!status.ok()) {
    std::cerr << "porchlight: the import ended early; run it again when this is mended, that is "
                 "safe\n";
    return Fail(status);
  }
  const v1::SetYouthsReply& result = import.result();
  if (options.server.json) {
    PrintJson(result);
  } else {
    std::cout << import.rows() << " rows: " << result.added() << " youths added, "
              << result.changed() << " changed, " << result.unchanged() << " as they were, "
              << result.refused_size() << " rows refused.\n";
    if (!result.refused().empty())
      std::cout << "Mend those rows and import the file again; that is safe.\n";
  }
  return result.refused().empty() ? kDone : kMisunderstood;
}

int Youths(const ServerOptions& server) {
  const auto stub = v1::Intake::NewStub(Connect(server, "intake"));
  v1::ListYouthsReply all;
  v1::ListYouthsRequest request;
  request.set_page_size(500);
  do {
    v1::ListYouthsReply page;
    const absl::Status status = Call(server, *stub, &v1::Intake::Stub::ListYouths, request, page);
    if (!status.ok()) return Fail(status);
    request.set_page_token(page.next_page_token());
    all.mutable_youths()->MergeFrom(page.youths());
  } while (!request.page_token().empty());
  if (server.json) {
    PrintJson(all);
    return kDone;
  }
  if (all.youths().empty()) {
    std::cout << "No youths in the roster. Import one: porchlight import roster.csv\n";
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::Youth& youth : all.youths()) {
    rows.push_back(
        {Short(youth.youth_id(), 26),
         Short(absl::StrCat(youth.facts().first_name(), " ", youth.facts().last_name()), 22),
         youth.facts().date_of_birth(), Short(youth.jurisdiction(), 18),
         Short(youth.placement(), 20)});
  }
  PrintTable({"YOUTH", "NAME", "BORN", "JURISDICTION", "PLACEMENT"}, rows);
  return kDone;
}

}  // namespace

void AddRosterCommands(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* importing = app.add_subcommand("import", "Take over the agency's roster of youths");
  importing->footer(absl::StrCat(
      "A file of comma-separated values. The first row names the columns: youth_id, and any of\n  ",
      absl::StrJoin(RosterColumns(), " "),
      "\nA youth of the same id is changed; nobody is removed. Safe to repeat.\n"
      "Example: porchlight import roster.csv"));
  AddServerOptions(*importing, options->server);
  importing->add_option("file", options->file, "The file, in UTF-8")->required();
  importing->add_option("--reporter", options->reporter, "Your worker id");
  importing->callback([options, &exit_code] { exit_code = ImportRoster(*options); });

  auto server = std::make_shared<ServerOptions>();
  CLI::App* youths = app.add_subcommand("youths", "List the youths of the roster");
  AddServerOptions(*youths, *server);
  youths->footer("Example: porchlight youths");
  youths->callback([server, &exit_code] { exit_code = Youths(*server); });
}

}  // namespace porchlight
