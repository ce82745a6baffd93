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

// What stands behind the simulated ports.
struct RealParts {
  std::unique_ptr<Log> log;
  std::function<std::unique_ptr<Store>(const std::string& service)> make_store;
};

struct Environment {
  // Without real parts they are in memory.
  explicit Environment(uint64_t seed, RealParts real = {})
      : random(seed),
        options(random),
        sodium(seed),
        log_owner(real.log != nullptr ? std::move(real.log)
                                      : std::make_unique<MemoryLog>(options.lost_races)),
        keys(seed),
        notification_rules({.agency_name = "Example County",
                            .time_zone = absl::UTCTimeZone(),
                            .give_up_after = options.give_up_after}),
        mdt_rules({.agency_name = "Example County",
                   .time_zone = absl::UTCTimeZone(),
                   .give_up_after = options.give_up_after}),
        oncall_rules({.agency_name = "Example County"}),
        truth(log, keys, clock, findings, counters) {
    for (const char* service : kServices) {
      stores[service] =
          real.make_store != nullptr ? real.make_store(service) : std::make_unique<MemoryStore>();
    }
  }

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
  const std::unique_ptr<Log> log_owner;
  Log& log = *log_owner;
  MemoryKeys keys;
  std::map<std::string, std::unique_ptr<Store>> stores;  // by service
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
