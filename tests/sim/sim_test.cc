// The simulation as tests: fixed seeds, the same seed twice, and seeds from the environment.
//   SIM_SEED=n sim_tests      that seed alone
//   SIM_SEEDS=n sim_tests     n seeds from 1000 on; `make sim SEEDS=n`
//   SIM_FIRST=n               with SIM_SEEDS: from n on
// On real parts a seed takes as long as a hundred in memory.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "absl/strings/numbers.h"
#include "common/log/kafka_log.h"
#include "common/store/redis_store.h"
#include "tests/sim/simulation.h"
#include "tests/support/kafka_broker.h"
#include "tests/support/redis_process.h"

namespace porchlight::sim {
namespace {

constexpr uint64_t kSeedsOfOneTest = 250;
constexpr uint64_t kFirstFreeSeed = 1000;
constexpr uint64_t kSeedsOfAHunt = 1000;
constexpr uint64_t kSeedsOnRealParts = 2;

// Nothing is printed for a seed that holds.
bool Holds(uint64_t seed, Counters& counters) {
  const Result result = Simulate(seed);
  counters.Add(result.counters);
  if (!result.findings.any()) return true;
  ADD_FAILURE() << "SIM_SEED=" << seed << " (" << result.options << ")\n  "
                << result.findings.checker << ": " << result.findings.text;
  return false;
}

uint64_t FromEnvironment(const char* name) {
  const char* text = std::getenv(name);
  uint64_t number = 0;
  if (text != nullptr && !absl::SimpleAtoi(text, &number)) ADD_FAILURE() << name << " is no number";
  return number;
}

class Simulated : public ::testing::TestWithParam<uint64_t> {
 protected:
  void SetUp() override { InitLogger(LogLevel::kError); }
};

// Each half of the 500 seeds reaches everything that the simulation is there for.
TEST_P(Simulated, KeepsEveryPromiseAndReachesWhatItShould) {
  Counters counters;
  int failed = 0;
  for (uint64_t seed = GetParam(); seed < GetParam() + kSeedsOfOneTest && failed < 3; ++seed)
    failed += Holds(seed, counters) ? 0 : 1;
  if (failed == 0) {
    EXPECT_EQ(counters.Missing(), "") << counters.Text();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulated, ::testing::Values(0, 250));

TEST(Simulation, TheSameSeedWritesTheSameLog) {
  InitLogger(LogLevel::kError);
  for (const uint64_t seed : {1, 22, 333, 4444}) {
    const std::string first = Simulate(seed).log_hash;
    EXPECT_EQ(Simulate(seed).log_hash, first) << "seed " << seed;
    EXPECT_NE(Simulate(seed + 1).log_hash, first);
  }
}

TEST(Simulation, SeedsOfTheEnvironment) {
  InitLogger(LogLevel::kError);
  Counters counters;
  const uint64_t one = FromEnvironment("SIM_SEED");
  const uint64_t many = FromEnvironment("SIM_SEEDS");
  if (std::getenv("SIM_SEED") != nullptr) Holds(one, counters);
  const uint64_t first =
      std::getenv("SIM_FIRST") != nullptr ? FromEnvironment("SIM_FIRST") : kFirstFreeSeed;
  int failed = 0;
  for (uint64_t i = 0; i < many && failed < 5; ++i) {
    failed += Holds(first + i, counters) ? 0 : 1;
    if ((i + 1) % 1000 == 0) std::cerr << i + 1 << " seeds, " << failed << " failed\n";
  }
  if (many > 0) std::cerr << counters.Text();
}

// So that the ports in memory stay honest: the same on a Kafka broker and Redis.
TEST(SimulationOnRealParts, KeepsEveryPromise) {
  InitLogger(LogLevel::kError);
  const testing::KafkaBroker& broker = testing::KafkaBroker::Shared();
  ASSERT_TRUE(broker.status().ok()) << broker.status();
  const testing::RedisProcess redis;
  const SystemClock clock;
  const uint64_t asked = FromEnvironment("SIM_SEEDS");
  for (uint64_t seed = 0; seed < (asked > 0 ? asked : kSeedsOnRealParts); ++seed) {
    redis.Command({"FLUSHALL"});
    KafkaLogOptions options;
    options.client = broker.Client();
    absl::StatusOr<std::unique_ptr<KafkaLog>> log = KafkaLog::Open(options);
    ASSERT_TRUE(log.ok()) << log.status();
    RealParts real;
    real.log = std::make_unique<testing::FreshTopicsLog>(*std::move(log), broker.Client(),
                                                         testing::FreshPrefix());
    real.make_store = [&](const std::string& service) {
      RedisStoreOptions store;
      store.server.host = "127.0.0.1";
      store.server.port = redis.port();
      store.service = service;
      return std::make_unique<RedisStore>(std::move(store), clock);
    };
    const Result result = Simulate(seed, std::move(real));
    EXPECT_FALSE(result.findings.any()) << "seed " << seed << " (" << result.options << ")\n  "
                                        << result.findings.checker << ": " << result.findings.text;
  }
}

// Only for the binaries with a deliberate fault (mutants/): some checker must find it.
TEST(Mutant, DISABLED_IsFound) {
  InitLogger(LogLevel::kError);
  for (uint64_t seed = 0; seed < kSeedsOfAHunt; ++seed) {
    const Findings findings = Simulate(seed).findings;
    if (!findings.any()) continue;
    std::cerr << "found at seed " << seed << " by \"" << findings.checker << "\": " << findings.text
              << "\n";
    return;
  }
  FAIL() << "no checker finds this fault in " << kSeedsOfAHunt << " seeds";
}

}  // namespace
}  // namespace porchlight::sim
