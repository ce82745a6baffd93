// Which policy pack a decision uses. Pure: the directory and the packs that this build brings.
#pragma once

#include "absl/strings/string_view.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// Of the packs in the directory, that of the jurisdiction or of the nearest one above it. Where
// there is none: the federal pack of this build. Valid as long as `directory` is.
const v1::PolicyPack& PolicyPackFor(const v1::Directory& directory, absl::string_view jurisdiction);

}  // namespace porchlight
