// What all processes of one simulation share: the log, the stores, the keys, the channel, time and
// chance. Everything in here outlives a crash.
#pragma once

#include <functional>
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
#include "services/notification/rules.h"
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
        truth(log, keys, findings, counters) {}

  // False: the fault isn't drawn, or faults are over.
  bool Fault(double probability) { return faults && random.Chance(probability); }
  const Rules& rules(const std::string& service) const {
    if (service == "directory") return directory_rules;
    if (service == "intake") return intake_rules;
    return notification_rules;
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
