// The house rules, as pure functions from a file's text to what is wrong with it. tidy_test.cc runs
// them over the tree; checks_test.cc shows that each of them bites. A rule never fixes anything.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace porchlight::tidy {

struct File {
  std::string path;  // from the project's folder on: "common/log/chain.h"
  std::string text;
};

struct Finding {
  std::string path;
  int line = 0;  // 0: the file as a whole
  std::string message;
};
using Findings = std::vector<Finding>;

// "path:line: message", one a line.
std::string Print(const Findings& findings);

// The text with comments and the contents of literals blanked; as many lines as before.
std::string CodeOnly(absl::string_view text);

// Which folder may include what: rules <- service <- main, ports <- adapters, and each third-party
// library behind one folder.
Findings CheckIncludes(const File& file);

// Time, chance, sleep and threads come through ports; only the files named in checks.cc touch them.
Findings CheckBannedCalls(const File& file);

// Functions of at most 70 lines, files of at most 500.
Findings CheckSizes(const File& file);
// Lines of at most 100 characters, in C++.
Findings CheckLineLength(const File& file);

// No marks of unfinished work, and no path of somebody's machine.
Findings CheckLeftovers(const File& file);

// Invented people only: e-mail addresses in reserved domains, telephone numbers 555-01xx.
Findings CheckPersonalData(const File& file);

// One `# Title` in every markdown file.
Findings CheckTitle(const File& file);

// Each services/<name> but the command line's consists of the same five files.
Findings CheckServiceFiles(const std::vector<File>& tree);
// README.md has a table row for every service.
Findings CheckReadme(const std::vector<File>& tree);

// Every field of our protos has a sensitivity class, unless it holds a message of ours.
Findings CheckSensitivity(const std::vector<File>& tree);

}  // namespace porchlight::tidy
