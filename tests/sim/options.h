// What a seed draws first: which faults there are in this run and how likely each is (swarm
// testing: a run with few kinds of faults reaches what a run with all of them never does), and how
// findings and coverage are told.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "common/log/memory_log.h"
#include "tests/sim/random.h"

namespace porchlight::sim {

struct Options {
  explicit Options(Random& random);
  // One line, for a run that found something.
  std::string Text() const;

  LostRaces lost_races = LostRaces::kNotWritten;
  bool second_intake = false;
  bool second_notification = false;
  bool second_oncall = false;
  // For some hours after all other faults are over, this service does nothing; empty: none.
  std::string dead_service;
  int steps = 0;
  int requests_max = 0;
  absl::Duration give_up_after;
  double interleave = 0;  // for each port call: another process goes on in the middle of it
  // For each append.
  double refuse = 0, lose_answer = 0, lose_request = 0, split = 0, late = 0;
  // For each call of a port.
  double read_away = 0, store_before = 0, store_after = 0, key_away = 0;
  // For each step of a process: it dies at one of its next port calls.
  double crash = 0;
  // For each action: these begin, end or happen.
  double store_outage = 0, store_restore = 0, store_wipe = 0, clock_step = 0, directory = 0;
  // For each attempt to send.
  double retry = 0, refused = 0, unknown_arrived = 0, unknown_lost = 0, slow = 0, never = 0;
  bool dead_recipient = false;
  // For each action of a caller.
  double repeat = 0, other_content = 0, drill = 0;
};

// The first thing that a checker found wrong; what follows from it isn't wanted.
struct Findings {
  std::string checker;
  std::string text;
  bool any() const { return !checker.empty(); }
  void Add(const std::string& name, const std::string& what);
};

// How often what the simulation is there to reach was reached. Those in `Wanted` must not be zero.
class Counters {
 public:
  void Count(const std::string& name) { ++counts_[name]; }
  void Add(const Counters& other);
  // Names of those that were never counted.
  std::string Missing() const;
  std::string Text() const;

 private:
  std::map<std::string, uint64_t> counts_;
};

}  // namespace porchlight::sim
