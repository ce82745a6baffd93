// Links that let somebody do one thing without an account: acknowledge a page, confirm a notice. A
// link is a bearer's token: whoever has it may use it, as often as they like, until it expires;
// what it allows must be harmless to repeat. Pure: the time is passed in.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/keys/keys.h"

namespace porchlight {

struct SignedLink {
  std::string subject_id;    // what it is about, such as a page's id
  std::string recipient_id;  // whom it was given to
  absl::Time expires;        // in whole seconds
};

// Characters of [A-Za-z0-9-_]; about 40 and a third more than the ids. `purpose` is one word, such
// as "acknowledge": a link made for one is of no use for another. `key`: LinkKey of the master key.
std::string MakeLink(const Key& key, absl::string_view purpose, const SignedLink& link);

// PermissionDenied: not made with this key for this purpose, or changed since. FailedPrecondition:
// it has expired. The texts are fit for the person who opened it.
absl::StatusOr<SignedLink> ReadLink(const Key& key, absl::string_view purpose,
                                    absl::string_view token, absl::Time now);

}  // namespace porchlight
