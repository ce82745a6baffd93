// What a service is: pure rules. They read no clock, no random source and do no I/O; the same state
// and input always give the same decision, so a decision can be made again after a lost race, and
// any reader folds the same log to the same state.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/record.pb.h"
#include "porchlight/v1/state.pb.h"

namespace porchlight {

// One thing to decide on.
struct Input {
  v1::InputKind kind = v1::INPUT_KIND_UNSPECIFIED;
  // Unique within the service; ids of what follows are derived from it.
  std::string input_id;
  std::string service;
  std::string aggregate_id;
  // Of a command or event: its own. Of a timer or delivery: youth, episode, exercise and
  // correlation only.
  v1::RecordHeader header;
  // Command or event; null otherwise. Owned by the processor.
  const google::protobuf::Message* payload = nullptr;
  // Timer that is due.
  std::string timer_id;
  // Delivery that was settled: delivered or dead.
  v1::DeliveryStatus delivery;
  // When it is decided.
  absl::Time now;
  // Since when the partition has been decided without a pause. What was due before that came due
  // while nobody looked; what was due later is only behind others.
  absl::Time deciding_since = absl::InfiniteFuture();

  // The id for the `n`th delivery of the decision on this input.
  std::string DeliveryIdFor(uint64_t n) const;
};

struct NewEvent {
  std::unique_ptr<google::protobuf::Message> payload;
  std::string episode_id;
  // Absent: as of the input.
  std::optional<absl::Time> occurred_at;
};

struct NewDelivery {
  std::string delivery_id;  // Input::DeliveryIdFor
  std::string episode_id;
  v1::Recipient recipient;
  absl::Time give_up_at;
  v1::Message message;
};

// What follows from an input. An empty one: nothing, and nothing is written (of a command: it must
// have a reply or a refusal).
struct Decision {
  std::vector<NewEvent> events;
  std::vector<v1::Timer> timers_set;
  std::vector<std::string> timers_removed;
  std::vector<NewDelivery> deliveries;
  // Pending ones of this aggregate that nobody needs any more. One that is under way may arrive all
  // the same.
  std::vector<std::string> deliveries_withdrawn;
  // Of a command, one of the two. The refusal's text goes to the caller: it says what was wrong and
  // what to do, without personal data.
  std::unique_ptr<google::protobuf::Message> reply;
  absl::Status refusal;
  // Where the input doesn't say (a person records a return) whether it is a drill, but the state
  // does.
  std::optional<bool> exercise;
  // Content hash of the policy pack that took part in it.
  std::string policy_hash;
};

// One event of an aggregate's past.
struct Event {
  const v1::RecordHeader& header;
  const google::protobuf::Message& payload;
};

// How old a watched command is when it is heard: long enough for its service to decide it, short
// enough for somebody to be woken in time.
inline constexpr absl::Duration kWatchAfter = absl::Seconds(30);

class Rules {
 public:
  virtual ~Rules() = default;
  // "intake"
  virtual absl::string_view service() const = 0;
  // Services whose events it hears.
  virtual std::vector<std::string> sources() const = 0;
  // Services whose commands it hears too, as events, once they are kWatchAfter old and all that
  // those services said until then was heard: so it can tell what nobody decided.
  virtual std::vector<std::string> watches() const { return {}; }
  // Of events and watched commands, the types (full protobuf names) that it decides on; others are
  // passed over.
  virtual bool Hears(absl::string_view type) const = 0;
  // Which aggregate decides a command or event of this header and payload.
  virtual std::string AggregateId(const v1::RecordHeader& header,
                                  const google::protobuf::Message& payload) const = 0;
  virtual std::unique_ptr<google::protobuf::Message> NewState() const = 0;
  virtual Decision Decide(const google::protobuf::Message& state, const Input& input,
                          const v1::Directory& directory) const = 0;
  // Must take every event that any version ever wrote.
  virtual void Evolve(google::protobuf::Message& state, const Event& event) const = 0;
  // Whether something is open: shown in lists by default.
  virtual bool Active(const google::protobuf::Message& state) const = 0;
};

// The payload as `T`, or null if it is of another type.
template <typename T>
const T* As(const google::protobuf::Message* payload) {
  return google::protobuf::DynamicCastToGenerated<T>(payload);
}

}  // namespace porchlight
