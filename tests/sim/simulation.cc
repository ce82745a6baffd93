#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/checks.h"

namespace porchlight::sim {
namespace {

// Far more than any run needs: a run that takes more never comes to rest.
constexpr int kRoundsMax = 5000;

v1::Recipient MakeRecipient(const std::string& id, v1::RecipientKind kind, bool exercise_only) {
  v1::Recipient recipient;
  recipient.set_recipient_id(id);
  recipient.set_kind(kind);
  recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
  recipient.set_address(absl::StrCat(kMarker, "-", id));
  recipient.set_display_name(absl::StrCat(kMarker, " at ", id));
  recipient.set_exercise_only(exercise_only);
  return recipient;
}

}  // namespace

Simulation::Simulation(uint64_t seed)
    : environment_(seed),
      callers_(environment_),
      recipients_{MakeRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, false),
                  MakeRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC, false),
                  MakeRecipient("parent", v1::RECIPIENT_KIND_PARENT, false),
                  MakeRecipient("drill-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, true),
                  MakeRecipient("drill-ncmec", v1::RECIPIENT_KIND_NCMEC, true),
                  MakeRecipient("desk-for-both", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, false)} {
  const Options& options = environment_.options;
  for (const char* service : {"directory", "intake", "notification"}) environment_.stores[service];
  for (const v1::Recipient& recipient : recipients_) {
    if (environment_.random.Chance(0.7)) in_directory_.insert(recipient.recipient_id());
  }
  processes_.push_back(std::make_unique<Process>(environment_, "directory"));
  SetDirectory();
  if (options.dead_recipient)
    environment_.dead_recipient = environment_.random.Pick(recipients_).recipient_id();
  processes_.push_back(std::make_unique<Process>(environment_, "intake"));
  processes_.push_back(std::make_unique<Process>(environment_, "notification"));
  if (options.second_intake)
    processes_.push_back(std::make_unique<Process>(environment_, "intake"));
  if (options.second_notification)
    processes_.push_back(std::make_unique<Process>(environment_, "notification"));
  environment_.meanwhile = [this] { Meanwhile(); };
}

// Turns one recipient on or off, or the desk for both from live to drills or back.
void Simulation::ChangeDirectory() {
  if (directory().busy() || !directory().started()) return;
  v1::Recipient& recipient = environment_.random.Pick(recipients_);
  const std::string& id = recipient.recipient_id();
  v1::ChangeDirectoryRequest change;
  if (id == "desk-for-both" && in_directory_.contains(id)) {
    recipient.set_exercise_only(!recipient.exercise_only());
    *change.mutable_set()->add_recipients() = recipient;
  } else if (in_directory_.erase(id) > 0) {
    change.add_recipients_removed(id);
  } else {
    in_directory_.insert(id);
    *change.mutable_set()->add_recipients() = recipient;
  }
  callers_.ChangeDirectory(directory(), change);
}

void Simulation::SetDirectory() {
  const bool faults = std::exchange(environment_.faults, false);
  // A change of before that is decided only later would undo it.
  SettleDirectory();
  v1::ChangeDirectoryRequest change;
  for (const v1::Recipient& recipient : recipients_) {
    if (in_directory_.contains(recipient.recipient_id())) {
      *change.mutable_set()->add_recipients() = recipient;
    } else {
      change.add_recipients_removed(recipient.recipient_id());
    }
  }
  callers_.ChangeDirectory(directory(), change);
  SettleDirectory();
  environment_.faults = faults;
}

void Simulation::SettleDirectory() {
  const auto ok = [&] { return !environment_.findings.any(); };
  while (!directory().started() && ok()) directory().TryStart();
  for (int rounds = 0; callers_.WaitsFor("directory") && ok(); ++rounds) {
    if (rounds > kRoundsMax) environment_.findings.Add("directory", "a change is never decided");
    if (!directory().Step()) {
      environment_.clock.Advance(absl::Milliseconds(100));
      callers_.RepeatUntold(directory());
    }
    callers_.Look();
  }
}

Process* Simulation::PickProcess(bool started) {
  std::vector<Process*> able;
  for (const auto& process : processes_) {
    if (!process->busy() && process->started() == started) able.push_back(process.get());
  }
  return able.empty() ? nullptr : environment_.random.Pick(able);
}

// Something else happens in the middle of a process's step: mostly, another process goes on.
void Simulation::Meanwhile() {
  if (nested_ || !environment_.random.Chance(environment_.options.interleave)) return;
  nested_ = true;
  environment_.counters.Count("interleaved");
  switch (environment_.random.Below(10)) {
    case 0:
      if (environment_.faults) DamageStores();
      break;
    case 1:
      DeliverLate(*environment_.random.Pick(processes_));
      break;
    case 2:
      if (environment_.faults && environment_.Fault(environment_.options.directory))
        ChangeDirectory();
      break;
    case 3:
      if (environment_.faults) CallSomebody();
      break;
    default:
      StepProcess();
  }
  nested_ = false;
}

void Simulation::StepProcess() {
  Process* stopped = environment_.random.Chance(0.2) ? PickProcess(false) : nullptr;
  if (stopped != nullptr) {
    stopped->TryStart();
  } else if (Process* process = PickProcess(true)) {
    process->Step();
  }
}

void Simulation::CallSomebody() {
  if (Process* process = PickProcess(true)) callers_.Call(*process);
}

void Simulation::DeliverLate(Process& process) {
  const auto counted = [this] {
    environment_.truth.CatchUp();
    uint64_t all = 0;
    for (const auto& [where, chain] : environment_.truth.chains()) all += chain.sequence;
    return all;
  };
  const uint64_t before = counted();
  process.late_log().DeliverLate();
  if (counted() > before) environment_.counters.Count("late record counted");
}

