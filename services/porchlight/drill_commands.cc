// drill: plays a whole case and tells who would be told what, and when.
#include <iostream>
#include <memory>

#include "services/porchlight/all_services.h"
#include "services/porchlight/client.h"
#include "services/porchlight/drill.h"
#include "services/porchlight/oncall_commands.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

struct DrillCommand {
  DrillOptions drill;
  bool json = false;
};

int RunDrill(const DrillCommand& options) {
  const absl::StatusOr<v1::DrillPlayed> played = PlayDrill(AllServices(), options.drill);
  if (!played.ok()) return Fail(played.status());
  if (options.json) {
    PrintJson(*played);
    return kDone;
  }
  std::cout << ToText(*played) << "\nThe duties as they stand in the end:\n";
  ShowTimesIn(played->time_zone());
  v1::ListDutiesReply duties;
  *duties.mutable_duties() = played->duties();
  PrintDuties(duties, false);
  return kDone;
}

}  // namespace

void AddDrill(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<DrillCommand>();
  options->drill.jurisdiction = "us";
  options->drill.date = "2026-03-03";
  CLI::App* drill = app.add_subcommand(
      "drill", "Play a whole case by a fast clock, with every message; nothing is sent or kept");
  drill->add_option("--jurisdiction", options->drill.jurisdiction, "Whose rules, such as us-tx")
      ->capture_default_str();
  drill->add_option("--pack", options->drill.policy_packs, "Policy packs beside those built in");
  drill->add_option("--date", options->drill.date, "The day of the report, which comes at 02:10")
      ->capture_default_str();
  drill->add_flag("--brief", options->drill.brief, "Only who is told and when, without the words");
  drill->add_flag("--json", options->json, "Print protobuf JSON");
  drill->footer("Example: porchlight drill --jurisdiction us-tx --brief");
  drill->callback([options, &exit_code] { exit_code = RunDrill(*options); });
}

}  // namespace porchlight
