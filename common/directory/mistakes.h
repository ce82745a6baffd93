// What CheckChange finds, and the small checks that all kinds of entries share.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/repeated_ptr_field.h"

namespace porchlight {

struct Mistakes {
  std::vector<std::string> malformed;
  std::vector<std::string> broken;

  void Malformed(absl::string_view entry, absl::string_view wrong);
  void Broken(absl::string_view entry, absl::string_view wrong);
  bool any() const { return !malformed.empty() || !broken.empty(); }
  absl::Status ToStatus() const;
};

// 1 to `longest` characters of [a-z0-9-].
bool IsWord(absl::string_view text, size_t longest);
// 1 to 64 characters of [A-Za-z0-9-].
bool IsOpaqueId(absl::string_view text);

// "rota night-desk"; of an id that may not be shown, "rota number 3".
std::string EntryName(absl::string_view what, absl::string_view id, int place);

void CheckJurisdictions(const std::string& entry,
                        const google::protobuf::RepeatedPtrField<std::string>& jurisdictions,
                        Mistakes& mistakes);

}  // namespace porchlight
