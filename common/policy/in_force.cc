#include "common/policy/in_force.h"

#include "common/directory/directory.h"
#include "common/policy/loader.h"

namespace porchlight {
namespace {

const v1::PolicyPack& BuiltInFederal() {
  static const v1::PolicyPack* federal = new v1::PolicyPack(*LoadPacks({}).value().For("us").pack);
  return *federal;
}

}  // namespace

const v1::PolicyPack& PolicyPackFor(const v1::Directory& directory,
                                    absl::string_view jurisdiction) {
  const v1::PolicyPack* pack = PackInForce(directory, jurisdiction);
  return pack != nullptr ? *pack : BuiltInFederal();
}

}  // namespace porchlight
