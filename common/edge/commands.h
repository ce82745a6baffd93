// The way in: seals a command, appends it, and waits for what was decided. "Accepted" is never said
// before the command is durable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/keys/keys.h"
#include "common/log/log.h"
#include "common/processor/outcomes.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

struct Command {
  std::string request_id;       // not empty
  std::string youth_id;         // decides the partition
  std::string episode_id = {};  // may be empty
  std::optional<absl::Time> occurred_at = std::nullopt;
  absl::Time received_at = {};
  v1::Actor actor = {};
  bool exercise = false;
  absl::Duration longest_wait = absl::ZeroDuration();
};

// One command with what it says and where its answer goes; both outlive the call.
struct Submission {
  Command command;
  const google::protobuf::Message* payload = nullptr;
  google::protobuf::Message* reply = nullptr;
};

// Of one service. Thread-safe.
class Commands {
 public:
  // What was decided of a command long ago, as far as a store shows it. Where several processes
  // share the partitions, nobody else tells this one about a command that comes again.
  using Remembered = std::function<std::optional<v1::RememberedOutcome>(
      const v1::RecordHeader& header, const google::protobuf::Message& payload)>;

  // `remembered` may be null.
  Commands(absl::string_view service, Log& log, Keys& keys, Outcomes& outcomes,
           std::string agency_id, int32_t partitions, Remembered remembered = nullptr);

  // The id of a youth whom the agency has no id for yet: the same request gives the same.
  std::string YouthFor(absl::string_view request_id) const;

  // record_id of the command of this request. A request id counts within one youth.
  std::string IdOf(absl::string_view youth_id, absl::string_view request_id) const;

  // Fills `reply` with what was decided. A refusal by the rules is their own status. Unavailable:
  // the text says whether the command was accepted; in every case the same call may be made again
  // with the same request id.
  absl::Status Submit(const Command& command, const google::protobuf::Message& payload,
                      google::protobuf::Message& reply);
  // The same for many at once, in little more time than one takes. One status for each, in order;
  // each is accepted or not by itself. They wait no longer than the longest of them would.
  std::vector<absl::Status> SubmitAll(const std::vector<Submission>& submissions);

 private:
  // Accepted, and waited for.
  struct Sent;

  v1::RecordHeader HeaderFor(const Command& command) const;
  absl::StatusOr<AppendRequest> RequestFor(const Submission& submission, Sent& sent);
  absl::Status AnswerOf(const Submission& submission, const Sent& sent,
                        const AppendResult& appended, absl::Duration longest_wait);

  const std::string service_;
  Log& log_;
  Keys& keys_;
  Outcomes& outcomes_;
  const std::string agency_id_;
  const int32_t partitions_;
  const Remembered remembered_;
};

}  // namespace porchlight
