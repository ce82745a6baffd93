// Whether a callback was made by the telephone provider: its X-Twilio-Signature, an HMAC-SHA1 with
// the account's auth token. It says nothing about time: a callback can be replayed, so what it does
// must be harmless to repeat.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "common/base/form.h"

namespace porchlight {

// `url`: the whole public URL that the provider called, with its query; `fields`: those of the form
// in the body, none for a GET.
std::string SignTwilio(absl::string_view auth_token, absl::string_view url, FormFields fields);

// Takes the same time whatever is wrong.
bool IsSignedByTwilio(absl::string_view auth_token, absl::string_view url, FormFields fields,
                      absl::string_view signature);

}  // namespace porchlight
