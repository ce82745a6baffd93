#include "services/porchlight/policy_commands.h"

#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/policy/explain.h"
#include "common/policy/loader.h"
#include "common/policy/words.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

// Mistakes are lines of their own, to be clicked at.
int FailPacks(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kInvalidArgument) return Fail(status);
  std::cerr << status.message() << "\n";
  return ExitCodeOf(status);
}

int Check(const std::vector<std::string>& paths, bool json) {
  const absl::StatusOr<std::vector<PolicySource>> sources = ReadPolicySources(paths);
  if (!sources.ok()) return Fail(sources.status());
  const absl::StatusOr<PackSet> packs = ParsePacks(*sources);
  if (!packs.ok()) return FailPacks(packs.status());
  v1::PolicyPacks checked;
  for (const std::string& id : PackIdsOf(*sources)) *checked.add_packs() = *packs->Find(id);
  if (json) {
    PrintJson(checked);
    return kDone;
  }
  std::vector<std::vector<std::string>> rows;
  for (const v1::PolicyPack& pack : checked.packs()) {
    rows.push_back({pack.pack_id(), pack.name(), absl::StrJoin(pack.extends(), ", "),
                    absl::StrCat(pack.rules_size()), pack.content_hash().substr(0, 16)});
  }
  PrintTable({"PACK", "NAME", "OVER", "RULES", "VERSION"}, rows);
  return kDone;
}

int ExplainOne(const std::string& jurisdiction, const std::string& asked,
               const std::vector<std::string>& paths, bool json) {
  const std::string on = asked == "return" ? "returned" : asked;
  const std::vector<std::string> words = WordsOf<v1::PolicyTrigger>();
  const auto found = std::find(words.begin(), words.end(), on);
  if (!on.empty() && found == words.end()) {
    return Fail(absl::InvalidArgumentError(
        absl::StrCat("--on isn't known; expected one of ", absl::StrJoin(words, ", "))));
  }
  const auto trigger = on.empty() ? v1::POLICY_TRIGGER_UNSPECIFIED
                                  : static_cast<v1::PolicyTrigger>(found - words.begin() + 1);
  const absl::StatusOr<PackSet> packs = LoadPacks(paths);
  if (!packs.ok()) return FailPacks(packs.status());
  const PackChoice choice = packs->For(jurisdiction);
  if (!choice.warning.empty()) std::cerr << "porchlight: " << choice.warning << "\n";
  if (!json) {
    std::cout << Explain(*choice.pack, trigger);
    return kDone;
  }
  v1::PolicyPack shown = *choice.pack;
  auto& rules = *shown.mutable_rules();
  rules.erase(std::remove_if(rules.begin(), rules.end(),
                             [&](const v1::PolicyRule& rule) {
                               return !on.empty() && rule.trigger() != trigger;
                             }),
              rules.end());
  PrintJson(shown);
  return kDone;
}

}  // namespace

void AddPolicyCommands(CLI::App& app, int& exit_code) {
  struct Options {
    std::vector<std::string> paths;
    std::string jurisdiction;
    std::string on;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  CLI::App* policy =
      app.add_subcommand("policy", "What must be done by when, and which law says so");
  policy->require_subcommand(1);

  CLI::App* check = policy->add_subcommand("check", "Say what is wrong in policy packs");
  check->add_option("file", options->paths, "Packs (YAML), or folders of them")->required();
  check->add_flag("--json", options->json, "Print the packs, with all they inherit, as JSON");
  check->footer("Example: porchlight policy check /etc/porchlight/policy/us-tx-travis.yaml");
  check->callback([options, &exit_code] { exit_code = Check(options->paths, options->json); });

  CLI::App* explain = policy->add_subcommand("explain", "Show what a jurisdiction asks for");
  explain->add_option("--jurisdiction", options->jurisdiction, "Such as us-tx")->required();
  explain->add_option("--on", options->on,
                      "Only what follows from this: missing, returned, identified...");
  explain->add_option("--packs", options->paths, "Folder of packs to use over the built-in ones");
  explain->add_flag("--json", options->json, "Print the pack as JSON");
  explain->footer("Example: porchlight policy explain --jurisdiction us-tx --on missing");
  explain->callback([options, &exit_code] {
    exit_code = ExplainOne(options->jurisdiction, options->on, options->paths, options->json);
  });
}

}  // namespace porchlight
