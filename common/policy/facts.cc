#include "common/policy/facts.h"

#include <algorithm>

#include "common/base/time.h"

namespace porchlight {

v1::Episode PolicyPartOf(const v1::Episode& episode) {
  v1::Episode part;
  part.set_episode_id(episode.episode_id());
  part.set_youth_id(episode.youth_id());
  part.set_state(episode.state());
  part.set_jurisdiction(episode.jurisdiction());
  part.set_exercise(episode.exercise());
  part.set_caseworker_id(episode.caseworker_id());
  part.set_same_as_episode_id(episode.same_as_episode_id());
  part.set_close_reason(episode.close_reason());
  if (!episode.youth().date_of_birth().empty())
    part.mutable_youth()->set_date_of_birth(episode.youth().date_of_birth());
  if (episode.youth().age_years() > 0)
    part.mutable_youth()->set_age_years(episode.youth().age_years());
  *part.mutable_circumstances_known() = episode.circumstances_known();
  *part.mutable_anchors() = episode.anchors();
  if (episode.has_received_at()) *part.mutable_received_at() = episode.received_at();
  if (episode.has_last_seen_at()) *part.mutable_last_seen_at() = episode.last_seen_at();
  if (episode.has_returned_at()) *part.mutable_returned_at() = episode.returned_at();
  if (episode.has_return_received_at())
    *part.mutable_return_received_at() = episode.return_received_at();
  return part;
}

Facts FactsOf(const v1::Episode& episode) {
  Facts facts;
  absl::CivilDay birth_date;
  if (absl::ParseCivilTime(episode.youth().date_of_birth(), &birth_date)) {
    facts.birth_date = birth_date;
  } else if (episode.youth().age_years() > 0) {
    facts.age_years = static_cast<int>(episode.youth().age_years());
  }
  for (const v1::KnownCircumstance& known : episode.circumstances_known()) {
    const absl::Time since = FromProto(known.known_since());
    const auto [at, added] = facts.circumstances.try_emplace(known.circumstance(), since);
    if (!added) at->second = std::min(at->second, since);
  }
  for (const v1::AnchorTime& anchor : episode.anchors())
    facts.anchors[anchor.anchor()] = FromProto(anchor.at());
  if (episode.has_received_at()) {
    TriggerEvent missing{.trigger = v1::POLICY_TRIGGER_MISSING,
                         .received_at = FromProto(episode.received_at()),
                         .occurred_at = std::nullopt};
    if (episode.has_last_seen_at()) missing.occurred_at = FromProto(episode.last_seen_at());
    facts.triggers.push_back(missing);
  }
  return facts;
}

}  // namespace porchlight
