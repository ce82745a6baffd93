// Runs the house rules over the tree: what is not a compiler's or clang-tidy's to say.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/tidy/checks.h"

namespace porchlight::tidy {
namespace {

// Made on the spot, or not ours.
const std::set<std::string>& SkippedFolders() {
  static const auto* folders = new std::set<std::string>{
      "build", ".git", ".run", ".ccache", ".cache", "__pycache__", "node_modules"};
  return *folders;
}

std::vector<File> ReadTree() {
  namespace fs = std::filesystem;
  const fs::path root = SOURCE_DIR;
  std::vector<File> tree;
  for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
    const std::string name = at->path().filename();
    if (SkippedFolders().contains(name)) {
      if (at->is_directory()) at.disable_recursion_pending();
      continue;
    }
    if (!at->is_regular_file()) continue;
    std::ifstream stream(at->path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (text.find('\0') != std::string::npos) continue;  // not text
    tree.push_back({fs::relative(at->path(), root), std::move(text)});
  }
  std::sort(tree.begin(), tree.end(), [](const File& a, const File& b) { return a.path < b.path; });
  return tree;
}

const std::vector<File>& Tree() {
  static const auto* tree = new std::vector<File>(ReadTree());
  return *tree;
}

// checks_test.cc holds bad examples, and checks.cc names what it looks for.
bool HoldsExamples(const File& file) { return file.path.rfind("tests/tidy/checks", 0) == 0; }

Findings OverTree(Findings (*check)(const File&)) {
  Findings all;
  for (const File& file : Tree()) {
    if (HoldsExamples(file)) continue;
    Findings findings = check(file);
    std::move(findings.begin(), findings.end(), std::back_inserter(all));
  }
  return all;
}

TEST(Tidy, TreeWasRead) {
  EXPECT_GT(Tree().size(), 50u) << "too few files under " << SOURCE_DIR;
  EXPECT_TRUE(std::any_of(Tree().begin(), Tree().end(), [](const File& file) {
    return file.path == "common/log/chain.h" && !file.text.empty();
  }));
}

TEST(Tidy, IncludesPointOneWay) { EXPECT_EQ(Print(OverTree(CheckIncludes)), ""); }
TEST(Tidy, TimeChanceSleepAndThreadsComeThroughPorts) {
  EXPECT_EQ(Print(OverTree(CheckBannedCalls)), "");
}
TEST(Tidy, FunctionsAndFilesAreSmall) { EXPECT_EQ(Print(OverTree(CheckSizes)), ""); }
TEST(Tidy, LinesAreAtMost100Columns) { EXPECT_EQ(Print(OverTree(CheckLineLength)), ""); }
TEST(Tidy, NothingIsLeftOver) { EXPECT_EQ(Print(OverTree(CheckLeftovers)), ""); }
TEST(Tidy, FixturesHoldNoPersonalData) { EXPECT_EQ(Print(OverTree(CheckPersonalData)), ""); }
TEST(Tidy, MarkdownHasOneTitle) { EXPECT_EQ(Print(OverTree(CheckTitle)), ""); }
TEST(Tidy, ServicesHaveTheSameFiveFiles) { EXPECT_EQ(Print(CheckServiceFiles(Tree())), ""); }
TEST(Tidy, ReadmeListsEveryService) { EXPECT_EQ(Print(CheckReadme(Tree())), ""); }
TEST(Tidy, EveryProtoFieldHasASensitivity) { EXPECT_EQ(Print(CheckSensitivity(Tree())), ""); }

}  // namespace
}  // namespace porchlight::tidy
