#include "common/delivery/delivery.h"

#include <algorithm>

#include "common/base/hash.h"
#include "common/base/time.h"

namespace porchlight {
namespace {

constexpr absl::Duration kFirstDelay = absl::Seconds(1);
constexpr absl::Duration kLongestDelay = absl::Minutes(5);
// A far end may ask for patience, but a legal deadline won't wait for it.
constexpr absl::Duration kRetryAfterMax = absl::Minutes(15);

}  // namespace

absl::Duration RetryDelay(absl::string_view delivery_id, uint32_t attempts_made) {
  const uint32_t doublings = std::min<uint32_t>(attempts_made > 0 ? attempts_made - 1 : 0, 16);
  const absl::Duration whole = std::min(kFirstDelay * (int64_t{1} << doublings), kLongestDelay);
  const std::string hash = Sha256({delivery_id, "/", std::to_string(attempts_made)});
  const double part = static_cast<uint8_t>(hash[0]) / 255.0;
  return whole * (0.5 + 0.5 * part);
}

v1::DeliveryAttempt DecideAttempt(const v1::DeliveryStatus& status, const AttemptResult& result) {
  v1::DeliveryAttempt attempt;
  attempt.set_delivery_id(status.delivery_id());
  attempt.set_attempt(status.attempts() + 1);
  *attempt.mutable_started_at() = ToProto(result.started_at);
  *attempt.mutable_answered_at() = ToProto(result.answered_at);
  attempt.set_answer(result.answer.answer);
  attempt.set_code(result.answer.code);
  if (result.answer.answer == v1::DELIVERY_ANSWER_ACCEPTED) {
    attempt.set_state(v1::DELIVERY_STATE_DELIVERED);
    return attempt;
  }
  const absl::Duration delay = RetryDelay(status.delivery_id(), attempt.attempt());
  const absl::Time give_up_at = FromProto(status.give_up_at());
  absl::Time next =
      result.answered_at + std::max(delay, std::min(result.answer.retry_after, kRetryAfterMax));
  // Rather too early for the far end than never.
  if (next >= give_up_at) next = result.answered_at + delay;
  if (result.answer.answer == v1::DELIVERY_ANSWER_REFUSED || next >= give_up_at) {
    attempt.set_state(v1::DELIVERY_STATE_DEAD);
    return attempt;
  }
  attempt.set_state(v1::DELIVERY_STATE_PENDING);
  *attempt.mutable_next_attempt_at() = ToProto(next);
  return attempt;
}

v1::DeliveryAttempt DecideExpiry(const v1::DeliveryStatus& status, absl::Time now) {
  v1::DeliveryAttempt attempt;
  attempt.set_delivery_id(status.delivery_id());
  attempt.set_attempt(status.attempts());
  *attempt.mutable_answered_at() = ToProto(now);
  attempt.set_answer(v1::DELIVERY_ANSWER_EXPIRED);
  attempt.set_state(v1::DELIVERY_STATE_DEAD);
  return attempt;
}

v1::DeliveryAttempt DecideReplay(const v1::DeliveryStatus& status, absl::Time now,
                                 absl::Duration window) {
  v1::DeliveryAttempt attempt;
  attempt.set_delivery_id(status.delivery_id());
  attempt.set_attempt(status.attempts());
  *attempt.mutable_answered_at() = ToProto(now);
  attempt.set_state(v1::DELIVERY_STATE_PENDING);
  *attempt.mutable_next_attempt_at() = ToProto(now);
  *attempt.mutable_give_up_at() = ToProto(now + window);
  return attempt;
}

v1::DeliveryAttempt DecideWithdrawal(const v1::DeliveryStatus& status, absl::Time now) {
  v1::DeliveryAttempt attempt;
  attempt.set_delivery_id(status.delivery_id());
  attempt.set_attempt(status.attempts());
  *attempt.mutable_answered_at() = ToProto(now);
  attempt.set_answer(v1::DELIVERY_ANSWER_WITHDRAWN);
  attempt.set_state(v1::DELIVERY_STATE_WITHDRAWN);
  return attempt;
}

v1::DeliveryStatus FoldMade(const v1::Transition& transition, int64_t offset, int index) {
  const v1::Delivery& delivery = transition.deliveries(index);
  v1::DeliveryStatus status;
  status.set_delivery_id(delivery.delivery_id());
  status.set_aggregate_id(transition.aggregate_id());
  status.set_episode_id(delivery.episode_id());
  status.set_recipient_id(delivery.recipient_id());
  status.set_recipient_kind(delivery.recipient_kind());
  status.set_channel(delivery.channel());
  status.set_state(v1::DELIVERY_STATE_PENDING);
  *status.mutable_made_at() = transition.decided_at();
  *status.mutable_next_attempt_at() = transition.decided_at();
  *status.mutable_give_up_at() = delivery.give_up_at();
  status.set_exercise(delivery.exercise());
  status.set_correlation_id(delivery.correlation_id());
  status.set_made_offset(offset);
  status.set_made_index(static_cast<uint32_t>(index));
  return status;
}

void FoldAttempt(v1::DeliveryStatus& status, const v1::DeliveryAttempt& attempt) {
  status.set_attempts(attempt.attempt());
  status.set_state(attempt.state());
  if (attempt.answer() != v1::DELIVERY_ANSWER_UNSPECIFIED) {
    status.set_last_answer(attempt.answer());
    status.set_last_code(attempt.code());
  }
  if (attempt.has_give_up_at()) *status.mutable_give_up_at() = attempt.give_up_at();
  if (attempt.state() == v1::DELIVERY_STATE_PENDING) {
    *status.mutable_next_attempt_at() = attempt.next_attempt_at();
    status.clear_settled_at();
  } else {
    status.clear_next_attempt_at();
    *status.mutable_settled_at() = attempt.answered_at();
  }
}

}  // namespace porchlight
