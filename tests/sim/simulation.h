// A whole system in one thread with one seed: first everything goes wrong that the seed drew, then
// faults end, and the system must come to rest with every promise kept.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/logger/logger.h"
#include "tests/sim/callers.h"
#include "tests/sim/environment.h"
#include "tests/sim/process.h"

namespace porchlight::sim {

struct Result {
  Findings findings;
  Counters counters;
  std::string options;
  std::string log_hash;  // of every record
};

class Simulation {
 public:
  explicit Simulation(uint64_t seed, RealParts real = {});
  Result Run();

 private:
  void Act();
  void Meanwhile();
  void StepProcess();
  void CallSomebody();
  void LetTimePass();
  void ChangeDirectory();
  // All recipients that are to be in it, and no others; waits until it is decided.
  void SetDirectory();
  // Those who are always in it: people on call, and a team.
  void AddPeople(v1::Directory& directory) const;
  void SettleDirectory();
  void DamageStores();
  void DeliverLate(Process& process);
  void Heal();
  // Rounds and time, until this time and then until nothing is left to do.
  void GoOnUntil(absl::Time until);
  // True when nothing is left to do.
  bool IsBehind(const Process& process) const;
  bool AtRest();
  std::string WhatIsLeft();
  bool Round();
  absl::Duration UntilDue() const;
  // Null: none that isn't busy.
  Process* PickProcess(bool started);
  Process& directory() { return *processes_.front(); }
  // The first of its processes.
  Process& process(const std::string& service);
  bool IsDead(const Process& process) const;

  Environment environment_;
  LogCapture capture_;
  std::vector<std::unique_ptr<Process>> processes_;
  Callers callers_;
  std::map<std::string, MemoryStore::Contents> snapshots_;  // by service
  std::vector<v1::Recipient> recipients_;
  std::set<std::string> in_directory_;
  bool nested_ = false;
  int rounds_ = 0;
  bool service_dead_ = false;
  absl::Time healed_at_;
};

Result Simulate(uint64_t seed, RealParts real = {});

}  // namespace porchlight::sim
