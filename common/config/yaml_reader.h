// Reads maps of YAML strictly: every key must be known, given once and of the right type. Collects
// all mistakes with their lines instead of stopping at the first. Never repeats a value in a text.
#pragma once

#include <yaml-cpp/yaml.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace porchlight {

class YamlMistakes {
 public:
  explicit YamlMistakes(absl::string_view file) : file_(file) {}
  void Add(int line, absl::string_view key, absl::string_view wrong, absl::string_view expected);
  // What can't be parsed at all.
  void AddText(int line, absl::string_view text);
  bool empty() const { return mistakes_.empty(); }
  // In order of lines.
  absl::Status ToStatus() const;

 private:
  const std::string file_;
  std::vector<std::pair<int, std::string>> mistakes_;
};

// The one document in `yaml`; an empty one if there is nothing. Nothing if it can't be parsed or
// there are several: then the mistake is noted.
std::optional<YAML::Node> ParseYaml(absl::string_view yaml, YamlMistakes& mistakes);

enum class Presence { kOptional, kRequired };

struct YamlText {
  std::string text;
  int line = 0;
};

class YamlMap {
 public:
  // `path` of the map itself, such as "email" or "recipients[0]"; empty for the whole document.
  YamlMap(YamlMistakes& mistakes, const YAML::Node& node, int line, std::string path,
          const std::vector<absl::string_view>& keys);

  // Those below leave `value` alone if the key isn't there or its value is wrong.
  void Text(absl::string_view key, Presence presence, std::string& value);
  void Integer(absl::string_view key, int64_t least, int64_t most, int64_t& value);
  void Boolean(absl::string_view key, bool& value);
  // The place in `words` of the one that is given, or -1.
  int Word(absl::string_view key, Presence presence, const std::vector<std::string>& words);

  // One text, or a list of them.
  void Texts(absl::string_view key, Presence presence, std::vector<YamlText>& values);
  // One word of `words`, or a list of them, as their places. None twice.
  void Words(absl::string_view key, Presence presence, const std::vector<std::string>& words,
             std::vector<int>& values);
  // The map under this key, or nothing if the key isn't there.
  std::optional<YamlMap> Map(absl::string_view key, const std::vector<absl::string_view>& keys);
  // Each map of the list under this key.
  std::vector<YamlMap> Maps(absl::string_view key, const std::vector<absl::string_view>& keys);

  // Null if the key isn't there.
  const YAML::Node* Find(absl::string_view key, Presence presence);
  bool Has(absl::string_view key) const { return entries_.count(std::string(key)) > 0; }
  // Of the key, or of the map if it isn't there.
  int Line(absl::string_view key) const;
  std::string Path(absl::string_view key) const;
  int line() const { return line_; }
  void Mistake(absl::string_view key, absl::string_view wrong, absl::string_view expected);
  void MistakeAt(int line, absl::string_view key, absl::string_view wrong,
                 absl::string_view expected);

 private:
  struct Entry {
    int line;
    YAML::Node value;
  };
  const YAML::Node* Scalar(absl::string_view key, Presence presence, absl::string_view expected);
  void AddEntry(const YAML::Node& key, const YAML::Node& value,
                const std::vector<absl::string_view>& keys);

  YamlMistakes* mistakes_;
  bool is_map_;
  int line_;
  std::string path_;
  std::map<std::string, Entry> entries_;
};

}  // namespace porchlight
