#include "common/config/yaml_reader.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/utf8.h"

namespace porchlight {
namespace {

constexpr size_t kKeyShownMax = 40;

int LineOf(const YAML::Node& node, int otherwise) {
  return node.Mark().is_null() ? otherwise : node.Mark().line + 1;
}

std::string Shown(absl::string_view key) {
  return absl::Utf8SafeCEscape(key.substr(0, kKeyShownMax));
}

bool HasControls(absl::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

// The first line that isn't UTF-8, or 0.
int LineThatIsNotUtf8(absl::string_view text) {
  int line = 1;
  while (!text.empty()) {
    const size_t size = Utf8CharacterBytes(text);
    if (size == 0) return line;
    if (text[0] == '\n') ++line;
    text.remove_prefix(size);
  }
  return 0;
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

std::optional<YAML::Node> ParseYaml(absl::string_view yaml, YamlMistakes& mistakes) {
  if (const int line = LineThatIsNotUtf8(yaml); line > 0) {
    mistakes.AddText(line, "it has bytes that are no text; expected UTF-8");
    return std::nullopt;
  }
  // The library throws; nothing of that leaves this function.
  try {
    const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(yaml));
    if (documents.size() <= 1) return documents.empty() ? YAML::Node() : documents[0];
    mistakes.AddText(LineOf(documents[1], 1), "a second document begins here; expected one");
  } catch (const YAML::Exception& error) {
    mistakes.AddText(error.mark.line + 1, absl::StrCat("this isn't YAML: ", error.msg));
  }
  return std::nullopt;
}

YamlMap::YamlMap(YamlMistakes& mistakes, const YAML::Node& node, int line, std::string path,
                 const std::vector<absl::string_view>& keys)
    : mistakes_(&mistakes), is_map_(node.IsMap()), line_(line), path_(std::move(path)) {
  const std::string expected = absl::StrCat("expected the keys ", absl::StrJoin(keys, ", "));
  if (!is_map_) {
    if (path_.empty()) {
      mistakes_->AddText(line_, absl::StrCat("there are no keys; ", expected));
    } else {
      mistakes_->Add(line_, path_, "it has no keys of its own", expected);
    }
    return;
  }
  for (const auto& entry : node) AddEntry(entry.first, entry.second, keys);
}

void YamlMap::AddEntry(const YAML::Node& key, const YAML::Node& value,
                       const std::vector<absl::string_view>& keys) {
  const int line = LineOf(key, line_);
  if (!key.IsScalar()) {
    mistakes_->Add(line, path_, "one of its keys isn't a word", "expected KEY: VALUE");
    return;
  }
  const std::string& name = key.Scalar();
  if (std::find(keys.begin(), keys.end(), name) == keys.end()) {
    if (IsSecret(name)) {
      mistakes_->Add(line, Path(Shown(name)), "secrets are never kept in this file",
                     absl::StrCat("expected a file that only Porchlight's user may read, and its "
                                  "path under a key that ends in _file, such as ",
                                  Shown(name), "_file"));
    } else {
      mistakes_->Add(line, Path(Shown(name)), "there is no such key",
                     absl::StrCat("expected one of ", absl::StrJoin(keys, ", ")));
    }
    return;
  }
  const auto [before, added] = entries_.try_emplace(name, Entry{line, value});
  if (!added) {
    mistakes_->Add(line, Path(name),
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
  mistakes_->Add(Line(key), Path(key), wrong, expected);
}

void YamlMap::MistakeAt(int line, absl::string_view key, absl::string_view wrong,
                        absl::string_view expected) {
  mistakes_->Add(line, Path(key), wrong, expected);
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
  if (HasControls(text)) {
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

void YamlMap::Texts(absl::string_view key, Presence presence, std::vector<YamlText>& values) {
  constexpr absl::string_view kExpected = "expected a line of text, or a list of such";
  const YAML::Node* node = Find(key, presence);
  if (node == nullptr) return;
  std::vector<YAML::Node> items;
  if (node->IsSequence()) {
    for (const YAML::Node& item : *node) items.push_back(item);
  } else {
    items.push_back(*node);
  }
  values.clear();
  for (const YAML::Node& item : items) {
    const int line = LineOf(item, Line(key));
    if (!item.IsScalar() || item.Scalar().empty()) {
      MistakeAt(line, key, "one of its values is no text", kExpected);
    } else if (HasControls(item.Scalar())) {
      MistakeAt(line, key, "it has characters that can't be printed", kExpected);
    } else {
      values.push_back({item.Scalar(), line});
    }
  }
}

void YamlMap::Words(absl::string_view key, Presence presence, const std::vector<std::string>& words,
                    std::vector<int>& values) {
  std::vector<YamlText> texts;
  Texts(key, presence, texts);
  if (Has(key)) values.clear();
  for (const YamlText& text : texts) {
    const auto found = std::find(words.begin(), words.end(), text.text);
    const int place = static_cast<int>(found - words.begin());
    if (found == words.end()) {
      MistakeAt(text.line, key, "one of its values isn't known",
                absl::StrCat("expected some of ", absl::StrJoin(words, ", ")));
    } else if (std::find(values.begin(), values.end(), place) != values.end()) {
      MistakeAt(text.line, key, absl::StrCat(*found, " is given twice"), "expected once");
    } else {
      values.push_back(place);
    }
  }
}

std::optional<YamlMap> YamlMap::Map(absl::string_view key,
                                    const std::vector<absl::string_view>& keys) {
  const YAML::Node* node = Find(key, Presence::kOptional);
  if (node == nullptr) return std::nullopt;
  return YamlMap(*mistakes_, *node, Line(key), Path(key), keys);
}

std::vector<YamlMap> YamlMap::Maps(absl::string_view key,
                                   const std::vector<absl::string_view>& keys) {
  std::vector<YamlMap> maps;
  const YAML::Node* node = Find(key, Presence::kOptional);
  if (node == nullptr) return maps;
  if (!node->IsSequence()) {
    Mistake(key, "it is no list", "expected a list");
    return maps;
  }
  for (const YAML::Node& item : *node) {
    maps.emplace_back(*mistakes_, item, LineOf(item, Line(key)),
                      absl::StrCat(Path(key), "[", maps.size(), "]"), keys);
  }
  return maps;
}

}  // namespace porchlight
