#include "tests/golden/golden_files.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace porchlight::testing {
namespace {

std::filesystem::path PathOf(const std::string& name) {
  return std::filesystem::path(SOURCE_DIR) / "tests/golden" / name;
}

}  // namespace

bool GoldenExists(const std::string& name) { return std::filesystem::exists(PathOf(name)); }

std::string ReadGolden(const std::string& name) {
  std::ifstream file(PathOf(name), std::ios::binary);
  EXPECT_TRUE(file.good()) << "tests/golden/" << name << " is missing";
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> GoldenFiles(const std::string& folder, const std::string& ending) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(PathOf(folder))) {
    const std::string name = entry.path().filename().string();
    if (absl::EndsWith(name, ending)) names.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool WriteGolden(const std::string& name, const std::string& content) {
  const char* asked = std::getenv("PORCHLIGHT_WRITE_GOLDEN");
  if (asked == nullptr || absl::string_view(asked) != "1" || GoldenExists(name)) return false;
  std::filesystem::create_directories(PathOf(name).parent_path());
  std::ofstream(PathOf(name), std::ios::binary) << content;
  return true;
}

}  // namespace porchlight::testing
