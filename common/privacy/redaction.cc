// Prints by reflection, default deny: a field that isn't of class "internal", or has no class, is
// never shown, whatever its type and however deep it is.
#include "common/privacy/redaction.h"

#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr size_t kRedactedBytesMax = 1000;
constexpr size_t kBytesShownMax = 32;
constexpr absl::string_view kHidden = "…";

bool IsOurs(const google::protobuf::Descriptor& type) {
  return absl::StartsWith(type.full_name(), "porchlight.");
}

bool IsTime(const google::protobuf::Descriptor& type) {
  return type.full_name() == "google.protobuf.Timestamp" ||
         type.full_name() == "google.protobuf.Duration";
}

// By reflection, so that it also works on messages made from a descriptor alone.
std::string TimeText(const Message& time) {
  const google::protobuf::Descriptor& type = *time.GetDescriptor();
  const Reflection& reflection = *time.GetReflection();
  const int64_t seconds = reflection.GetInt64(time, type.FindFieldByNumber(1));
  const int32_t nanos = reflection.GetInt32(time, type.FindFieldByNumber(2));
  if (type.name() == "Duration") {
    return absl::FormatDuration(absl::Seconds(seconds) + absl::Nanoseconds(nanos));
  }
  return absl::FormatTime(absl::FromUnixSeconds(seconds) + absl::Nanoseconds(nanos),
                          absl::UTCTimeZone());
}

std::string EnumText(const FieldDescriptor& field, int number) {
  const auto* value = field.enum_type()->FindValueByNumber(number);
  return value == nullptr ? absl::StrCat(number) : value->name();
}

std::string StringText(const FieldDescriptor& field, absl::string_view value) {
  if (field.type() != FieldDescriptor::TYPE_BYTES) {
    return absl::StrCat("\"", absl::Utf8SafeCHexEscape(value.substr(0, kRedactedBytesMax)), "\"");
  }
  if (value.size() > kBytesShownMax) return absl::StrCat("(", value.size(), " bytes)");
  return absl::BytesToHexString(value);
}

// A field's value, or one of a repeated field's.
std::string ScalarText(const Message& message, const FieldDescriptor& field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool one = index < 0;
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? reflection.GetInt32(message, &field)
                              : reflection.GetRepeatedInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? reflection.GetInt64(message, &field)
                              : reflection.GetRepeatedInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? reflection.GetUInt32(message, &field)
                              : reflection.GetRepeatedUInt32(message, &field, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? reflection.GetUInt64(message, &field)
                              : reflection.GetRepeatedUInt64(message, &field, index));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return absl::StrCat(one ? reflection.GetDouble(message, &field)
                              : reflection.GetRepeatedDouble(message, &field, index));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return absl::StrCat(one ? reflection.GetFloat(message, &field)
                              : reflection.GetRepeatedFloat(message, &field, index));
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = one ? reflection.GetBool(message, &field)
                             : reflection.GetRepeatedBool(message, &field, index);
      return value ? "true" : "false";
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(field, one ? reflection.GetEnumValue(message, &field)
                                 : reflection.GetRepeatedEnumValue(message, &field, index));
    case FieldDescriptor::CPPTYPE_STRING: {
      std::string scratch;
      return StringText(
          field, one ? reflection.GetStringReference(message, &field, &scratch)
                     : reflection.GetRepeatedStringReference(message, &field, index, &scratch));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      break;
  }
  return std::string(kHidden);
}

// Our own messages classify their fields themselves; a class on the field that holds one can only
// hide more. A map is shown only if it has the class itself.
bool MayEnter(const FieldDescriptor& field, v1::Sensitivity sensitivity) {
  if (field.is_map()) return sensitivity == v1::SENSITIVITY_INTERNAL;
  return IsOurs(*field.message_type()) &&
         (sensitivity == v1::SENSITIVITY_INTERNAL || sensitivity == v1::SENSITIVITY_UNSPECIFIED);
}

bool IsNested(const FieldDescriptor& field) {
  return field.message_type() != nullptr && !IsTime(*field.message_type());
}

