// completion: a script that lets a shell complete every command and option, made from the command
// line as it is, so that it can't fall behind it.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "porchlight/v1/output.pb.h"
#include "services/porchlight/client.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

// Subcommands and long options of one command.
std::vector<std::string> WordsAfter(const CLI::App& command) {
  std::vector<std::string> words;
  for (const CLI::App* next : command.get_subcommands([](const CLI::App*) { return true; }))
    words.push_back(next->get_name());
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back(absl::StrCat("--", name));
  }
  return words;
}

void AddCases(const CLI::App& command, const std::string& path, std::string& cases) {
  absl::StrAppend(&cases, "    \"", path, "\") words=\"", absl::StrJoin(WordsAfter(command), " "),
                  "\" ;;\n");
  for (const CLI::App* next : command.get_subcommands([](const CLI::App*) { return true; }))
    AddCases(*next, absl::StrCat(path, " ", next->get_name()), cases);
}

// The path is what was typed so far without options and what follows them.
std::string BashScript(const CLI::App& app) {
  std::string cases;
  AddCases(app, "porchlight", cases);
  return absl::StrCat(
      "_porchlight() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" path=porchlight words=\"\" i\n"
      "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
      "    _porchlight_words \"$path ${COMP_WORDS[i]}\" && path=\"$path ${COMP_WORDS[i]}\"\n"
      "  done\n"
      "  _porchlight_words \"$path\"\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "_porchlight_words() {\n"
      "  case \"$1\" in\n",
      cases,
      "    *) return 1 ;;\n"
      "  esac\n"
      "}\n"
      "complete -o default -F _porchlight porchlight\n");
}

}  // namespace

void AddCompletion(CLI::App& app, int& exit_code) {
  CLI::App* completion =
      app.add_subcommand("completion", "Print a script that completes commands in a shell");
  auto shell = std::make_shared<std::string>("bash");
  auto json = std::make_shared<bool>(false);
  completion->add_option("shell", *shell, "bash; zsh reads it after `bashcompinit`")
      ->capture_default_str()
      ->check(CLI::IsMember({"bash"}));
  completion->add_flag("--json", *json, "Print JSON for scripts");
  completion->footer("Example: source <(porchlight completion)");
  completion->callback([shell, json, &app, &exit_code] {
    if (*json) {
      v1::CompletionScript script;
      script.set_shell(*shell);
      script.set_script(BashScript(app));
      PrintJson(script);
    } else {
      std::cout << BashScript(app);
    }
    exit_code = kDone;
  });
}

}  // namespace porchlight
