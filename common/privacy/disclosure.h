// Need to know: what each kind of recipient may see, field by field, default deny; and what
// a message told, class by class, for the record of disclosures. Education records have no
// way out here. Pure.
#pragma once

#include "google/protobuf/message.h"
#include "porchlight/v1/disclosure.pb.h"
#include "porchlight/v1/options.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// Whether this kind of recipient may see every field of this class. Police and NCMEC get what
// 42 USC 671(a)(35)(B) wants told.
bool MayKnow(v1::RecipientKind recipient, v1::Sensitivity sensitivity);

// Clears every field that this kind of recipient may not see. What was left and what was cleared
// of a class other than INTERNAL is added to `disclosure`, if there is one.
void KeepOnlyKnowable(v1::RecipientKind recipient, google::protobuf::Message& message,
                      v1::Disclosure* disclosure = nullptr);

}  // namespace porchlight
