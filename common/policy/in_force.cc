#include "common/policy/in_force.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "common/policy/loader.h"

namespace porchlight {
namespace {

constexpr absl::string_view kFederal = "us";

const v1::PolicyPack& BuiltInFederal() {
  static const v1::PolicyPack* federal =
      new v1::PolicyPack(*LoadPacks({}).value().For(kFederal).pack);
  return *federal;
}

// Of several for one jurisdiction, the one that stands on the others.
const v1::PolicyPack* PackOf(const v1::Directory& directory, absl::string_view jurisdiction) {
  const v1::PolicyPack* found = nullptr;
  for (const v1::PolicyPack& pack : directory.packs()) {
    if (pack.jurisdiction() != jurisdiction) continue;
    const bool over_it = found != nullptr && std::find(pack.extends().begin(), pack.extends().end(),
                                                       found->pack_id()) != pack.extends().end();
    if (found == nullptr || over_it) found = &pack;
  }
  return found;
}

}  // namespace

const v1::PolicyPack& PolicyPackFor(const v1::Directory& directory,
                                    absl::string_view jurisdiction) {
  const std::string asked = absl::AsciiStrToLower(absl::StripAsciiWhitespace(jurisdiction));
  for (absl::string_view name = asked; !name.empty();) {
    if (const v1::PolicyPack* pack = PackOf(directory, name)) return *pack;
    const size_t dash = name.rfind('-');
    name = dash == absl::string_view::npos ? absl::string_view() : name.substr(0, dash);
  }
  const v1::PolicyPack* federal = PackOf(directory, kFederal);
  return federal != nullptr ? *federal : BuiltInFederal();
}

}  // namespace porchlight
