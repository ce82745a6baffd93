// All services in one thread, on memory, by a clock that only moves when it is told to: what drills
// and scenarios are played on. Nothing here leaves the process, whatever the directory says.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/channel/memory_channel.h"
#include "common/edge/commands.h"
#include "common/edge/states.h"
#include "common/keys/memory_keys.h"
#include "common/log/memory_log.h"
#include "common/processor/worker.h"
#include "common/store/memory_store.h"

namespace porchlight {

class Stage {
 public:
  Stage(std::string agency_id, absl::Time begins, LostRaces lost_races, uint64_t seed);

  // Before the first command. `rules` outlives the stage. A service with a channel of its own is
  // given by that channel's name; others share one.
  void Add(const Rules& rules, int32_t partitions, const std::string& channel = "messages");
  // As after a crash: workers are gone and made again; log, keys and stores are what they were.
  void Restart();
  // A service that is left out stands still, as if it were dead.
  void LeaveOut(const std::string& service, bool left_out);

  // Appends the command and steps until everything is quiet. The outcome, or Unavailable where the
  // service stands still.
  absl::Status Submit(const std::string& service, Command command,
                      const google::protobuf::Message& payload, google::protobuf::Message& reply);
  // Steps until nothing is left to do now.
  void Settle();
  // Lets time pass, timer by timer.
  void Advance(absl::Duration by);

  const std::string& agency_id() const { return agency_id_; }
  Worker& worker(const std::string& service) { return *part(service).worker; }
  MemoryStore& store(const std::string& service) { return part(service).store; }
  States states(const std::string& service);
  MemoryChannel& channel(const std::string& name = "messages") { return *channels_.at(name); }
  // False: it never came to rest.
  bool rests() const { return rests_; }

  ManualClock clock;
  MemoryLog log;
  MemoryKeys keys;

 private:
  struct Part {
    const Rules* rules = nullptr;
    int32_t partitions = 0;
    std::string channel;
    MemoryStore store;
    std::unique_ptr<Outcomes> outcomes;
    std::unique_ptr<Worker> worker;
    bool left_out = false;
  };
  Part& part(const std::string& service) { return *parts_.at(service); }
  void Start(Part& part);

  const std::string agency_id_;
  std::map<std::string, std::shared_ptr<MemoryChannel>> channels_;
  // In the order in which they were added.
  std::vector<std::string> order_;
  std::map<std::string, std::unique_ptr<Part>> parts_;
  bool rests_ = true;
};

}  // namespace porchlight
