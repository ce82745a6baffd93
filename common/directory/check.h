// Whether a change of the directory may be made: all that is wrong with it is told at once, each
// line with the entry's name and what to do. Pure: the time is passed in. Texts hold ids and never
// a name, an address or a value that can't be an id.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// What may be done but looks odd, such as a role that no rota has.
// InvalidArgument: an entry can't be understood. FailedPrecondition: each can, but the directory
// would be broken: a rota with a hole, a team with a recipient that isn't there.
absl::StatusOr<std::vector<std::string>> CheckChange(const v1::Directory& directory,
                                                     const v1::ChangeDirectoryRequest& change,
                                                     absl::Time now);

}  // namespace porchlight
