#include "common/privacy/disclosure.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "common/privacy/redaction.h"

namespace porchlight {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Who stands by the youth needs a name to call them by, and no more of who they are.
bool IsWhatToCallThem(const FieldDescriptor& field) {
  const absl::string_view name = field.full_name();
  return name == "porchlight.v1.YouthFacts.first_name" ||
         name == "porchlight.v1.YouthFacts.preferred_name" ||
         name == "porchlight.v1.YouthFacts.pronouns";
}

bool MayKnowField(v1::RecipientKind recipient, const FieldDescriptor& field) {
  if (recipient == v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE && IsWhatToCallThem(field)) return true;
  return MayKnow(recipient, SensitivityOf(field));
}

// Whether it still says anything of a youth or a case.
bool TellsAnything(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  return std::any_of(fields.begin(), fields.end(), [](const FieldDescriptor* field) {
    return SensitivityOf(*field) != v1::SENSITIVITY_INTERNAL;
  });
}

bool IsOurs(const FieldDescriptor& field) {
  return field.message_type() != nullptr && !field.is_map() &&
         field.message_type()->file()->package() == "porchlight.v1";
}

void Note(v1::Sensitivity sensitivity, google::protobuf::RepeatedField<int>& classes) {
  const auto place = std::lower_bound(classes.begin(), classes.end(), sensitivity);
  if (place != classes.end() && *place == sensitivity) return;
  classes.Add(sensitivity);
  std::sort(classes.begin(), classes.end());
}

// Of a list, each element field by field; one of which nothing is left that tells anything is left
// out.
void KeepOnlyKnowableOfList(v1::RecipientKind recipient, const FieldDescriptor* field,
                            Message& message, v1::Disclosure* disclosure) {
  const Reflection& reflection = *message.GetReflection();
  int kept = 0;
  for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
    Message& element = *reflection.MutableRepeatedMessage(&message, field, i);
    KeepOnlyKnowable(recipient, element, disclosure);
    if (TellsAnything(element)) reflection.SwapElements(&message, field, i, kept++);
  }
  while (reflection.FieldSize(message, field) > kept) reflection.RemoveLast(&message, field);
}

}  // namespace

bool MayKnow(v1::RecipientKind recipient, v1::Sensitivity sensitivity) {
  if (sensitivity == v1::SENSITIVITY_INTERNAL) return true;
  switch (recipient) {
    case v1::RECIPIENT_KIND_LAW_ENFORCEMENT:
    case v1::RECIPIENT_KIND_TRIBAL_LAW_ENFORCEMENT:
    case v1::RECIPIENT_KIND_NCMEC:
    case v1::RECIPIENT_KIND_STATE_CLEARINGHOUSE:
    case v1::RECIPIENT_KIND_SUPERVISOR:
    case v1::RECIPIENT_KIND_CASEWORKER:
    case v1::RECIPIENT_KIND_SPECIAL_UNIT:
    case v1::RECIPIENT_KIND_MANAGEMENT:
      return sensitivity != v1::SENSITIVITY_EDUCATION && sensitivity != v1::SENSITIVITY_UNSPECIFIED;
    case v1::RECIPIENT_KIND_COURT:
    case v1::RECIPIENT_KIND_ATTORNEY:
    case v1::RECIPIENT_KIND_GUARDIAN_AD_LITEM:
    case v1::RECIPIENT_KIND_COURT_APPOINTED_ADVOCATE:
    case v1::RECIPIENT_KIND_PROBATION:
    case v1::RECIPIENT_KIND_TRIBE:
    case v1::RECIPIENT_KIND_INTERSTATE_OFFICE:
      return sensitivity == v1::SENSITIVITY_IDENTITY ||
             sensitivity == v1::SENSITIVITY_DESCRIPTION ||
             sensitivity == v1::SENSITIVITY_CIRCUMSTANCES;
    case v1::RECIPIENT_KIND_PARENT:
    case v1::RECIPIENT_KIND_INDIAN_CUSTODIAN:
    case v1::RECIPIENT_KIND_CAREGIVER:
      return sensitivity == v1::SENSITIVITY_IDENTITY ||
             sensitivity == v1::SENSITIVITY_CIRCUMSTANCES;
    case v1::RECIPIENT_KIND_CHILD_ABUSE_HOTLINE:
      return sensitivity == v1::SENSITIVITY_IDENTITY ||
             sensitivity == v1::SENSITIVITY_DESCRIPTION ||
             sensitivity == v1::SENSITIVITY_CIRCUMSTANCES ||
             sensitivity == v1::SENSITIVITY_ENDANGERMENT ||
             sensitivity == v1::SENSITIVITY_NARRATIVE;
    case v1::RECIPIENT_KIND_LICENSING:
    case v1::RECIPIENT_KIND_REVENUE_UNIT:
    case v1::RECIPIENT_KIND_FAMILY_TEAM:
      return sensitivity == v1::SENSITIVITY_IDENTITY;
    case v1::RECIPIENT_KIND_MISSING_CHILD_ORGANISATION:
      return sensitivity == v1::SENSITIVITY_IDENTITY || sensitivity == v1::SENSITIVITY_DESCRIPTION;
    case v1::RECIPIENT_KIND_HEALTH_PROVIDER:
      return sensitivity == v1::SENSITIVITY_IDENTITY ||
             sensitivity == v1::SENSITIVITY_DESCRIPTION ||
             sensitivity == v1::SENSITIVITY_ENDANGERMENT || sensitivity == v1::SENSITIVITY_HEALTH;
    default:
      return false;
  }
}

void KeepOnlyKnowable(v1::RecipientKind recipient, Message& message, v1::Disclosure* disclosure) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    if (IsOurs(*field) && field->is_repeated()) {
      KeepOnlyKnowableOfList(recipient, field, message, disclosure);
      continue;
    }
    if (IsOurs(*field)) {
      KeepOnlyKnowable(recipient, *reflection.MutableMessage(&message, field), disclosure);
      continue;
    }
    const bool may_know = MayKnowField(recipient, *field);
    if (!may_know) reflection.ClearField(&message, field);
    const v1::Sensitivity sensitivity = SensitivityOf(*field);
    if (disclosure == nullptr || sensitivity == v1::SENSITIVITY_INTERNAL) continue;
    Note(sensitivity,
         may_know ? *disclosure->mutable_disclosed() : *disclosure->mutable_withheld());
  }
}

}  // namespace porchlight
