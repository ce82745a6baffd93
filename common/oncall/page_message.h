// What a page says: an episode's id, what is wrong, by when and by which law, what to do and who
// else was woken; never who the youth is. Short enough for a text message, and fit to be read out.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/keys/keys.h"
#include "common/oncall/paging.h"
#include "common/policy/duties.h"
#include "porchlight/v1/oncall.pb.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// Of links that acknowledge an alert (common/edge/signed_link.h).
inline constexpr absl::string_view kAcknowledgePurpose = "acknowledge";

// What an alert is about, in one or two sentences: Alert.text.
struct AlertAbout {
  v1::AlertKind kind = v1::ALERT_KIND_UNSPECIFIED;
  absl::string_view episode_id;
  // Null: of no duty that is known.
  const Duty* duty = nullptr;
  // Where it is about a duty: the service that owns it.
  absl::string_view owner;
  absl::string_view subject_id;
};
std::string AlertText(const AlertAbout& about, const absl::TimeZone& zone);

struct PageOptions {
  std::string agency_name;
  std::string public_url;  // empty: no links
  Key link_key;
  absl::Time made_at;
};

// To one of those whom `paging` wakes.
v1::Message MakePage(const PageOptions& options, const v1::Alert& alert, const Paging& paging,
                     const Paged& to);

}  // namespace porchlight
