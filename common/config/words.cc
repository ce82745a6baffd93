#include "common/config/words.h"

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {
namespace {

// Values 1, 2, 3...: a gap would end the list, and the test that reads every kind back would fail.
std::vector<std::string> Words(const google::protobuf::EnumDescriptor& type,
                               absl::string_view prefix) {
  std::vector<std::string> words;
  for (int number = 1; const auto* value = type.FindValueByNumber(number); ++number) {
    words.push_back(absl::AsciiStrToLower(absl::StripPrefix(value->name(), prefix)));
  }
  return words;
}

}  // namespace

const std::vector<std::string>& LogLevelWords() {
  static const auto& words = *new std::vector<std::string>{"debug", "info", "warning", "error"};
  return words;
}

const std::vector<std::string>& EncryptionWords() {
  static const auto& words = *new std::vector<std::string>{"starttls", "none"};
  return words;
}

const std::vector<std::string>& RecipientKindWords() {
  static const auto& words =
      *new std::vector<std::string>(Words(*v1::RecipientKind_descriptor(), "RECIPIENT_KIND_"));
  return words;
}

const std::vector<std::string>& ChannelKindWords() {
  static const auto& words =
      *new std::vector<std::string>(Words(*v1::ChannelKind_descriptor(), "CHANNEL_KIND_"));
  return words;
}

}  // namespace porchlight
