// A directory as a file that people write: recipients, rotas, overrides and rosters. Read strictly;
// all that is wrong is told at once, with file and line, and no value is repeated. Whether it fits
// the directory in force is for the directory service to say (common/directory/check.h).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// InvalidArgument with a line for each mistake, as of ReadConfig. NotFound, PermissionDenied: the
// file can't be read.
absl::StatusOr<v1::Directory> ReadDirectoryFile(const std::string& file);
absl::StatusOr<v1::Directory> ParseDirectoryFile(absl::string_view yaml, absl::string_view file);

}  // namespace porchlight
