#include <iostream>
#include <memory>

#include "services/porchlight/all_services.h"
#include "services/porchlight/client.h"
#include "services/porchlight/drill.h"
#include "services/porchlight/output.h"

namespace porchlight {

void AddDrill(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<DrillOptions>();
  options->jurisdiction = "us";
  options->date = "2026-03-03";
  CLI::App* drill = app.add_subcommand(
      "drill", "Play a whole case by a fast clock, with every message; nothing is sent or kept");
  drill->add_option("--jurisdiction", options->jurisdiction, "Whose rules, such as us-tx")
      ->capture_default_str();
  drill->add_option("--pack", options->policy_packs, "Policy packs beside those built in");
  drill->add_option("--date", options->date, "The day on which the youth is missing, at 02:10")
      ->capture_default_str();
  drill->add_flag("--brief", options->brief, "Only who is told and when, without the words");
  drill->footer("Example: porchlight drill --jurisdiction us-tx --brief");
  drill->callback([options, &exit_code] {
    const absl::Status played = PlayDrill(AllServices(), *options, std::cout);
    exit_code = played.ok() ? kDone : Fail(played);
  });
}

}  // namespace porchlight
