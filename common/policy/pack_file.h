// One pack's YAML file: what it says itself, and what comes of it over the pack that it extends.
// Keeps every mistake with its line. Never reads a file: it is given the text.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/config/yaml_reader.h"
#include "common/policy/loader.h"
#include "porchlight/v1/policy.pb.h"

namespace porchlight {

class PackFile {
 public:
  explicit PackFile(const PolicySource& source);
  PackFile(const PackFile&) = delete;
  PackFile& operator=(const PackFile&) = delete;

  const std::string& pack_id() const { return pack_id_; }
  const std::string& extends() const { return extends_; }  // empty: of none

  // Over `parent`, or over nothing. Only right if there are no mistakes after it.
  v1::PolicyPack Resolve(const v1::PolicyPack* parent);
  // Notes where `pack`, resolved from this file, asks for less than the ceilings of `federal`.
  void CheckAgainst(const v1::PolicyPack& federal, const v1::PolicyPack& pack);

  void Mistake(absl::string_view key, absl::string_view wrong, absl::string_view expected);
  const YamlMistakes& mistakes() const { return mistakes_; }

 private:
  void ReadSettings(const v1::PolicyPack* parent, v1::PolicyPack& pack);
  void ReadHolidays(v1::PolicyPack& pack);
  void ReadHoliday(YamlMap& map, v1::PolicyHoliday& holiday);
  void RemoveRules(v1::PolicyPack& pack);
  void ReadRules(v1::PolicyPack& pack);
  void ReadCeiling(YamlMap& map, const v1::PolicyRule* parent, v1::PolicyRule& rule);
  void CheckReferences(const v1::PolicyPack& pack);
  void NoteLoosened(const v1::PolicyRule& ceiling, const v1::PolicyRule& rule,
                    uint32_t immediately_minutes, YamlMap& map);
  YamlMap& MapOf(const std::string& rule_id);

  YamlMistakes mistakes_;
  std::optional<YamlMap> top_;  // nothing if it isn't YAML
  std::string pack_id_;
  std::string extends_;
  std::map<std::string, YamlMap> rule_maps_;  // of this file's rules
};

}  // namespace porchlight
