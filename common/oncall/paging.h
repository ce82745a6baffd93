// Whom an alert pages next: the people of a rota's level who are on call at this moment, by all
// their ways. Pure. Never somebody who isn't on call, never a live recipient in a drill or the
// other way round.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

// Whose rota is asked where a duty names none, or one that there isn't.
inline constexpr absl::string_view kUsualRole = "supervisor";

struct Paged {
  std::string person_id;  // the recipient's own id where it is nobody's way
  v1::Recipient recipient;
};

struct Paging {
  uint32_t level = 0;  // 0: no rota; every supervisor
  uint32_t round = 0;
  uint32_t answers_needed = 1;
  absl::Duration again_after = absl::ZeroDuration();
  std::vector<Paged> people = {};
};

// After what was paged for `alert` so far. Who has answered is not paged again. Nothing: nobody can
// be reached.
std::optional<Paging> NextPaging(const v1::Directory& directory, const v1::Alert& alert,
                                 absl::string_view jurisdiction, absl::Time now);

// By whose clock the alert's times are told.
absl::TimeZone ZoneOf(const v1::Directory& directory, absl::string_view role, absl::TimeZone usual);

// Whether the directory has such a person, or recipient.
bool KnowsPerson(const v1::Directory& directory, absl::string_view person_id);

}  // namespace porchlight
