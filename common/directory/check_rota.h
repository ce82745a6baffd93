// The part of CheckChange that is about rotas and overrides: whether they can be understood,
// whether everybody in them is known, and whether somebody is on call at every minute.
#pragma once

#include <set>
#include <string>

#include "absl/time/time.h"
#include "common/directory/mistakes.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// `after`: the directory with the change made.
void CheckRotas(const v1::ChangeDirectoryRequest& change, const v1::Directory& after,
                absl::Time now, Mistakes& mistakes);

// Everybody whom its rotas and overrides name.
std::set<std::string> PeopleOf(const v1::Directory& directory);

}  // namespace porchlight
