// One process of one service: a real Worker and a real edge on ports that fail, that are
// interrupted, and at which the process dies. A dead process loses its memory and nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "common/edge/commands.h"
#include "common/log/faulty_log.h"
#include "common/processor/worker.h"
#include "common/store/faulty_store.h"
#include "tests/sim/environment.h"

namespace porchlight::sim {

// Unwinds a process that died. Thrown only by its ports, caught only by Process.
struct Crash {};

enum class Port { kLogAppend, kLogRead, kLogEnd, kStore, kKeys, kChannel };

// Counts a process's port calls and ends it at the one that was drawn.
class Power {
 public:
  explicit Power(Environment& environment) : environment_(environment) {}
  void Reset() { dead_ = false, calls_left_ = 0; }
  void Arm(uint64_t calls) { calls_left_ = calls_left_ == 0 ? calls : calls_left_; }
  bool dead() const { return dead_; }
  // Throws Crash if the process is dead or dies now; otherwise something may happen meanwhile.
  void Call(Port port);
  // The same for places that can't be unwound: false if the process is dead or dies now.
  bool Alive(Port port);

 private:
  Environment& environment_;
  bool dead_ = false;
  uint64_t calls_left_ = 0;  // 0: not armed
};

// A clock that may be set wrongly.
class ProcessClock final : public Clock {
 public:
  explicit ProcessClock(const Clock& clock) : clock_(clock) {}
  absl::Time Now() const override { return clock_.Now() + skew; }
  absl::Duration Steady() const override { return clock_.Steady(); }
  absl::Duration skew;

 private:
  const Clock& clock_;
};

class Process {
 public:
  Process(Environment& environment, const std::string& service);
  ~Process();

  const std::string& service() const { return service_; }
  bool started() const { return started_; }
  // In the middle of a step or call: nothing else of it may run.
  bool busy() const { return busy_; }
  // How many times it has died or was stopped: what callers waited for in its memory is gone.
  int life() const { return life_; }

  void TryStart();
  // True if it did something.
  bool Step();
  void Stop();
  // Nothing, if it died meanwhile.
  void Submit(const Command& command, const google::protobuf::Message& payload,
              google::protobuf::Message& reply);

  Outcomes& outcomes() { return *outcomes_; }
  const Commands& commands() const { return *commands_; }
  const Worker& worker() const { return *worker_; }
  ProcessClock& clock() { return clock_; }
  FaultyLog& late_log() { return *faulty_log_; }
  absl::Duration UntilDue() const;

 private:
  template <typename Do>
  bool Guarded(const Do& what);
  void MakeWorker();

  Environment& environment_;
  const std::string service_;
  Power power_;
  ProcessClock clock_;
  // From the outside in: interruptions and death, then faults, then what is shared.
  std::unique_ptr<FaultyLog> faulty_log_;
  std::unique_ptr<Log> log_;
  std::unique_ptr<FaultyStore> faulty_store_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Keys> keys_;
  std::unique_ptr<Outcomes> outcomes_;
  std::unique_ptr<Commands> commands_;
  std::unique_ptr<Worker> worker_;
  bool started_ = false;
  bool busy_ = false;
  int life_ = 0;
};

}  // namespace porchlight::sim
