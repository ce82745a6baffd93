// The drill's story: who is in it, and what happens when. Invented from end to end.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "porchlight/v1/directory.pb.h"
#include "services/porchlight/drill_play.h"

namespace porchlight {

// Desks and people, all of them for drills only.
v1::Directory DrillDirectory();

absl::Status PlayCase(const std::string& jurisdiction, Play& play);

}  // namespace porchlight
