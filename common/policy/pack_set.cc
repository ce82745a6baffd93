#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/policy/jurisdiction.h"
#include "common/policy/loader.h"

namespace porchlight {
namespace {

constexpr size_t kJurisdictionShownMax = 64;

}  // namespace

absl::StatusOr<PackSet> PackSet::Make(std::vector<v1::PolicyPack> packs) {
  PackSet set;
  for (v1::PolicyPack& pack : packs) {
    const std::string id = pack.pack_id();
    set.packs_[id] = std::move(pack);
  }
  for (const auto& [id, pack] : set.packs_) {
    std::string& in_force =
        set.pack_of_jurisdiction_.try_emplace(pack.jurisdiction(), id).first->second;
    const bool over_it =
        std::find(pack.extends().begin(), pack.extends().end(), in_force) != pack.extends().end();
    if (over_it) in_force = id;
  }
  if (set.pack_of_jurisdiction_.count(std::string(kFederalJurisdiction)) == 0) {
    return absl::FailedPreconditionError(
        "there is no policy pack for us: the federal one is what every other stands on");
  }
  return set;
}

const v1::PolicyPack* PackSet::Find(absl::string_view pack_id) const {
  const auto found = packs_.find(std::string(pack_id));
  return found == packs_.end() ? nullptr : &found->second;
}

PackChoice PackSet::For(absl::string_view jurisdiction) const {
  const std::string asked = NormalJurisdiction(jurisdiction);
  std::string name = asked;
  while (true) {
    const auto found = pack_of_jurisdiction_.find(name);
    if (found != pack_of_jurisdiction_.end()) {
      PackChoice choice{Find(found->second), "",
                        name == kFederalJurisdiction && asked != kFederalJurisdiction};
      if (name != asked) {
        choice.warning = absl::StrCat(
            asked.empty()
                ? "no jurisdiction was given"
                : absl::StrCat("there is no policy pack for \"",
                               absl::Utf8SafeCEscape(asked.substr(0, kJurisdictionShownMax)), "\""),
            ": that of ", name, " is used", choice.federal_only ? ", without any state's law" : "");
      }
      return choice;
    }
    name = JurisdictionAbove(name);
  }
}

}  // namespace porchlight
