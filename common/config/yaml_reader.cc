#include "common/config/yaml_reader.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace porchlight {
namespace {

constexpr size_t kKeyShownMax = 40;

int LineOf(const YAML::Node& node, int otherwise) {
  return node.Mark().is_null() ? otherwise : node.Mark().line + 1;
}

std::string Shown(absl::string_view key) {
  return absl::Utf8SafeCEscape(key.substr(0, kKeyShownMax));
}

bool IsSecret(absl::string_view key) {
  return absl::EndsWith(key, "password") || absl::EndsWith(key, "secret") ||
         absl::EndsWith(key, "token");
}

}  // namespace

void YamlMistakes::Add(int line, absl::string_view key, absl::string_view wrong,
                       absl::string_view expected) {
  AddText(line, absl::StrCat("key \"", key, "\": ", wrong, "; ", expected));
}

void YamlMistakes::AddText(int line, absl::string_view text) {
  mistakes_.emplace_back(line, absl::StrCat(file_, ":", line, ": ", text));
}

absl::Status YamlMistakes::ToStatus() const {
  if (mistakes_.empty()) return absl::OkStatus();
  auto sorted = mistakes_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  return absl::InvalidArgumentError(absl::StrJoin(
      sorted, "\n",
      [](std::string* out, const auto& mistake) { absl::StrAppend(out, mistake.second); }));
}

YamlMap::YamlMap(YamlMistakes& mistakes, const YAML::Node& node, int line, std::string path,
                 std::initializer_list<absl::string_view> keys)
    : mistakes_(mistakes), is_map_(node.IsMap()), line_(line), path_(std::move(path)) {
  const std::vector<absl::string_view> known(keys);
  const std::string expected = absl::StrCat("expected the keys ", absl::StrJoin(known, ", "));
  if (!is_map_) {
    if (path_.empty()) {
      mistakes_.AddText(line_, absl::StrCat("there are no keys; ", expected));
    } else {
      mistakes_.Add(line_, path_, "it has no keys of its own", expected);
    }
    return;
  }
  for (const auto& entry : node) AddEntry(entry.first, entry.second, known);
}

void YamlMap::AddEntry(const YAML::Node& key, const YAML::Node& value,
                       const std::vector<absl::string_view>& keys) {
  const int line = LineOf(key, line_);
  if (!key.IsScalar()) {
    mistakes_.Add(line, path_, "one of its keys isn't a word", "expected KEY: VALUE");
    return;
  }
  const std::string& name = key.Scalar();
  if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
    if (IsSecret(name)) {
      mistakes_.Add(line, Path(Shown(name)), "secrets are never kept in this file",
                    absl::StrCat("expected a file that only Porchlight's user may read, and its "
                                 "path under a key that ends in _file, such as ",
                                 Shown(name), "_file"));
    } else {
      mistakes_.Add(line, Path(Shown(name)), "there is no such key",
                    absl::StrCat("expected one of ", absl::StrJoin(keys, ", ")));
    }
    return;
  }
  const auto [before, added] = entries_.try_emplace(name, Entry{line, value});
  if (!added) {
    mistakes_.Add(line, Path(name),
                  absl::StrCat("it is given twice, first in line ", before->second.line),
                  "expected once");
  }
}

std::string YamlMap::Path(absl::string_view key) const {
  return path_.empty() ? std::string(key) : absl::StrCat(path_, ".", key);
}

int YamlMap::Line(absl::string_view key) const {
  const auto found = entries_.find(std::string(key));
  return found == entries_.end() ? line_ : found->second.line;
}

void YamlMap::Mistake(absl::string_view key, absl::string_view wrong, absl::string_view expected) {
  mistakes_.Add(Line(key), Path(key), wrong, expected);
}

const YAML::Node* YamlMap::Find(absl::string_view key, Presence presence) {
  const auto found = entries_.find(std::string(key));
  if (found != entries_.end()) return &found->second.value;
  if (presence == Presence::kRequired && is_map_) Mistake(key, "it is missing", "it is required");
  return nullptr;
}

const YAML::Node* YamlMap::Scalar(absl::string_view key, Presence presence,
                                  absl::string_view expected) {
  const YAML::Node* node = Find(key, presence);
  if (node == nullptr) return nullptr;
  if (node->IsScalar() && !node->Scalar().empty()) return node;
  const bool nothing = node->IsNull() || node->IsScalar();
  Mistake(key, nothing ? "it has no value" : "it is a list or has keys of its own", expected);
  return nullptr;
}

void YamlMap::Text(absl::string_view key, Presence presence, std::string& value) {
  constexpr absl::string_view kExpected = "expected one line of text";
  const YAML::Node* node = Scalar(key, presence, kExpected);
  if (node == nullptr) return;
  const std::string& text = node->Scalar();
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (control) {
    Mistake(key, "it has more than one line, or characters that can't be printed", kExpected);
    return;
  }
  value = text;
}

void YamlMap::Integer(absl::string_view key, int64_t least, int64_t most, int64_t& value) {
  const std::string expected = absl::StrCat("expected a whole number from ", least, " to ", most);
  const YAML::Node* node = Scalar(key, Presence::kOptional, expected);
  if (node == nullptr) return;
  int64_t number = 0;
  if (!absl::SimpleAtoi(node->Scalar(), &number)) {
    Mistake(key, "it isn't a whole number", expected);
  } else if (number < least || number > most) {
    Mistake(key, number < least ? "it is too small" : "it is too large", expected);
  } else {
    value = number;
  }
}

void YamlMap::Boolean(absl::string_view key, bool& value) {
  const int word = Word(key, Presence::kOptional, {"false", "true"});
  if (word >= 0) value = word == 1;
}

int YamlMap::Word(absl::string_view key, Presence presence, const std::vector<std::string>& words) {
  const std::string expected = absl::StrCat("expected one of ", absl::StrJoin(words, ", "));
  const YAML::Node* node = Scalar(key, presence, expected);
  if (node == nullptr) return -1;
  const auto found = std::find(words.begin(), words.end(), node->Scalar());
  if (found != words.end()) return static_cast<int>(found - words.begin());
  Mistake(key, "its value isn't known", expected);
  return -1;
}

}  // namespace porchlight
