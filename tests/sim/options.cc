#include "tests/sim/options.h"

#include "absl/strings/str_cat.h"

namespace porchlight::sim {
namespace {

constexpr const char* kWanted[] = {
    "lost race",
    "refused append",
    "unknown, all written",
    "unknown, none written",
    "unknown, split",
    "late record counted",
    "record skipped",
    "log not readable",
    "store away",
    "store answer lost",
    "store restored",
    "store wiped",
    "load by back-links",
    "key away",
    "clock step",
    "directory change",
    "crash: log append",
    "crash: log read",
    "crash: log end",
    "crash: store",
    "crash: keys",
    "crash: channel",
    "start failed",
    "interleaved",
    "dead letter",
    "replay",
    "expiry",
    "breaker opened",
    "repeated in the log",
    "other content",
    "sent again",
    "nobody to tell",
    "told later",
    "drill told",
    "proof filed",
    "refused by police",
    "withdrawn",
    "recipient gone or changed",
    "alert: ALERT_KIND_PAGE",
    "alert: ALERT_KIND_MISSED",
    "alert: ALERT_KIND_AT_RISK",
    "alert: ALERT_KIND_OWNER_SILENT",
    "alert: ALERT_KIND_UNDECIDED",
    "alert: ALERT_KIND_NOT_TOLD",
    "escalated",
    "acknowledged",
    "silenced",
    "duty paged",
    "dead: intake",
    "dead: notification",
    "dead: screening",
    "dead: mdt",
};

// Off in half of the runs, otherwise rare, middling or frequent.
double Draw(Random& random, double most) {
  constexpr double kShares[] = {0, 0, 0, 0.1, 0.4, 1};
  return most * random.Pick(kShares);
}

}  // namespace

Options::Options(Random& random) {
  lost_races = random.Chance(0.5) ? LostRaces::kWritten : LostRaces::kNotWritten;
  second_intake = random.Chance(0.5);
  second_notification = random.Chance(0.7);
  second_oncall = random.Chance(0.3);
  constexpr const char* kDead[] = {"", "", "", "", "intake", "notification", "screening", "mdt"};
  dead_service = random.Pick(kDead);
  steps = 100 + static_cast<int>(random.Below(300));
  requests_max = 3 + static_cast<int>(random.Below(20));
  give_up_after = absl::Minutes(2 + static_cast<int64_t>(random.Below(180)));
  interleave = Draw(random, 0.2);
  refuse = Draw(random, 0.1);
  lose_answer = Draw(random, 0.2);
  lose_request = Draw(random, 0.2);
  split = Draw(random, 0.2);
  late = Draw(random, 0.2);
  read_away = Draw(random, 0.05);
  store_before = Draw(random, 0.1);
  store_after = Draw(random, 0.1);
  key_away = Draw(random, 0.05);
  crash = Draw(random, 0.2);
  store_outage = Draw(random, 0.05);
  store_restore = Draw(random, 0.05);
  store_wipe = Draw(random, 0.03);
  clock_step = Draw(random, 0.02);
  directory = Draw(random, 0.05);
  retry = Draw(random, 0.6);
  refused = Draw(random, 0.2);
  unknown_arrived = Draw(random, 0.3);
  unknown_lost = Draw(random, 0.3);
  slow = Draw(random, 0.5);
  never = Draw(random, 0.2);
  dead_recipient = random.Chance(0.3);
  repeat = Draw(random, 0.4);
  other_content = Draw(random, 0.2);
  drill = Draw(random, 0.5);
}

std::string Options::Text() const {
  std::string text = absl::StrCat(
      "lost races ", lost_races == LostRaces::kWritten ? "written" : "not written", ", intake x",
      second_intake ? 2 : 1, ", notification x", second_notification ? 2 : 1, ", oncall x",
      second_oncall ? 2 : 1, dead_service.empty() ? "" : ", dead: ", dead_service, ", ", steps,
      " steps, give up after ", absl::FormatDuration(give_up_after));
  const std::pair<const char*, double> chances[] = {
      {"interleave", interleave},
      {"refuse", refuse},
      {"lose_answer", lose_answer},
      {"lose_request", lose_request},
      {"split", split},
      {"late", late},
      {"read_away", read_away},
      {"store_before", store_before},
      {"store_after", store_after},
      {"key_away", key_away},
      {"crash", crash},
      {"store_outage", store_outage},
      {"store_restore", store_restore},
      {"store_wipe", store_wipe},
      {"clock_step", clock_step},
      {"directory", directory},
      {"retry", retry},
      {"refused", refused},
      {"unknown_arrived", unknown_arrived},
      {"unknown_lost", unknown_lost},
      {"slow", slow},
      {"never", never},
      {"dead_recipient", dead_recipient ? 1 : 0},
      {"repeat", repeat},
      {"other_content", other_content},
      {"drill", drill},
  };
  for (const auto& [name, chance] : chances) {
    if (chance > 0) absl::StrAppend(&text, ", ", name, " ", chance);
  }
  return text;
}

void Findings::Add(const std::string& name, const std::string& what) {
  if (any()) return;
  checker = name;
  text = what;
}

void Counters::Add(const Counters& other) {
  for (const auto& [name, count] : other.counts_) counts_[name] += count;
}

std::string Counters::Missing() const {
  std::string missing;
  for (const char* name : kWanted) {
    if (!counts_.contains(name)) absl::StrAppend(&missing, missing.empty() ? "" : ", ", name);
  }
  return missing;
}

std::string Counters::Text() const {
  std::string text;
  for (const auto& [name, count] : counts_) absl::StrAppend(&text, "  ", name, ": ", count, "\n");
  return text;
}

}  // namespace porchlight::sim
