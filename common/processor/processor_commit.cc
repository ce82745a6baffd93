// The rest of the processor: making a transition of what the rules decided, and its effects
// once it counts.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/delivery/delivery.h"
#include "common/logger/logger.h"
#include "common/photo/kept_photo.h"
#include "common/privacy/sealing.h"
#include "common/processor/processor.h"

namespace porchlight {
namespace {

constexpr absl::Duration kPauseAfterStoreTrouble = absl::Milliseconds(250);
// What nobody waits for comes into the store this often.
constexpr absl::Duration kProjectEvery = absl::Milliseconds(100);
// A store that was wiped or set back is noticed after this long, also where nothing is decided.
constexpr absl::Duration kAskStoreEvery = absl::Seconds(5);

}  // namespace

// Adds the decision's transition to the batch. What follows nothing and changes nothing isn't
// written.
bool Processor::Append(Item& item, Decision decision, std::shared_ptr<Aggregate> aggregate) {
  const Input& input = item.input;
  if (decision.exercise.has_value()) item.input.header.set_exercise(*decision.exercise);
  item.input.header.set_policy_hash(decision.policy_hash);
  const bool command = input.kind == v1::INPUT_KIND_COMMAND;
  if (decision.events.empty() && decision.timers_set.empty() && decision.timers_removed.empty() &&
      decision.deliveries.empty() && decision.deliveries_withdrawn.empty() && !command &&
      !item.attempt.has_value() && item.timer_fired.empty()) {
    return true;
  }
  const std::string youth_id(YouthOf(input.aggregate_id));
  std::string sealed_for = youth_id;
  absl::StatusOr<Key> key = ports_.keys.GetOrCreate(KeyName(youth_id));
  if (absl::IsFailedPrecondition(key.status())) {
    // The youth's record was sealed: the input is consumed, and nothing more is said of the youth.
    decision = {};
    decision.refusal = absl::FailedPreconditionError(
        "this youth's record was sealed, so nothing can be added to it");
    sealed_for.clear();
    key = ports_.keys.GetOrCreate(KeyName(sealed_for));
  }
  if (!key.ok()) return Trouble(key.status());

  Counted counted{.offset = batch_->tail.next_offset, .record = {}, .transition = {}};
  v1::Transition& transition = counted.transition;
  transition.set_service(std::string(rules_.service()));
  transition.set_agency_id(agency_id_);
  transition.set_aggregate_id(input.aggregate_id);
  transition.set_youth_id(youth_id);
  transition.set_aggregate_sequence(aggregate->kept.aggregate_sequence() + 1);
  transition.set_aggregate_previous_offset(aggregate->offset);
  transition.set_aggregate_previous_hash(aggregate->kept.last_hash());
  *transition.mutable_input() = item.reference;
  transition.mutable_input()->set_kind(input.kind);
  transition.mutable_input()->set_input_id(input.input_id);
  for (const Source& source : batch_->sources) {
    if (IsAhead(source.at, source.written)) *transition.add_positions() = source.at;
  }
  FillEvents(item, decision, *key, transition);
  for (v1::Timer& timer : decision.timers_set) *transition.add_timers_set() = std::move(timer);
  for (std::string& timer_id : decision.timers_removed)
    transition.add_timers_removed(std::move(timer_id));
  if (!item.timer_fired.empty()) transition.add_timers_removed(item.timer_fired);
  FillDeliveries(item, decision, *key, transition);
  if (item.attempt.has_value()) *transition.add_attempts() = *item.attempt;
  for (const std::string& delivery_id : decision.deliveries_withdrawn) {
    const v1::DeliveryStatus* status = aggregate->FindDelivery(delivery_id);
    if (status != nullptr && status->state() == v1::DELIVERY_STATE_PENDING)
      *transition.add_attempts() = DecideWithdrawal(*status, now_);
  }
  if (command) FillOutcome(item, decision, *key, sealed_for, transition);
  *transition.mutable_decided_at() = ToProto(now_);
  transition.set_reference_sequence(ports_.reference.sequence());

  if (absl::Status folded = folder_.Fold(*aggregate, counted); !folded.ok()) return Trouble(folded);
  // From here on nothing fails: a decision is in the batch as a whole, or has left no trace in it.
  for (Source& source : batch_->sources) {
    if (IsAhead(source.at, source.written)) source.written = source.at;
  }
  transition.set_active(rules_.Active(*aggregate->rules_state));
  aggregate->kept.set_active(transition.active());
  counted.record = SealLink(batch_->tail, transition);
  aggregate->kept.set_last_hash(counted.record.hash());
  batch_->tail = {counted.record.hash(), counted.record.sequence(), counted.offset + 1};
  if (command) batch_->outcomes.push_back(*aggregate->kept.outcomes().rbegin());
  batch_->transitions.push_back(std::move(counted));
  batch_->aggregates[input.aggregate_id] = std::move(aggregate);
  return true;
}

v1::RecordHeader Processor::HeaderFor(const Item& item) const {
  const v1::RecordHeader& from = item.input.header;
  v1::RecordHeader header;
  header.set_agency_id(agency_id_);
  header.set_youth_id(std::string(YouthOf(item.input.aggregate_id)));
  header.set_episode_id(from.episode_id());
  *header.mutable_occurred_at() = from.has_occurred_at() ? from.occurred_at() : ToProto(now_);
  *header.mutable_received_at() = from.has_received_at() ? from.received_at() : ToProto(now_);
  if (from.has_actor()) {
    *header.mutable_actor() = from.actor();
  } else {
    header.mutable_actor()->set_actor_id(std::string(rules_.service()));
    header.mutable_actor()->set_reached_by(v1::REACHED_BY_SYSTEM);
  }
  header.set_cause_id(item.input.input_id);
  header.set_correlation_id(from.correlation_id().empty() ? item.input.input_id
                                                          : from.correlation_id());
  header.set_schema_version(1);
  header.set_exercise(from.exercise());
  header.set_policy_hash(from.policy_hash());
  return header;
}

void Processor::FillEvents(const Item& item, Decision& decision, const Key& key,
                           v1::Transition& transition) const {
  uint64_t n = 0;
  for (NewEvent& event : decision.events) {
    v1::RecordHeader header = HeaderFor(item);
    header.set_record_id(
        DeriveId(absl::StrCat("event/", rules_.service()), item.input.input_id, n++));
    if (!event.episode_id.empty()) header.set_episode_id(event.episode_id);
    if (event.occurred_at.has_value()) *header.mutable_occurred_at() = ToProto(*event.occurred_at);
    *transition.add_events() = MakeRecord(key, std::move(header), *event.payload);
  }
}

void Processor::FillDeliveries(const Item& item, Decision& decision, const Key& key,
                               v1::Transition& transition) const {
  for (NewDelivery& made : decision.deliveries) {
    v1::Delivery& delivery = *transition.add_deliveries();
    delivery.set_delivery_id(made.delivery_id);
    delivery.set_episode_id(made.episode_id);
    delivery.set_recipient_id(made.recipient.recipient_id());
    delivery.set_recipient_kind(made.recipient.kind());
    delivery.set_channel(made.recipient.channel());
    *delivery.mutable_give_up_at() = ToProto(made.give_up_at);
    v1::RecordHeader header = HeaderFor(item);
    header.set_record_id(DeriveId("message", made.delivery_id));
    header.set_episode_id(made.episode_id);
    delivery.set_exercise(header.exercise());
    delivery.set_correlation_id(header.correlation_id());
    *delivery.mutable_message() = MakeRecord(key, std::move(header), made.message);
  }
}

// `key` is that of youth `sealed_for`; empty: the agency's, because the youth's was destroyed.
void Processor::FillOutcome(const Item& item, const Decision& decision, const Key& key,
                            const std::string& sealed_for, v1::Transition& transition) const {
  v1::OutcomeBody body;
  body.set_content_digest(item.content_digest);
  if (decision.reply != nullptr) {
    body.set_reply_type(decision.reply->GetTypeName());
    decision.reply->SerializeToString(body.mutable_reply());
  } else {
    const absl::Status refusal =
        decision.refusal.ok()
            ? absl::InternalError("this command isn't understood; nothing was changed")
            : decision.refusal;
    body.set_error(std::string(refusal.message()));
    transition.mutable_outcome()->set_code(static_cast<int>(refusal.code()));
  }
  transition.mutable_outcome()->set_command_id(item.input.input_id);
  v1::RecordHeader header = HeaderFor(item);
  header.set_record_id(DeriveId("outcome", item.input.input_id));
  header.set_youth_id(sealed_for);
  *transition.mutable_outcome()->mutable_body() = MakeRecord(key, std::move(header), body);
}

bool Processor::OfferDue() {
  if (must_refold_) return false;
  const std::vector<v1::DeliveryStatus> due = view_->OfferDue(ports_.clock.Now());
  for (const v1::DeliveryStatus& status : due) {
    absl::StatusOr<Outgoing> outgoing = MakeOutgoing(status);
    if (outgoing.ok()) {
      ports_.dispatcher.Offer(events_.partition, *std::move(outgoing));
      continue;
    }
    if (absl::IsUnavailable(outgoing.status()) || absl::IsNotFound(outgoing.status())) {
      Trouble(outgoing.status());
      view_->TakeBack(status.delivery_id());
      continue;
    }
    const absl::Time now = ports_.clock.Now();
    answers_.push_back({.partition = events_.partition,
                        .delivery_id = status.delivery_id(),
                        .started_at = now,
                        .answered_at = now,
                        .address = "",
                        .answer = {.answer = v1::DELIVERY_ANSWER_REFUSED,
                                   .code = 0,
                                   .text = std::string(outgoing.status().message()),
                                   .retry_after = absl::ZeroDuration()}});
  }
  return !due.empty();
}

// FailedPrecondition: it must not be sent. Whether a drill may reach this recipient is asked here,
// at the last gate before a channel.
absl::StatusOr<Outgoing> Processor::MakeOutgoing(const v1::DeliveryStatus& status) {
  const v1::Recipient* recipient = ports_.reference.Find(status.recipient_id());
  if (recipient == nullptr) {
    return absl::FailedPreconditionError(
        "this recipient is no longer in the directory; add it again, then `porchlight dead-letters "
        "replay`");
  }
  if (recipient->exercise_only() != status.exercise()) {
    return absl::FailedPreconditionError(
        status.exercise()
            ? "a drill's message is never sent to a recipient that isn't for drills only"
            : "this recipient is for drills only");
  }
  const absl::StatusOr<std::vector<std::string>> read =
      ports_.log.Read(events_, status.made_offset(), {.records_max = 1});
  if (!read.ok()) return absl::UnavailableError(read.status().message());
  v1::TransitionRecord record;
  v1::Transition transition;
  if (read->empty() || !record.ParseFromString(read->front()) ||
      !transition.ParseFromString(record.content()) ||
      transition.deliveries_size() <= static_cast<int>(status.made_index())) {
    return absl::UnavailableError("the transition that made a delivery can't be read");
  }
  const v1::Delivery& delivery = transition.deliveries(static_cast<int>(status.made_index()));
  absl::StatusOr<OpenedRecord> opened = OpenRecord(ports_.keys, delivery.message());
  if (absl::IsFailedPrecondition(opened.status())) {
    return absl::FailedPreconditionError(
        "this youth's record was sealed before the message was sent");
  }
  if (!opened.ok()) return absl::UnavailableError(opened.status().message());
  Outgoing outgoing{.delivery_id = status.delivery_id(),
                    .recipient = *recipient,
                    .message = {},
                    .exercise = status.exercise(),
                    .made_at = FromProto(status.made_at())};
  outgoing.message.CopyFrom(*opened->payload);
  FillPhotos(outgoing.message);
  return outgoing;
}

void Processor::FillPhotos(v1::Message& message) const {
  bool missing = false;
  for (v1::Attachment& attachment : *message.mutable_attachments()) {
    if (attachment.photo_id().empty()) continue;
    const absl::StatusOr<std::string> photo =
        ports_.blob == nullptr ? NoSuchBlob(attachment.photo_id())
                               : ReadPhoto(attachment.photo_id(), ports_.keys, *ports_.blob);
    missing = missing || !photo.ok();
    if (photo.ok()) attachment.set_content(*photo);
  }
  if (!missing) return;
  message.mutable_text()->append(
      "\nThe photo can't be read where it is kept, so it isn't beside this: please ask for it.\n");
  auto& attachments = *message.mutable_attachments();
  attachments.erase(std::remove_if(attachments.begin(), attachments.end(),
                                   [](const v1::Attachment& attachment) {
                                     return !attachment.photo_id().empty() &&
                                            attachment.content().empty();
                                   }),
                    attachments.end());
}

bool Processor::Project() {
  const absl::Duration steady = ports_.clock.Steady();
  if (steady < project_at_) return false;
  if (steady >= ask_store_at_) {
    projector_.AskStore();
    ask_store_at_ = steady + kAskStoreEvery;
  }
  // Callers hear of an outcome when it can be read too; nobody waits for the rest.
  if (to_tell_.empty() && steady < project_next_at_ && projector_.MayWait()) return false;
  project_next_at_ = steady + kProjectEvery;
  const absl::StatusOr<bool> moved = projector_.Step(aggregates_.get());
  if (moved.ok()) {
    store_trouble_ = absl::OkStatus();
    return *moved;
  }
  project_at_ = steady + kPauseAfterStoreTrouble;
  // Another owner of this partition may have brought the store further: that is no trouble.
  if (!absl::IsFailedPrecondition(moved.status()) && store_trouble_ != moved.status()) {
    LogLine(LogLevel::kWarning,
            "the store can't be brought up to date; decisions and notices go on without it",
            {{"topic", events_.topic},
             {"partition", absl::StrCat(events_.partition)},
             {"reason", std::string(moved.status().message())}});
    store_trouble_ = moved.status();
  }
  return false;
}

void Processor::TellOutcomes() {
  for (const v1::RememberedOutcome& outcome : to_tell_) ports_.outcomes.Tell(outcome);
  to_tell_.clear();
}

absl::Time Processor::NextDue() const {
  const absl::Time due = std::min(view_->NextDue(), watch_at_);
  if (ports_.clock.Steady() < resume_at_)
    return ports_.clock.Now() + (resume_at_ - ports_.clock.Steady());
  if (!projector_.MayWait()) return due;
  return std::min(due, ports_.clock.Now() + (project_next_at_ - ports_.clock.Steady()));
}

void Processor::AddCounts(Figures& figures) const {
  figures.transitions += transitions_;
  figures.lost_races += lost_races_;
}

void Processor::AddTo(Figures& figures) {
  const absl::Time now = ports_.clock.Now();
  AddCounts(figures);
  ++figures.partitions;
  figures.dead_letters += static_cast<int64_t>(view_->dead_letters());
  for (Source& source : sources_) {
    const absl::StatusOr<int64_t> end = ports_.log.End(source.where);
    // What is watched is left alone for a while on purpose.
    if (source.watched || !end.ok() || *end <= source.at.next_offset()) continue;
    figures.lag_records += *end - source.at.next_offset();
    figures.oldest_input_age =
        std::max(figures.oldest_input_age, now - SeenSince(source, *end, now));
  }
  figures.oldest_delivery_age =
      std::max(figures.oldest_delivery_age, now - view_->OldestDelivery());
  figures.oldest_timer_late = std::max(figures.oldest_timer_late, now - view_->FirstTimer());
}

Decision Processor::DecideReplayRequest(Item& item, Aggregate& aggregate,
                                        const v1::ReplayDeadLetterRequest& request) {
  Decision decision;
  const v1::DeliveryStatus* status = aggregate.FindDelivery(request.delivery_id());
  if (status == nullptr) {
    decision.refusal = absl::NotFoundError(
        "there is no delivery of this id; `porchlight dead-letters` lists those given up");
  } else if (status->state() != v1::DELIVERY_STATE_DEAD) {
    decision.refusal =
        absl::FailedPreconditionError("this delivery isn't given up, so it needs no replay");
  } else {
    const absl::Duration window =
        std::max(absl::Hours(1), FromProto(status->give_up_at()) - FromProto(status->made_at()));
    item.attempt = DecideReplay(*status, now_, window);
    auto reply = std::make_unique<v1::ReplayDeadLetterReply>();
    reply->set_request_id(request.request_id());
    reply->set_delivery_id(request.delivery_id());
    decision.reply = std::move(reply);
  }
  return decision;
}

}  // namespace porchlight