bool MayShow(const FieldDescriptor& field, v1::Sensitivity sensitivity) {
  return IsNested(field) ? MayEnter(field, sensitivity) : sensitivity == v1::SENSITIVITY_INTERNAL;
}

class Printer {
 public:
  // Whether any field was shown. `inherited` is the class of fields without one: that of the map
  // which a map's entries belong to.
  bool PrintFields(const Message& message, v1::Sensitivity inherited) {
    std::vector<const FieldDescriptor*> fields;
    message.GetReflection()->ListFields(message, &fields);
    bool shown = fields.empty();
    bool first = true;
    for (const FieldDescriptor* field : fields) {
      if (text_.size() > kRedactedBytesMax) break;
      if (!first) text_ += ' ';
      first = false;
      v1::Sensitivity sensitivity = SensitivityOf(*field);
      if (sensitivity == v1::SENSITIVITY_UNSPECIFIED) sensitivity = inherited;
      shown = PrintField(message, *field, sensitivity) || shown;
    }
    return shown;
  }

  std::string Take() {
    if (text_.size() <= kRedactedBytesMax) return std::move(text_);
    size_t end = kRedactedBytesMax - kHidden.size();
    while (end > 0 && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) --end;
    text_.resize(end);
    return absl::StrCat(text_, kHidden);
  }

 private:
  bool PrintField(const Message& message, const FieldDescriptor& field,
                  v1::Sensitivity sensitivity) {
    if (!MayShow(field, sensitivity)) {
      const bool nested = IsNested(field);
      absl::StrAppend(&text_, field.name(), nested ? " {" : ": ", kHidden, nested ? "}" : "");
      return false;
    }
    if (!field.is_repeated()) return PrintValue(message, field, sensitivity, -1);
    bool shown = false;
    const int count = message.GetReflection()->FieldSize(message, &field);
    for (int i = 0; i < count && text_.size() <= kRedactedBytesMax; ++i) {
      if (i > 0) text_ += ' ';
      shown = PrintValue(message, field, sensitivity, i) || shown;
    }
    return shown;
  }

  bool PrintValue(const Message& message, const FieldDescriptor& field, v1::Sensitivity sensitivity,
                  int index) {
    if (field.message_type() == nullptr) {
      absl::StrAppend(&text_, field.name(), ": ", ScalarText(message, field, index));
      return true;
    }
    const Reflection& reflection = *message.GetReflection();
    const Message& value = index < 0 ? reflection.GetMessage(message, &field)
                                     : reflection.GetRepeatedMessage(message, &field, index);
    if (IsTime(*field.message_type())) {
      absl::StrAppend(&text_, field.name(), ": ", TimeText(value));
      return true;
    }
    absl::StrAppend(&text_, field.name(), " {");
    const size_t start = text_.size();
    const bool shown =
        PrintFields(value, field.is_map() ? sensitivity : v1::SENSITIVITY_UNSPECIFIED);
    if (!shown) {
      text_.resize(start);
      absl::StrAppend(&text_, kHidden);
    }
    text_ += '}';
    return shown;
  }

  std::string text_;
};

}  // namespace

v1::Sensitivity SensitivityOf(const FieldDescriptor& field) {
  return field.options().GetExtension(v1::sensitivity);
}

void KeepInternal(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  reflection.MutableUnknownFields(&message)->Clear();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool opaque = field->is_map() && field->message_type()->map_value()->message_type();
    if (opaque || !MayShow(*field, SensitivityOf(*field))) {
      reflection.ClearField(&message, field);
    } else if (IsNested(*field) && !field->is_map()) {
      const int count = field->is_repeated() ? reflection.FieldSize(message, field) : 1;
      for (int i = 0; i < count; ++i) {
        KeepInternal(field->is_repeated() ? *reflection.MutableRepeatedMessage(&message, field, i)
                                          : *reflection.MutableMessage(&message, field));
      }
    }
  }
}

std::string Redacted(const Message& message) {
  Printer printer;
  printer.PrintFields(message, v1::SENSITIVITY_UNSPECIFIED);
  return printer.Take();
}

}  // namespace porchlight
