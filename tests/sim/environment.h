// What all processes of one simulation share: the log, the stores, the keys, the channel, time and
// chance. Everything in here outlives a crash.
#pragma once

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/base/clock.h"
#include "common/channel/memory_channel.h"
#include "common/keys/memory_keys.h"
#include "common/log/memory_log.h"
#include "common/store/memory_store.h"
#include "services/directory/rules.h"
#include "services/intake/rules.h"
#include "services/mdt/rules.h"
#include "services/notification/rules.h"
#include "services/oncall/rules.h"
#include "services/screening/rules.h"
#include "tests/sim/options.h"
#include "tests/sim/random.h"
#include "tests/sim/truth.h"

namespace porchlight::sim {

inline constexpr char kSimAgency[] = "example-county";

struct Environment {
  explicit Environment(uint64_t seed)
      : random(seed),
        options(random),
        sodium(seed),
        log(options.lost_races),
        keys(seed),
        notification_rules({.agency_name = "Example County",
                            .time_zone = absl::UTCTimeZone(),
                            .give_up_after = options.give_up_after}),
        mdt_rules({.agency_name = "Example County",
                   .time_zone = absl::UTCTimeZone(),
                   .give_up_after = options.give_up_after}),
        oncall_rules({.agency_name = "Example County"}),
        truth(log, keys, clock, findings, counters) {}

  // False: the fault isn't drawn, or faults are over.
  bool Fault(double probability) { return faults && random.Chance(probability); }
  const Rules& rules(const std::string& service) const {
    const Rules* const all[] = {&directory_rules, &intake_rules, &notification_rules,
                                &screening_rules, &mdt_rules,    &oncall_rules};
    return **std::find_if(std::begin(all), std::end(all),
                          [&](const Rules* rules) { return rules->service() == service; });
  }
  // The script for the next attempt at this recipient.
  MemoryChannel::Script DrawScript(const std::string& recipient_id);

  Random random;
  Options options;
  SeededSodium sodium;
  bool faults = true;
  Findings findings;
  Counters counters;
  ManualClock clock{absl::FromUnixSeconds(1'780'000'000)};
  MemoryLog log;
  MemoryKeys keys;
  std::map<std::string, MemoryStore> stores;  // by service
  std::map<std::string, bool> store_away;
  const DirectoryRules directory_rules;
  const IntakeRules intake_rules;
  const NotificationRules notification_rules;
  const ScreeningRules screening_rules;
  const MdtRules mdt_rules;
  const OncallRules oncall_rules;
  Truth truth;
  std::string dead_recipient;
  // Answers that the channel gave: by delivery, by kind.
  std::map<std::string, std::map<int, int>> answers;
  // What each delivery looked like when it was first sent.
  std::map<std::string, std::string> first_sent;
  MemoryChannel channel{clock};  // after what its answers change
  // Called in the middle of port calls: something else may happen right then.
  std::function<void()> meanwhile;
};

}  // namespace porchlight::sim