absl::Duration Simulation::UntilDue() const {
  absl::Duration until = environment_.channel.next_step() - environment_.clock.Now();
  for (const auto& process : processes_) {
    if (process->started()) until = std::min(until, process->UntilDue());
  }
  return until;
}

void Simulation::LetTimePass() {
  Random& random = environment_.random;
  const absl::Duration bit = absl::Milliseconds(static_cast<int64_t>(1 + random.Below(3000)));
  const absl::Duration due = std::max(UntilDue(), absl::Milliseconds(1));
  environment_.clock.Advance(random.Chance(0.5) ? std::min(due, absl::Hours(1)) : bit);
}

void Simulation::DamageStores() {
  const Options& options = environment_.options;
  for (auto& [service, store] : environment_.stores) {
    if (environment_.Fault(options.store_outage)) environment_.store_away[service] ^= true;
    if (environment_.Fault(options.store_restore)) {
      if (snapshots_.contains(service) && environment_.random.Chance(0.5)) {
        store.Restore(snapshots_.at(service));
        environment_.counters.Count("store restored");
      } else {
        snapshots_[service] = store.Snapshot();
      }
    }
    if (environment_.Fault(options.store_wipe)) {
      store.WipeAll();
      environment_.counters.Count("store wiped");
    }
  }
}

void Simulation::Act() {
  Random& random = environment_.random;
  const Options& options = environment_.options;
  DamageStores();
  if (environment_.Fault(options.directory)) ChangeDirectory();
  if (environment_.Fault(options.clock_step)) {
    const absl::Duration skews[] = {absl::Hours(1), -absl::Hours(1), absl::Seconds(7),
                                    absl::ZeroDuration()};
    random.Pick(processes_)->clock().skew = random.Pick(skews);
    environment_.counters.Count("clock step");
  }
  switch (random.Below(20)) {
    case 0:
    case 1:
    case 2:
      CallSomebody();
      break;
    case 3:
    case 4:
      callers_.Look();
      break;
    case 5:
      random.Pick(processes_)->late_log().DeliverLate();
      break;
    case 6:
    case 7:
      LetTimePass();
      break;
    case 8:
      environment_.channel.Step();
      break;
    case 9:
      if (random.Chance(options.crash)) random.Pick(processes_)->Stop();
      break;
    default:
      StepProcess();
  }
}

bool Simulation::Round() {
  environment_.channel.Step();
  bool did = false;
  for (const auto& process : processes_) {
    if (!process->started()) process->TryStart();
    if (process->started()) did = process->Step() || did;
  }
  callers_.Look();
  return did;
}

// Faults are over: late records arrive, clocks are right, desks answer, everybody is reachable.
void Simulation::Heal() {
  environment_.faults = false;
  environment_.store_away.clear();
  environment_.channel.ReleaseAll();
  for (const auto& process : processes_) {
    DeliverLate(*process);
    process->clock().skew = absl::ZeroDuration();
  }
  if (environment_.random.Chance(0.5)) {
    while (processes_.size() > 3) {
      callers_.Look();
      processes_.back()->Stop();
      callers_.Look();
      processes_.pop_back();
    }
  }
  for (const v1::Recipient& recipient : recipients_) in_directory_.insert(recipient.recipient_id());
  SetDirectory();
  for (const auto& process : processes_) {
    while (!process->started() && !environment_.findings.any()) process->TryStart();
  }
  callers_.ReportOnceMore(*processes_[1]);
}

// One that pauses, because an append was refused, reads on when the pause is over.
bool Simulation::IsBehind(const Process& process) const {
  for (int32_t partition = 0; partition < PartitionsOf(process.service()); ++partition) {
    const uint64_t newest = environment_.truth.chain(process.service(), partition).sequence;
    if (process.worker().processor(partition).tail().sequence != newest) return true;
  }
  return false;
}

bool Simulation::AtRest() {
  environment_.truth.CatchUp();
  if (!Unsettled(environment_).empty()) return false;
  for (const auto& process : processes_) {
    if (IsBehind(*process)) return false;
  }
  bool any = false;
  for (const auto& process : processes_) any = callers_.RepeatUntold(*process) || any;
  return !any;
}

std::string Simulation::WhatIsLeft() {
  std::string left = Unsettled(environment_);
  if (left.empty()) left = absl::StrCat("nobody heard what came of ", callers_.FirstUntold());
  for (const auto& process : processes_)
    absl::StrAppend(&left, "; ", process->service(), IsBehind(*process) ? " is behind" : "", ": ",
                    process->worker().trouble().ToString());
  return left;
}

Result Simulation::Run() {
  const auto ok = [&] { return !environment_.findings.any(); };
  for (int i = 0; i < environment_.options.steps && ok(); ++i) Act();
  if (ok()) Heal();
  int rounds = 0;
  for (int quiet = 0; ok(); ++rounds) {
    if (rounds > kRoundsMax) environment_.findings.Add("comes to rest", WhatIsLeft());
    quiet = Round() ? 0 : quiet + 1;
    if (quiet < 2) continue;
    if (AtRest() && quiet > 4) break;
    const absl::Duration due = UntilDue();
    environment_.clock.Advance(
        due == absl::InfiniteDuration() ? absl::Seconds(1) : std::max(due, absl::Milliseconds(1)));
  }
  if (ok()) CheckAtRest(environment_, processes_, capture_.Lines());
  environment_.meanwhile = nullptr;
  return {environment_.findings, environment_.counters, environment_.options.Text(),
          HashOfLog(environment_)};
}

Result Simulate(uint64_t seed) { return Simulation(seed).Run(); }

}  // namespace porchlight::sim
