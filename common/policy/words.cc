#include "common/policy/words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"

namespace porchlight {

std::string EnumWord(const google::protobuf::EnumDescriptor& type, int value) {
  const auto* found = type.FindValueByNumber(value);
  if (found == nullptr) return "unknown";  // of a later version
  const absl::string_view prefix = absl::StripSuffix(type.value(0)->name(), "UNSPECIFIED");
  return absl::AsciiStrToLower(absl::StripPrefix(found->name(), prefix));
}

std::vector<std::string> EnumWords(const google::protobuf::EnumDescriptor& type) {
  std::vector<std::string> words;
  for (int number = 1; type.FindValueByNumber(number) != nullptr; ++number) {
    words.push_back(EnumWord(type, number));
  }
  return words;
}

}  // namespace porchlight
