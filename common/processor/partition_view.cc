#include "common/processor/partition_view.h"

#include <cstring>

#include "common/base/time.h"
#include "common/delivery/delivery.h"

namespace porchlight {
namespace {

absl::uint128 TagNumber(absl::string_view tag) {
  uint64_t halves[2];
  std::memcpy(halves, tag.data(), sizeof halves);
  return absl::MakeUint128(halves[0], halves[1]);
}

}  // namespace

void PartitionView::Aggregate(absl::string_view aggregate_id, int64_t offset) {
  heads_[TagNumber(AggregateTag(aggregate_id))] = offset;
}

void PartitionView::Timer(const StoredTimer& timer) { SetTimer(timer.aggregate_id, timer.timer); }

void PartitionView::Delivery(const v1::DeliveryStatus& delivery) { Track(delivery); }

void PartitionView::Positions(const v1::Checkpoint& checkpoint) {
  for (const v1::Position& position : checkpoint.positions()) {
    positions_[{position.topic(), position.partition()}] = position;
  }
}

void PartitionView::Fold(const Counted& counted) {
  const v1::Transition& transition = counted.transition;
  heads_[TagNumber(counted.record.aggregate_tag())] = counted.offset;
  for (const v1::Position& position : transition.positions()) {
    positions_[{position.topic(), position.partition()}] = position;
  }
  for (const std::string& timer_id : transition.timers_removed()) {
    RemoveTimer(transition.aggregate_id(), timer_id);
  }
  for (const v1::Timer& timer : transition.timers_set()) SetTimer(transition.aggregate_id(), timer);
  for (int i = 0; i < transition.deliveries_size(); ++i)
    Track(FoldMade(transition, counted.offset, i));
  for (const v1::DeliveryAttempt& attempt : transition.attempts()) {
    const auto found = deliveries_.find(attempt.delivery_id());
    if (found == deliveries_.end()) continue;  // settled before: a repeated answer
    v1::DeliveryStatus status = found->second.status;
    FoldAttempt(status, attempt);
    Track(status);
  }
}

int64_t PartitionView::Head(absl::string_view aggregate_id) const {
  const auto found = heads_.find(TagNumber(AggregateTag(aggregate_id)));
  return found == heads_.end() ? -1 : found->second;
}

std::optional<v1::Position> PartitionView::PositionOf(const TopicPartition& source) const {
  const auto found = positions_.find(source);
  if (found == positions_.end()) return std::nullopt;
  return found->second;
}

std::vector<PartitionView::DueTimer> PartitionView::DueTimers(absl::Time now, size_t limit) const {
  std::vector<DueTimer> due;
  for (const Timers::const_iterator& pending : timers_by_due_) {
    if (pending->second.due_at > now || due.size() == limit) break;
    DueTimer& added = due.emplace_back();
    added.aggregate_id = pending->first.first;
    added.timer.ParseFromString(pending->second.rest);
    added.timer.set_timer_id(pending->first.second);
    *added.timer.mutable_due_at() = ToProto(pending->second.due_at);
  }
  return due;
}

std::vector<v1::DeliveryStatus> PartitionView::OfferDue(absl::Time now) {
  std::vector<v1::DeliveryStatus> due;
  for (auto& [id, recipient] : recipients_) {
    while (!recipient.waiting.empty() && recipient.waiting.begin()->first <= now &&
           recipient.offered < kOffersPerRecipientMax) {
      Tracked& tracked = deliveries_.at(recipient.waiting.begin()->second);
      recipient.waiting.erase(recipient.waiting.begin());
      tracked.offered = true;
      ++recipient.offered;
      due.push_back(tracked.status);
    }
  }
  return due;
}

bool PartitionView::IsOffered(const std::string& delivery_id) const {
  const auto found = deliveries_.find(delivery_id);
  return found != deliveries_.end() && found->second.offered;
}

void PartitionView::TakeBack(const std::string& delivery_id) {
  const auto found = deliveries_.find(delivery_id);
  if (found != deliveries_.end() && found->second.offered)
    Track(v1::DeliveryStatus(found->second.status));
}

std::vector<v1::DeliveryStatus> PartitionView::Expired(absl::Time now, size_t limit) const {
  std::vector<v1::DeliveryStatus> expired;
  for (const auto& [give_up_at, delivery_id] : by_give_up_) {
    if (give_up_at > now || expired.size() == limit) break;
    expired.push_back(deliveries_.at(delivery_id).status);
  }
  return expired;
}

void PartitionView::AwaitAnswer(const std::string& delivery_id) {
  const auto found = deliveries_.find(delivery_id);
  if (found == deliveries_.end()) return;
  by_give_up_.erase({FromProto(found->second.status.give_up_at()), delivery_id});
}

const v1::DeliveryStatus* PartitionView::FindDelivery(const std::string& delivery_id) const {
  const auto found = deliveries_.find(delivery_id);
  return found == deliveries_.end() ? nullptr : &found->second.status;
}

absl::Time PartitionView::FirstTimer() const {
  return timers_by_due_.empty() ? absl::InfiniteFuture() : (*timers_by_due_.begin())->second.due_at;
}

absl::Time PartitionView::OldestDelivery() const {
  if (by_give_up_.empty()) return absl::InfiniteFuture();
  return FromProto(deliveries_.at(by_give_up_.begin()->second).status.made_at());
}

absl::Time PartitionView::NextDue() const {
  absl::Time next = FirstTimer();
  if (!by_give_up_.empty()) next = std::min(next, by_give_up_.begin()->first);
  for (const auto& [id, recipient] : recipients_) {
    if (recipient.waiting.empty() || recipient.offered == kOffersPerRecipientMax) continue;
    next = std::min(next, recipient.waiting.begin()->first);
  }
  return next;
}

void PartitionView::SetTimer(const std::string& aggregate_id, const v1::Timer& timer) {
  RemoveTimer(aggregate_id, timer.timer_id());
  v1::Timer rest = timer;
  rest.clear_timer_id();
  rest.clear_due_at();
  const auto [pending, added] =
      timers_.try_emplace(TimerKey(aggregate_id, timer.timer_id()),
                          Pending{FromProto(timer.due_at()), rest.SerializeAsString()});
  timers_by_due_.insert(pending);
}

void PartitionView::RemoveTimer(const std::string& aggregate_id, const std::string& timer_id) {
  const auto found = timers_.find({aggregate_id, timer_id});
  if (found == timers_.end()) return;
  timers_by_due_.erase(found);
  timers_.erase(found);
}

void PartitionView::Track(const v1::DeliveryStatus& status) {
  Untrack(status.delivery_id());
  if (status.state() == v1::DELIVERY_STATE_DELIVERED ||
      status.state() == v1::DELIVERY_STATE_WITHDRAWN)
    return;
  deliveries_[status.delivery_id()] = {.status = status, .offered = false};
  if (status.state() != v1::DELIVERY_STATE_PENDING) {
    ++dead_letters_;
    return;
  }
  recipients_[status.recipient_id()].waiting.insert(
      {FromProto(status.next_attempt_at()), status.delivery_id()});
  by_give_up_.insert({FromProto(status.give_up_at()), status.delivery_id()});
}

void PartitionView::Untrack(const std::string& delivery_id) {
  const auto found = deliveries_.find(delivery_id);
  if (found == deliveries_.end()) return;
  const v1::DeliveryStatus& status = found->second.status;
  if (status.state() != v1::DELIVERY_STATE_PENDING) --dead_letters_;
  Recipient& recipient = recipients_[status.recipient_id()];
  if (found->second.offered) {
    --recipient.offered;
  } else {
    recipient.waiting.erase({FromProto(status.next_attempt_at()), delivery_id});
  }
  if (recipient.waiting.empty() && recipient.offered == 0) recipients_.erase(status.recipient_id());
  by_give_up_.erase({FromProto(status.give_up_at()), delivery_id});
  deliveries_.erase(found);
}

}  // namespace porchlight
