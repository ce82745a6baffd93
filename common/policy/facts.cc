#include "common/policy/facts.h"

#include "common/base/time.h"

namespace porchlight {

Facts FactsOf(const v1::Episode& episode) {
  Facts facts;
  absl::CivilDay birth_date;
  if (absl::ParseCivilTime(episode.youth().date_of_birth(), &birth_date)) {
    facts.birth_date = birth_date;
  }
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
