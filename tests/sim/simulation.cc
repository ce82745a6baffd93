#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sim/checks.h"
#include "tests/sim/duties.h"
#include "tests/support/store_contents.h"

namespace porchlight::sim {
namespace {

// Far more than any run needs: a run that takes more never comes to rest.
constexpr int kRoundsMax = 3000;
// A service that is dead after the other faults is so for twice this long.
constexpr absl::Duration kDeadFor = absl::Minutes(20);
// Then time goes on until the day's duties were due.
constexpr absl::Duration kWatched = absl::Hours(26);

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

Simulation::Simulation(uint64_t seed, RealParts real)
    : environment_(seed, std::move(real)),
      callers_(environment_),
      recipients_{MakeRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, false),
                  MakeRecipient("ncmec", v1::RECIPIENT_KIND_NCMEC, false),
                  MakeRecipient("parent", v1::RECIPIENT_KIND_PARENT, false),
                  MakeRecipient("drill-desk", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, true),
                  MakeRecipient("drill-ncmec", v1::RECIPIENT_KIND_NCMEC, true),
                  MakeRecipient("desk-for-both", v1::RECIPIENT_KIND_LAW_ENFORCEMENT, false)} {
  const Options& options = environment_.options;
  for (const v1::Recipient& recipient : recipients_) {
    if (environment_.random.Chance(0.7)) in_directory_.insert(recipient.recipient_id());
  }
  processes_.push_back(std::make_unique<Process>(environment_, "directory"));
  SetDirectory();
  if (options.dead_recipient)
    environment_.dead_recipient = environment_.random.Pick(recipients_).recipient_id();
  for (const char* service : kServices) {
    if (service != directory().service())
      processes_.push_back(std::make_unique<Process>(environment_, service));
  }
  for (const auto& [second, service] : {std::pair(options.second_intake, "intake"),
                                        std::pair(options.second_notification, "notification"),
                                        std::pair(options.second_oncall, "oncall")}) {
    if (second) processes_.push_back(std::make_unique<Process>(environment_, service));
  }
  environment_.meanwhile = [this] { Meanwhile(); };
}

void Simulation::AddPeople(v1::Directory& directory) const {
  for (const bool exercise : {false, true}) {
    for (const char* person : {"person-1", "person-2", "person-3"}) {
      v1::Recipient way = MakeRecipient(absl::StrCat(exercise ? "drill-" : "", "way-of-", person),
                                        v1::RECIPIENT_KIND_MANAGEMENT, exercise);
      way.set_person_id(person);
      *directory.add_recipients() = way;
    }
  }
  v1::Rota& rota = *directory.add_rotas();
  rota.set_role("supervisor");
  rota.set_time_zone("America/Chicago");
  for (const std::vector<std::string>& people :
       {std::vector<std::string>{"person-1", "person-2"}, {"person-3"}}) {
    v1::RotaLevel& level = *rota.add_levels();
    level.set_escalate_after_seconds(600);
    v1::RotaShift& shift = *level.add_shifts();
    for (const std::string& person : people) shift.add_person_ids(person);
    shift.set_starts_on("2026-01-05");
    shift.set_turn_days(1);
    shift.set_hand_off_minute(480);
  }
  v1::TeamRoster& roster = *directory.add_rosters();
  roster.set_roster_id("county");
  roster.set_answers_needed(1);
  roster.set_chase_after_minutes(600);
  for (const auto& [role, kind] : {std::pair("advocate", v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE),
                                   std::pair("health", v1::RECIPIENT_KIND_HEALTH_PROVIDER)}) {
    v1::TeamSeat& seat = *roster.add_seats();
    seat.set_role(role);
    seat.set_kind(kind);
    for (const bool exercise : {false, true}) {
      const std::string id = absl::StrCat(exercise ? "drill-" : "", role);
      *directory.add_recipients() = MakeRecipient(id, kind, exercise);
      seat.add_recipient_ids(id);
    }
  }
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
  AddPeople(*change.mutable_set());
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
    if (!process->busy() && process->started() == started && !IsDead(*process))
      able.push_back(process.get());
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
    if (process->started() && !IsDead(*process)) until = std::min(until, process->UntilDue());
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
        testing::SetContents(*store, PartitionsOf(service), snapshots_.at(service));
        environment_.counters.Count("store restored");
      } else {
        snapshots_[service] = testing::ContentsOf(*store, PartitionsOf(service));
      }
    }
    if (environment_.Fault(options.store_wipe)) {
      testing::SetContents(*store, PartitionsOf(service), {});
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
    if (process->started() && !IsDead(*process)) did = process->Step() || did;
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
    while (processes_.size() > std::size(kServices)) {
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
  healed_at_ = environment_.clock.Now();
  service_dead_ = !environment_.options.dead_service.empty();
  callers_.ReportOnceMore(process("intake"));
}

Process& Simulation::process(const std::string& service) {
  return **std::find_if(processes_.begin(), processes_.end(),
                        [&](const auto& process) { return process->service() == service; });
}

bool Simulation::IsDead(const Process& process) const {
  return service_dead_ && process.service() == environment_.options.dead_service;
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

void Simulation::GoOnUntil(absl::Time until) {
  for (int quiet = 0; !environment_.findings.any(); ++rounds_) {
    if (rounds_ > kRoundsMax) environment_.findings.Add("comes to rest", WhatIsLeft());
    quiet = Round() ? 0 : quiet + 1;
    if (quiet < 2) continue;
    const absl::Time now = environment_.clock.Now();
    const bool at_rest = now >= until && AtRest();
    if (now >= until && (service_dead_ || (at_rest && quiet > 4))) return;
    if (quiet == 2) callers_.AnswerPages(process("oncall"));
    // From then on, what is due much later needn't be waited for.
    const absl::Duration longest = now < until ? until - now
                                   : at_rest   ? absl::Milliseconds(1)
                                               : absl::Seconds(1);
    const absl::Duration due = std::min(UntilDue(), longest);
    environment_.clock.Advance(std::max(due, absl::Milliseconds(1)));
  }
}

Result Simulation::Run() {
  const auto ok = [&] { return !environment_.findings.any(); };
  for (int i = 0; i < environment_.options.steps && ok(); ++i) Act();
  if (ok()) Heal();
  GoOnUntil(healed_at_ + kDeadFor);
  if (ok()) callers_.EndLastReport(process("intake"), process("screening"));
  GoOnUntil(healed_at_ + 2 * kDeadFor);
  if (ok() && service_dead_) {
    environment_.truth.CatchUp();
    CheckNoticedDead(environment_, environment_.options.dead_service, healed_at_);
    healed_at_ = environment_.clock.Now();
  }
  service_dead_ = false;
  // Whoever was not answered calls again now, not at the end of the day.
  GoOnUntil(environment_.clock.Now());
  GoOnUntil(healed_at_ + kWatched);
  const absl::Time now = environment_.clock.Now();
  if (ok()) CheckAtRest(environment_, processes_, capture_.Lines());
  if (ok()) CheckTold(environment_, now);
  if (ok()) CheckDuties(environment_, healed_at_, now);
  if (ok()) CheckAlerts(environment_, now);
  environment_.meanwhile = nullptr;
  return {environment_.findings, environment_.counters, environment_.options.Text(),
          HashOfLog(environment_)};
}

Result Simulate(uint64_t seed, RealParts real) { return Simulation(seed, std::move(real)).Run(); }

}  // namespace porchlight::sim
