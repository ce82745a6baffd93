#include "common/processor/processor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/log/append_rules.h"
#include "common/logger/logger.h"
#include "common/privacy/sealing.h"

namespace porchlight {
namespace {

// Inputs of one kind or source in one batch, so that none crowds out the others.
constexpr size_t kInputsOfOneKindMax = kBatchInputsMax / 4;
constexpr absl::Duration kPauseAfterRefusal = absl::Seconds(1);
// A worker that has nothing to do looks every second.
constexpr absl::Duration kPauseNoticed = absl::Seconds(5);
// A watched command is heard again after this long where some port was away.
constexpr absl::Duration kWatchAgainAfter = absl::Seconds(1);

// Neither destroyed nor damaged: it may be readable later, when a port, a key file or a newer
// version is back.
bool IsAway(const absl::Status& status) {
  return !absl::IsFailedPrecondition(status) && !absl::IsDataLoss(status);
}

// Commands from `at` on. Those that retention has removed can't be had again, and those after them
// must not wait for ever: that is said, and `at` moves on. A repeated command leaves no transition,
// so that they needn't be lost; it is said again at each start until a later one is decided.
absl::StatusOr<std::vector<std::string>> ReadCommands(Log& log, absl::string_view service,
                                                      const TopicPartition& where,
                                                      v1::Position& at) {
  constexpr ReadLimits kLimits = {.records_max = kInputsOfOneKindMax};
  absl::StatusOr<std::vector<std::string>> read = log.Read(where, at.next_offset(), kLimits);
  const std::optional<int64_t> start = StartOfWhatIsLeft(read.status());
  if (!start.has_value() || *start <= at.next_offset()) return read;
  LogLine(LogLevel::kError,
          "commands were removed by their topic's retention, and no transition shows that they "
          "were decided: they were repetitions, or they are lost. Look for alerts of reports that "
          "nobody decided, and ask who may have reported then",
          {{"service", std::string(service)},
           {"topic", where.topic},
           {"partition", absl::StrCat(where.partition)},
           {"from_offset", absl::StrCat(at.next_offset())},
           {"to_offset", absl::StrCat(*start)}});
  at.set_next_offset(*start);
  return log.Read(where, *start, kLimits);
}

}  // namespace

bool IsAhead(const v1::Position& a, const v1::Position& b) {
  return std::pair(a.next_offset(), a.next_event()) > std::pair(b.next_offset(), b.next_event());
}

std::string Input::DeliveryIdFor(uint64_t n) const {
  return DeliveryId(aggregate_id, absl::StrCat(service, "/", input_id), n);
}

Processor::Processor(const Rules& rules, ProcessorPorts ports, std::string agency_id,
                     int32_t partition)
    : rules_(rules),
      ports_(ports),
      agency_id_(std::move(agency_id)),
      events_{EventsTopic(rules.service()), partition},
      folder_(rules, ports.keys),
      view_(std::make_unique<PartitionView>()),
      projector_(folder_, ports.log, ports.store, events_) {}

bool Processor::Trouble(const absl::Status& status) {
  trouble_ = status;
  return false;
}

// Most partitions, most of the time: asked often, so it makes no copy of anything.
bool Processor::NothingCame(int64_t end) const {
  if (must_refold_ || end != reader_->tail().next_offset || !answers_.empty()) return false;
  // One that is too young is waited for. It would be so for longer than that where the clock has
  // been set back.
  const bool watch_waits = watch_at_ > now_ && watch_at_ <= now_ + kWatchAfter;
  for (const Source& source : sources_) {
    const absl::StatusOr<int64_t> source_end = ports_.log.End(source.where);
    if (!source_end.ok()) return false;
    if (*source_end > source.at.next_offset() && !(source.watched && watch_waits)) return false;
  }
  return std::min(view_->NextDue(), watch_at_) > now_;
}

std::optional<AppendRequest> Processor::Decide() {
  trouble_ = absl::OkStatus();
  if (ports_.clock.Steady() < resume_at_) return std::nullopt;
  const absl::StatusOr<int64_t> end = ports_.log.End(events_);
  if (!end.ok()) {
    Trouble(end.status());
    return std::nullopt;
  }
  now_ = ports_.clock.Now();
  if (now_ - decided_at_ > kPauseNoticed) deciding_since_ = now_;
  if (NothingCame(*end)) {
    decided_at_ = now_;
    return std::nullopt;
  }
  if (*end > reader_->tail().next_offset) must_refold_ = true;
  if (must_refold_ && !Refold()) return std::nullopt;

  batch_.emplace();
  batch_->tail = reader_->tail();
  batch_->sources = sources_;
  DecideAnswers();
  DecideExpired();
  DecideTimers();
  watch_at_ = absl::InfiniteFuture();
  for (Source& source : batch_->sources) {
    if (source.watched) continue;
    source.chained ? DecideEvents(source) : DecideCommands(source);
  }
  for (Source& source : batch_->sources) {
    if (source.watched) DecideWatched(source);
  }

  if (batch_->transitions.empty()) {
    Complete({.outcome = AppendOutcome::kAccepted,
              .first_offset = reader_->tail().next_offset,
              .reason = {}});
    return std::nullopt;
  }
  AppendRequest request{
      .where = events_, .records = {}, .expected_end = reader_->tail().next_offset};
  for (const Counted& counted : batch_->transitions)
    request.records.push_back(counted.record.SerializeAsString());
  return request;
}

void Processor::Complete(const AppendResult& result) {
  Batch batch = *std::move(batch_);
  batch_.reset();
  if (result.outcome == AppendOutcome::kAccepted &&
      result.first_offset == reader_->tail().next_offset) {
    decided_at_ = now_;
    for (const Counted& counted : batch.transitions) {
      view_->Fold(counted);
      for (const v1::DeliveryAttempt& attempt : counted.transition.attempts()) {
        if (attempt.answer() == v1::DELIVERY_ANSWER_WITHDRAWN)
          ports_.dispatcher.Withdraw(attempt.delivery_id());
      }
    }
    for (auto& [id, aggregate] : batch.aggregates) aggregates_->Put(id, std::move(aggregate));
    transitions_ += batch.transitions.size();
    if (!batch.transitions.empty()) {
      const ChainTail before = reader_->tail();
      reader_->Follow(batch.transitions.back().record,
                      static_cast<int64_t>(batch.transitions.size()));
      projector_.Follow(before, std::move(batch.transitions), reader_->tail());
    }
    sources_ = std::move(batch.sources);
    answers_.erase(answers_.begin(), answers_.begin() + static_cast<int64_t>(batch.answers_taken));
    for (v1::RememberedOutcome& outcome : batch.outcomes) to_tell_.push_back(std::move(outcome));
    return;
  }
  must_refold_ = true;
  if (result.outcome == AppendOutcome::kLostRace) ++lost_races_;
  if (result.outcome == AppendOutcome::kRefused) {
    Trouble(result.reason);
    resume_at_ = ports_.clock.Steady() + kPauseAfterRefusal;
  }
}

void Processor::DecideAnswers() {
  while (batch_->answers_taken < std::min(answers_.size(), kInputsOfOneKindMax)) {
    const AttemptResult& result = answers_[batch_->answers_taken];
    const std::string aggregate_id(AggregateOfDelivery(result.delivery_id));
    const absl::StatusOr<std::shared_ptr<Aggregate>> aggregate = Working(aggregate_id);
    if (!aggregate.ok()) {
      Trouble(aggregate.status());
      return;
    }
    const v1::DeliveryStatus* status = (*aggregate)->FindDelivery(result.delivery_id);
    if (status != nullptr && status->state() == v1::DELIVERY_STATE_PENDING) {
      Item item;
      item.attempt = DecideAttempt(*status, result);
      const absl::StatusOr<Key> key = ports_.keys.GetOrCreate(KeyName(YouthOf(aggregate_id)));
      if (!key.ok() && IsAway(key.status())) {
        Trouble(key.status());
        return;
      }
      if (key.ok()) {
        v1::ChannelReply reply;
        reply.set_text(result.answer.text);
        reply.set_address(result.address);
        v1::RecordHeader header;
        header.set_record_id(DeriveId("reply", result.delivery_id, item.attempt->attempt()));
        header.set_agency_id(agency_id_);
        header.set_youth_id(std::string(YouthOf(aggregate_id)));
        *item.attempt->mutable_reply() = MakeRecord(*key, header, reply);
      }
      item.input.delivery = *status;
      item.input.aggregate_id = aggregate_id;
      if (!DecideOn(std::move(item), *aggregate)) return;
    } else {
      view_->TakeBack(result.delivery_id);  // settled by another attempt
    }
    ++batch_->answers_taken;
  }
}

void Processor::DecideExpired() {
  for (const v1::DeliveryStatus& known : view_->Expired(now_, kInputsOfOneKindMax)) {
    const bool answered = std::any_of(
        answers_.begin(), answers_.end(),
        [&](const AttemptResult& result) { return result.delivery_id == known.delivery_id(); });
    if (ports_.dispatcher.Withdraw(known.delivery_id())) view_->TakeBack(known.delivery_id());
    if (answered || view_->IsOffered(known.delivery_id())) {
      view_->AwaitAnswer(known.delivery_id());
      continue;
    }
    Item item;
    item.attempt = DecideExpiry(known, now_);
    item.input.delivery = known;
    item.input.aggregate_id = known.aggregate_id();
    if (!DecideOne(std::move(item))) return;
  }
}

// What this batch decided may have set the timer to another time, or taken it away.
bool Processor::MovedInBatch(const PartitionView::DueTimer& due) const {
  if (!batch_->aggregates.contains(due.aggregate_id)) return false;
  return std::any_of(
      batch_->transitions.begin(), batch_->transitions.end(), [&](const Counted& counted) {
        const v1::Transition& transition = counted.transition;
        if (transition.aggregate_id() != due.aggregate_id) return false;
        const auto& removed = transition.timers_removed();
        return std::find(removed.begin(), removed.end(), due.timer.timer_id()) != removed.end() ||
               std::any_of(transition.timers_set().begin(), transition.timers_set().end(),
                           [&](const v1::Timer& timer) {
                             return timer.timer_id() == due.timer.timer_id();
                           });
      });
}

void Processor::DecideTimers() {
  for (const PartitionView::DueTimer& due : view_->DueTimers(now_, kInputsOfOneKindMax)) {
    if (MovedInBatch(due)) continue;
    Item item;
    item.timer_fired = due.timer.timer_id();
    item.input.kind = v1::INPUT_KIND_TIMER;
    item.input.aggregate_id = due.aggregate_id;
    item.input.timer_id = due.timer.timer_id();
    item.input.header.set_episode_id(due.timer.episode_id());
    item.input.header.set_exercise(due.timer.exercise());
    item.input.header.set_correlation_id(due.timer.correlation_id());
    item.input.header.set_youth_id(std::string(YouthOf(due.aggregate_id)));
    if (!DecideOne(std::move(item))) return;
  }
}

void Processor::DecideCommands(Source& source) {
  const absl::StatusOr<int64_t> end = ports_.log.End(source.where);
  if (end.ok() && *end <= source.at.next_offset()) return;
  const absl::StatusOr<std::vector<std::string>> read =
      ReadCommands(ports_.log, rules_.service(), source.where, source.at);
  if (!read.ok()) {
    Trouble(read.status());
    return;
  }
  for (const std::string& bytes : *read) {
    const v1::Position before = source.at;
    source.at.set_next_offset(before.next_offset() + 1);
    v1::Record record;
    const bool parsed = record.ParseFromString(bytes);
    absl::StatusOr<v1::RecordHeader> header =
        parsed ? ReadHeader(record) : absl::DataLossError("not a record");
    if (!header.ok()) {
      LogLine(
          LogLevel::kError,
          "a command can't be read and is passed over; run `porchlight evidence verify --data DIR`",
          {{"topic", source.where.topic}, {"offset", absl::StrCat(before.next_offset())}});
      continue;
    }
    absl::StatusOr<OpenedRecord> opened = OpenRecord(ports_.keys, record);
    Item item;
    if (opened.ok()) {
      item.input.payload = opened->payload.get();
      item.content_digest = ContentDigest(*item.input.payload);
      item.input.aggregate_id = rules_.AggregateId(*header, *opened->payload);
    } else if (IsAway(opened.status())) {
      source.at = before;
      Trouble(opened.status());
      return;
    } else {
      item.unreadable = opened.status();
      item.input.aggregate_id = header->youth_id();
    }
    item.input.kind = v1::INPUT_KIND_COMMAND;
    item.input.input_id = header->record_id();
    item.reference.set_digest(Sha256(bytes));
    item.reference.set_type(header->type());
    item.input.header = *std::move(header);
    if (!DecideOne(std::move(item))) {
      source.at = before;
      return;
    }
  }
}

void Processor::DecideEvents(Source& source) {
  const absl::StatusOr<int64_t> end = ports_.log.End(source.where);
  if (end.ok() && *end <= source.at.next_offset()) return;
  ChainReader reader(ports_.log, source.where,
                     {source.at.chain_hash(), source.at.chain_sequence(), source.at.next_offset()});
  const absl::StatusOr<std::vector<Counted>> next =
      reader.Next({.records_max = kInputsOfOneKindMax});
  if (!next.ok()) {
    Trouble(next.status());
    return;
  }
  for (const Counted& counted : *next) {
    // Records between that don't count are passed over.
    source.at.set_next_offset(counted.offset);
    for (int i = static_cast<int>(source.at.next_event()); i < counted.transition.events_size();
         ++i) {
      // Stands before the whole transition until its last event is decided.
      const v1::Position before = source.at;
      const bool last = i + 1 == counted.transition.events_size();
      source.at.set_next_event(last ? 0 : static_cast<uint32_t>(i + 1));
      if (last) {
        source.at.set_next_offset(counted.offset + 1);
        source.at.set_chain_hash(counted.record.hash());
        source.at.set_chain_sequence(counted.record.sequence());
      }
      if (!DecideSourceEvent(counted, i)) {
        source.at = before;
        return;
      }
    }
    source.at.set_next_event(0);
    source.at.set_next_offset(counted.offset + 1);
    source.at.set_chain_hash(counted.record.hash());
    source.at.set_chain_sequence(counted.record.sequence());
  }
  source.at.set_next_offset(reader.tail().next_offset);
}

bool Processor::DecideSourceEvent(const Counted& counted, int index) {
  const v1::Record& record = counted.transition.events(index);
  absl::StatusOr<v1::RecordHeader> header = ReadHeader(record);
  if (!header.ok() || !rules_.Hears(header->type())) return true;
  return DecideHeard(record, *std::move(header));
}

bool Processor::DecideHeard(const v1::Record& record, v1::RecordHeader header) {
  absl::StatusOr<OpenedRecord> opened = OpenRecord(ports_.keys, record);
  if (!opened.ok()) {
    if (IsAway(opened.status()) || absl::IsDataLoss(opened.status()))
      return Trouble(opened.status());
    return true;  // its key was destroyed: there is nobody left to act for
  }
  Item item;
  item.input.kind = v1::INPUT_KIND_EVENT;
  item.input.input_id = header.record_id();
  item.input.payload = opened->payload.get();
  item.input.aggregate_id = rules_.AggregateId(header, *opened->payload);
  item.reference.set_digest(Sha256(record.SerializeAsString()));
  item.reference.set_type(header.type());
  item.input.header = std::move(header);
  return DecideOne(std::move(item));
}

bool Processor::HeardAllEvents() const {
  return std::all_of(batch_->sources.begin(), batch_->sources.end(), [&](const Source& source) {
    if (!source.chained) return true;
    const absl::StatusOr<int64_t> end = ports_.log.End(source.where);
    return end.ok() && *end <= source.at.next_offset();
  });
}

// What is more than a second apart is told apart.
absl::Time Processor::SeenSince(Source& source, int64_t end, absl::Time now) {
  const int64_t next = source.at.next_offset();
  std::erase_if(source.seen, [&](const SeenUntil& seen) { return seen.end <= next; });
  for (SeenUntil& seen : source.seen) seen.at = std::min(seen.at, now);
  if (source.seen.empty() || source.seen.back().at + absl::Seconds(1) < now) {
    if (source.seen.empty() || source.seen.back().end < end) source.seen.push_back({end, now});
  } else {
    source.seen.back().end = std::max(source.seen.back().end, end);
  }
  return source.seen.front().at;
}

// Commands of another service, once they are old enough that it must have said what it decided:
// since they were received or, where the clock of whoever received them is ahead, since they were
// seen here.
void Processor::DecideWatched(Source& source) {
  const absl::StatusOr<int64_t> end = ports_.log.End(source.where);
  if (end.ok() && *end <= source.at.next_offset()) return;
  const absl::StatusOr<std::vector<std::string>> read =
      ReadCommands(ports_.log, rules_.service(), source.where, source.at);
  if (!read.ok()) {
    watch_at_ = now_ + kWatchAgainAfter;
    Trouble(read.status());
    return;
  }
  for (const std::string& bytes : *read) {
    v1::Record record;
    const bool parsed = record.ParseFromString(bytes);
    absl::StatusOr<v1::RecordHeader> header =
        parsed ? ReadHeader(record) : absl::DataLossError("not a record");
    const v1::Position before = source.at;
    const absl::Time seen_since = SeenSince(source, end.value_or(before.next_offset() + 1), now_);
    source.at.set_next_offset(before.next_offset() + 1);
    if (!header.ok()) continue;  // its own service says so
    const absl::Time old_enough =
        std::min(FromProto(header->received_at()), seen_since) + kWatchAfter;
    if (old_enough > now_ || !HeardAllEvents()) {
      source.at = before;
      watch_at_ = std::min(watch_at_, std::max(old_enough, now_ + kWatchAgainAfter));
      return;
    }
    if (!rules_.Hears(header->type())) continue;
    if (!DecideHeard(record, *std::move(header))) {
      source.at = before;
      watch_at_ = now_ + kWatchAgainAfter;
      return;
    }
  }
  if (end.ok() && *end > source.at.next_offset()) watch_at_ = now_;
}

absl::StatusOr<std::shared_ptr<Aggregate>> Processor::Working(const std::string& aggregate_id) {
  const auto found = batch_->aggregates.find(aggregate_id);
  if (found != batch_->aggregates.end())
    return std::make_shared<Aggregate>(folder_.Copy(*found->second));
  const absl::StatusOr<AggregatePointer> loaded = aggregates_->Load(aggregate_id);
  if (!loaded.ok()) return loaded.status();
  return std::make_shared<Aggregate>(folder_.Copy(**loaded));
}

bool Processor::DecideOne(Item item) {
  absl::StatusOr<std::shared_ptr<Aggregate>> aggregate = Working(item.input.aggregate_id);
  if (!aggregate.ok()) return Trouble(aggregate.status());
  return DecideOn(std::move(item), *std::move(aggregate));
}

bool Processor::DecideOn(Item item, std::shared_ptr<Aggregate> aggregate) {
  Input& input = item.input;
  input.service = std::string(rules_.service());
  input.now = now_;
  input.deciding_since = deciding_since_;
  if (input.kind == v1::INPUT_KIND_COMMAND) {
    if (auto outcome = aggregate->OutcomeFor(input.input_id, item.content_digest)) {
      batch_->outcomes.push_back(*std::move(outcome));
      return true;
    }
  } else if (item.attempt.has_value()) {
    input.kind = v1::INPUT_KIND_DELIVERY;
    input.input_id = absl::StrCat(item.attempt->delivery_id(), "/", item.attempt->attempt());
    // Given up, replayed and given up again, all without an attempt: that is twice.
    if (item.attempt->answer() == v1::DELIVERY_ANSWER_EXPIRED)
      absl::StrAppend(&input.input_id, "/expired@", aggregate->kept.aggregate_sequence() + 1);
    input.header.set_youth_id(std::string(YouthOf(input.aggregate_id)));
    input.header.set_episode_id(input.delivery.episode_id());
    input.header.set_exercise(input.delivery.exercise());
    input.header.set_correlation_id(input.delivery.correlation_id());
    FoldAttempt(input.delivery, *item.attempt);
  } else if (input.kind == v1::INPUT_KIND_TIMER) {
    input.input_id = absl::StrCat(input.aggregate_id, "/", input.timer_id, "@",
                                  aggregate->kept.aggregate_sequence() + 1);
  }
  Decision decision;
  const auto* replay = As<v1::ReplayDeadLetterRequest>(input.payload);
  if (replay != nullptr) {
    decision = DecideReplayRequest(item, *aggregate, *replay);
  } else if (!item.unreadable.ok()) {
    decision.refusal = absl::FailedPreconditionError(
        absl::IsFailedPrecondition(item.unreadable)
            ? "this youth's record was sealed, so nothing can be added to it; ask an administrator"
            : "the report was damaged where it is stored and can't be read; send it again with a "
              "new request id");
  } else if (input.kind != v1::INPUT_KIND_DELIVERY ||
             input.delivery.state() != v1::DELIVERY_STATE_PENDING) {
    decision = rules_.Decide(*aggregate->rules_state, input, ports_.reference.directory());
  }
  return Append(item, std::move(decision), std::move(aggregate));
}

}  // namespace porchlight
