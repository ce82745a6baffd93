#include "common/processor/outcome_follower.h"

#include <utility>

#include "common/privacy/sealing.h"
#include "common/processor/rules.h"

namespace porchlight {

OutcomeFollower::OutcomeFollower(Log& log, Store& store, Keys& keys, Outcomes& outcomes,
                                 TopicPartition events)
    : log_(log), store_(store), keys_(keys), outcomes_(outcomes), events_(std::move(events)) {}

bool OutcomeFollower::Step() {
  trouble_ = absl::OkStatus();
  if (!reader_.has_value() && !Begin()) return false;
  const bool read = Read();
  return Tell() || read;
}

bool OutcomeFollower::Begin() {
  const absl::StatusOr<v1::Checkpoint> checkpoint = store_.Where(events_.partition);
  // From the log's start, where there is no store to say better.
  ChainTail tail;
  if (checkpoint.ok() && checkpoint->sequence() > 0)
    tail = {checkpoint->chain_hash(), checkpoint->sequence(), checkpoint->next_offset()};
  reader_.emplace(log_, events_, tail);
  return true;
}

bool OutcomeFollower::Read() {
  // Only a read that finds nothing asks outside; this is called all the time.
  const absl::StatusOr<int64_t> end = log_.End(events_);
  if (!end.ok()) {
    trouble_ = end.status();
    return false;
  }
  if (*end == reader_->tail().next_offset) return false;
  const absl::StatusOr<std::vector<Counted>> next = reader_->Next();
  if (!next.ok()) {
    trouble_ = next.status();
    // The store may have been of another log.
    if (absl::IsOutOfRange(trouble_)) reader_.reset();
    return false;
  }
  for (const Counted& counted : *next) {
    if (!counted.transition.has_outcome()) continue;
    const v1::Outcome& outcome = counted.transition.outcome();
    const absl::StatusOr<OpenedRecord> body = OpenRecord(keys_, outcome.body());
    if (!body.ok()) continue;  // the caller asks again with the same request id
    Heard heard{.sequence = counted.record.sequence(), .outcome = {}};
    heard.outcome.set_command_id(outcome.command_id());
    heard.outcome.set_code(outcome.code());
    heard.outcome.mutable_body()->CopyFrom(*body->payload);
    const std::string key =
        Outcomes::KeyOf(outcome.command_id(), heard.outcome.body().content_digest());
    if (outcomes_.Expected(key)) heard_.push_back(std::move(heard));
  }
  return !next->empty();
}

bool OutcomeFollower::Tell() {
  if (heard_.empty()) return false;
  const absl::StatusOr<v1::Checkpoint> checkpoint = store_.Where(events_.partition);
  bool told = false;
  while (!heard_.empty()) {
    if (checkpoint.ok() && checkpoint->sequence() < heard_.front().sequence) break;
    outcomes_.Tell(heard_.front().outcome);
    heard_.pop_front();
    told = true;
  }
  return told;
}

}  // namespace porchlight
