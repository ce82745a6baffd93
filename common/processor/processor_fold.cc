// How the processor comes to know what the log says: at the start, and after a lost race or answer.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/logger/logger.h"
#include "common/processor/processor.h"

namespace porchlight {
namespace {

// Where the log ends, if that is before `position`, which is known from elsewhere. End may not have
// heard yet of what another process appended; Read has.
absl::StatusOr<std::optional<int64_t>> EndBefore(Log& log, const TopicPartition& where,
                                                 int64_t position) {
  const absl::StatusOr<int64_t> end = log.End(where);
  if (!end.ok()) return end.status();
  if (position <= *end) return std::nullopt;
  const absl::Status read = log.Read(where, position, {.records_max = 1}).status();
  if (absl::IsOutOfRange(read)) return *end;
  if (!read.ok()) return read;
  return std::nullopt;
}

// FailedPrecondition: the store's last transition isn't where it says. Records of lost races may
// stand after it, as many as one read gives at most. A reader that begins elsewhere than where the
// chain stands would take all that follows for lost races.
absl::Status CheckIsOfThisLog(Log& log, const TopicPartition& events,
                              const v1::Checkpoint& checkpoint) {
  if (checkpoint.sequence() == 0) return absl::OkStatus();
  for (const int64_t back : {int64_t{1}, static_cast<int64_t>(kReadRecordsMax)}) {
    int64_t offset = std::max<int64_t>(0, checkpoint.next_offset() - back);
    while (offset < checkpoint.next_offset()) {
      const absl::StatusOr<std::vector<std::string>> read = log.Read(events, offset);
      if (!read.ok()) return read.status();
      if (read->empty()) break;
      v1::TransitionRecord record;
      for (const std::string& bytes : *read) {
        if (record.ParseFromString(bytes) && record.hash() == checkpoint.chain_hash())
          return absl::OkStatus();
      }
      offset += static_cast<int64_t>(read->size());
    }
  }
  return absl::FailedPreconditionError("the store is of another log");
}

}  // namespace

absl::Status Processor::Start() {
  view_ = std::make_unique<PartitionView>();
  aggregates_ = std::make_unique<Aggregates>(folder_, ports_.log, ports_.store, events_, *view_);
  absl::StatusOr<v1::Checkpoint> checkpoint = ports_.store.Visit(events_.partition, *view_);
  absl::Status folded = checkpoint.ok() ? CheckNotCutShort(*checkpoint) : checkpoint.status();
  if (absl::IsDataLoss(folded)) return folded;
  if (folded.ok()) folded = CheckIsOfThisLog(ports_.log, events_, *checkpoint);
  if (folded.ok()) folded = FoldFrom(*checkpoint);
  if (!folded.ok() && (!checkpoint.ok() || checkpoint->sequence() > 0)) {
    LogLine(LogLevel::kWarning, "the store can't be used; folding the log from its start",
            {{"topic", events_.topic}, {"partition", absl::StrCat(events_.partition)}});
    folded = FoldFrom({});
    if (folded.ok() && checkpoint.ok()) folded = ports_.store.Wipe(events_.partition);
  }
  if (!folded.ok()) return folded;
  sources_.clear();
  sources_.push_back({.where = {CommandsTopic(rules_.service()), events_.partition},
                      .chained = false,
                      .watched = false,
                      .at = {},
                      .written = {}});
  for (const std::string& service : rules_.sources()) {
    sources_.push_back({.where = {EventsTopic(service), events_.partition},
                        .chained = true,
                        .watched = false,
                        .at = {},
                        .written = {}});
  }
  for (const std::string& service : rules_.watches()) {
    sources_.push_back({.where = {CommandsTopic(service), events_.partition},
                        .chained = false,
                        .watched = true,
                        .at = {},
                        .written = {}});
  }
  for (Source& source : sources_) {
    source.at.set_topic(source.where.topic);
    source.at.set_partition(source.where.partition);
    if (source.chained) source.at.set_chain_hash(ZeroHash());
  }
  ResetSources();
  if (absl::Status whole = CheckSourcesNotCutShort(); !whole.ok()) return whole;
  started_ = true;
  return absl::OkStatus();
}

// Of commands too: what is appended below a position that was decided already would never be seen.
absl::Status Processor::CheckSourcesNotCutShort() const {
  for (const Source& source : sources_) {
    const absl::StatusOr<std::optional<int64_t>> end =
        EndBefore(ports_.log, source.where, source.at.next_offset());
    if (!end.ok()) return end.status();
    if (end->has_value()) {
      return absl::DataLossError(absl::StrCat(
          source.where.topic, "/", source.where.partition, " ends at ", **end, ", but ",
          rules_.service(), " has already decided on what stood up to ", source.at.next_offset(),
          ": the log was cut short. Restore it from a backup; nothing is decided until then."));
    }
  }
  return absl::OkStatus();
}

absl::Status Processor::FoldFrom(const v1::Checkpoint& checkpoint) {
  ChainTail tail;
  if (checkpoint.sequence() > 0) {
    tail = {checkpoint.chain_hash(), checkpoint.sequence(), checkpoint.next_offset()};
  } else {
    *view_ = PartitionView();
  }
  view_->Positions(checkpoint);
  reader_.emplace(ports_.log, events_, tail);
  while (true) {
    const absl::StatusOr<std::vector<Counted>> next = reader_->Next();
    if (!next.ok()) return next.status();
    if (next->empty()) break;
    for (const Counted& counted : *next) view_->Fold(counted);
  }
  return absl::OkStatus();
}

absl::Status Processor::CheckNotCutShort(const v1::Checkpoint& checkpoint) {
  const absl::StatusOr<std::optional<int64_t>> end =
      EndBefore(ports_.log, events_, checkpoint.next_offset());
  if (!end.ok()) return end.status();
  if (!end->has_value()) return absl::OkStatus();
  return absl::DataLossError(absl::StrCat(
      events_.topic, "/", events_.partition, " ends at ", **end,
      ", but the store has already seen what stood up to ", checkpoint.next_offset(),
      ": the log was cut short, or the store is of another one. Restore the log from a backup. "
      "Only if you are sure that the log is whole, delete the store's files: they are made "
      "again."));
}

// Sources go on from where the partition's transitions left them; what was only passed over since
// needn't be read again.
void Processor::ResetSources() {
  for (Source& source : sources_) {
    const std::optional<v1::Position> known = view_->PositionOf(source.where);
    if (!known.has_value()) continue;
    source.written = *known;
    if (IsAhead(*known, source.at)) source.at = *known;
  }
}

// Folds what others, or an append of ours whose answer was lost, put into the log.
bool Processor::Refold() {
  while (true) {
    const absl::StatusOr<std::vector<Counted>> next = reader_->Next();
    if (!next.ok()) return Trouble(next.status());
    if (next->empty()) break;
    for (const Counted& counted : *next) {
      view_->Fold(counted);
      const std::string& aggregate_id = counted.transition.aggregate_id();
      aggregates_->Forget(aggregate_id);
      DropRecorded(counted.transition);
      if (!counted.transition.has_outcome()) continue;
      const absl::StatusOr<AggregatePointer> aggregate = aggregates_->Load(aggregate_id);
      if (!aggregate.ok()) continue;  // the caller asks again with the same request id
      const auto* outcome = (*aggregate)->FindOutcome(counted.transition.outcome().command_id());
      if (outcome != nullptr) to_tell_.push_back(*outcome);
    }
  }
  ResetSources();
  must_refold_ = false;
  return true;
}

// An append whose answer was lost has recorded these attempts after all: each is recorded once.
void Processor::DropRecorded(const v1::Transition& transition) {
  for (const v1::DeliveryAttempt& attempt : transition.attempts()) {
    const auto found =
        std::find_if(answers_.begin(), answers_.end(), [&](const AttemptResult& result) {
          return result.delivery_id == attempt.delivery_id() &&
                 result.answer.answer == attempt.answer() &&
                 result.started_at == FromProto(attempt.started_at()) &&
                 result.answered_at == FromProto(attempt.answered_at());
        });
    if (found != answers_.end()) answers_.erase(found);
  }
}

}  // namespace porchlight
