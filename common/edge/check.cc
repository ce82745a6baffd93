#include "common/edge/check.h"

#include <algorithm>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/utf8.h"
#include "google/protobuf/timestamp.pb.h"

namespace porchlight {
namespace {

// Years 1 to 9999, as the Timestamp message allows.
constexpr int64_t kEarliestSecond = -62'135'596'800;
constexpr int64_t kLatestSecond = 253'402'300'799;

absl::Status CheckText(absl::string_view name, absl::string_view text) {
  if (text.size() > kTextFieldBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has ", text.size(), " bytes; at most ", kTextFieldBytesMax,
                     " are kept. Shorten it, or send the rest as a second report."));
  }
  if (!IsUtf8(text)) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, " has bytes that are no text; write it as UTF-8 and send it again"));
  }
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) && c != '\n' && c != '\r' &&
           c != '\t';
  });
  if (!control) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      name,
      " has control characters, which can't be shown or printed; remove them and send it again"));
}

absl::Status CheckTime(absl::string_view name, const google::protobuf::Timestamp& time) {
  if (time.seconds() >= kEarliestSecond && time.seconds() <= kLatestSecond && time.nanos() >= 0 &&
      time.nanos() <= 999'999'999) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(name, " is not a time between the years 1 and 9999"));
}

// `name`: of the field that holds the message.
absl::Status CheckMessage(absl::string_view name, const google::protobuf::Message& message) {
  if (const auto* time =
          google::protobuf::DynamicCastToGenerated<google::protobuf::Timestamp>(&message)) {
    return CheckTime(name, *time);
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool is_map_entry = message.GetDescriptor()->options().map_entry();
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    const absl::string_view field_name = is_map_entry ? name : absl::string_view(field->name());
    const bool is_message = field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE;
    if (!is_message && field->type() != google::protobuf::FieldDescriptor::TYPE_STRING) continue;
    const int size = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < size; ++i) {
      absl::Status checked;
      std::string scratch;
      if (is_message) {
        checked = CheckMessage(field_name, field->is_repeated()
                                               ? reflection.GetRepeatedMessage(message, field, i)
                                               : reflection.GetMessage(message, field));
      } else {
        checked = CheckText(field_name,
                            field->is_repeated()
                                ? reflection.GetRepeatedStringReference(message, field, i, &scratch)
                                : reflection.GetStringReference(message, field, &scratch));
      }
      if (!checked.ok()) return checked;
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckFields(const google::protobuf::Message& message) {
  return CheckMessage("the message", message);
}

absl::Status CheckEpisodeId(absl::string_view episode_id) {
  const absl::string_view youth_id = YouthOf(episode_id);
  const absl::string_view rest = episode_id.substr(youth_id.size());
  uint32_t number = 0;
  if (CheckId("episode_id", youth_id).ok() && rest.substr(0, 2) == "_e" &&
      absl::SimpleAtoi(rest.substr(2), &number)) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      "episode_id is not an episode's id, which looks like \"<youth>_e1\"; `porchlight episodes` "
      "lists them");
}

absl::StatusOr<std::string> RequestId(absl::string_view given, Ids& ids) {
  if (given.empty()) return ids.New();
  if (absl::Status checked = CheckId("request_id", given, 8); !checked.ok()) return checked;
  return std::string(given);
}

absl::StatusOr<size_t> PageSize(uint32_t asked) {
  constexpr uint32_t kUsual = 100;
  constexpr uint32_t kMost = 500;
  if (asked > kMost)
    return absl::InvalidArgumentError(
        "page_size must be at most 500; ask for the next page after that");
  return asked == 0 ? kUsual : asked;
}

}  // namespace porchlight
