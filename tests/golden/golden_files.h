// The golden files: read always, written only where missing and only when asked for, so that no
// change of the code can change what an earlier version has written.
#pragma once

#include <string>
#include <vector>

namespace porchlight::testing {

// `name` is relative to tests/golden.
bool GoldenExists(const std::string& name);
// Fails the test if there is none.
std::string ReadGolden(const std::string& name);
// Names, without `ending`, of the files in this folder that have it.
std::vector<std::string> GoldenFiles(const std::string& folder, const std::string& ending);
// True if PORCHLIGHT_WRITE_GOLDEN is 1 and the file was missing and now is there.
bool WriteGolden(const std::string& name, const std::string& content);

}  // namespace porchlight::testing
