// What becomes of a delivery after each kind of answer, and that the fold says the same.
#include "common/delivery/delivery.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "gtest/gtest.h"

namespace porchlight::delivery_test {
namespace {

const absl::Time kMade = absl::FromUnixSeconds(1'700'000'000);

v1::DeliveryStatus Pending(absl::Duration window, uint32_t attempts = 0) {
  v1::DeliveryStatus status;
  status.set_delivery_id("y1_d1");
  status.set_state(v1::DELIVERY_STATE_PENDING);
  status.set_attempts(attempts);
  *status.mutable_made_at() = ToProto(kMade);
  *status.mutable_next_attempt_at() = ToProto(kMade);
  *status.mutable_give_up_at() = ToProto(kMade + window);
  return status;
}

AttemptResult Answer(v1::DeliveryAnswer answer, int code,
                     absl::Duration retry_after = absl::ZeroDuration()) {
  AttemptResult result;
  result.delivery_id = "y1_d1";
  result.started_at = kMade + absl::Seconds(1);
  result.answered_at = kMade + absl::Seconds(2);
  result.answer.answer = answer;
  result.answer.code = code;
  result.answer.retry_after = retry_after;
  return result;
}

TEST(RetryDelayTest, DoublesFromASecondToFiveMinutesWithinHalf) {
  double whole_seconds = 1;
  for (uint32_t attempts = 1; attempts <= 40; ++attempts) {
    const absl::Duration whole = std::min(absl::Seconds(whole_seconds), absl::Minutes(5));
    for (int i = 0; i < 50; ++i) {
      const absl::Duration delay = RetryDelay(absl::StrCat("y1_d", i), attempts);
      EXPECT_GE(delay, whole / 2) << attempts;
      EXPECT_LE(delay, whole) << attempts;
    }
    whole_seconds *= 2;
  }
}

TEST(RetryDelayTest, SpreadsDeliveriesAndRepeatsItself) {
  std::set<absl::Duration> delays;
  for (int i = 0; i < 50; ++i) delays.insert(RetryDelay(absl::StrCat("y1_d", i), 3));
  EXPECT_GT(delays.size(), 25u);
  EXPECT_EQ(RetryDelay("y1_d1", 3), RetryDelay("y1_d1", 3));
}

struct AttemptRow {
  const char* sentence;
  v1::DeliveryAnswer answer;
  int code;
  absl::Duration retry_after;
  absl::Duration window;
  v1::DeliveryState state;
  // Bounds of the wait after the answer, while pending.
  absl::Duration wait_min;
  absl::Duration wait_max;
};

std::ostream& operator<<(std::ostream& out, const AttemptRow& row) { return out << row.sentence; }

class DecideAttemptTest : public ::testing::TestWithParam<AttemptRow> {};

TEST_P(DecideAttemptTest, Holds) {
  const AttemptRow& row = GetParam();
  v1::DeliveryStatus status = Pending(row.window);
  const AttemptResult result = Answer(row.answer, row.code, row.retry_after);
  const v1::DeliveryAttempt attempt = DecideAttempt(status, result);
  EXPECT_EQ(attempt.delivery_id(), "y1_d1");
  EXPECT_EQ(attempt.attempt(), 1u);
  EXPECT_EQ(attempt.answer(), row.answer);
  EXPECT_EQ(attempt.code(), row.code);
  EXPECT_EQ(FromProto(attempt.started_at()), result.started_at);
  EXPECT_EQ(FromProto(attempt.answered_at()), result.answered_at);
  EXPECT_EQ(attempt.state(), row.state);

  FoldAttempt(status, attempt);
  EXPECT_EQ(status.state(), row.state);
  EXPECT_EQ(status.attempts(), 1u);
  EXPECT_EQ(status.last_answer(), row.answer);
  EXPECT_EQ(status.last_code(), row.code);
  EXPECT_EQ(FromProto(status.give_up_at()), kMade + row.window);
  if (row.state == v1::DELIVERY_STATE_PENDING) {
    const absl::Duration wait = FromProto(status.next_attempt_at()) - result.answered_at;
    EXPECT_GE(wait, row.wait_min);
    EXPECT_LE(wait, row.wait_max);
    EXPECT_FALSE(status.has_settled_at());
  } else {
    EXPECT_FALSE(status.has_next_attempt_at());
    EXPECT_EQ(FromProto(status.settled_at()), result.answered_at);
  }
}

constexpr absl::Duration kNone = absl::ZeroDuration();

INSTANTIATE_TEST_SUITE_P(
    Rows, DecideAttemptTest,
    ::testing::Values(AttemptRow{"a yes is delivered", v1::DELIVERY_ANSWER_ACCEPTED, 200, kNone,
                                 absl::Hours(1), v1::DELIVERY_STATE_DELIVERED, kNone, kNone},
                      AttemptRow{"a yes after the time to give up is still delivered",
                                 v1::DELIVERY_ANSWER_ACCEPTED, 202, kNone, absl::Seconds(1),
                                 v1::DELIVERY_STATE_DELIVERED, kNone, kNone},
                      AttemptRow{"a no is given up at once", v1::DELIVERY_ANSWER_REFUSED, 410,
                                 kNone, absl::Hours(1), v1::DELIVERY_STATE_DEAD, kNone, kNone},
                      AttemptRow{"a failure that may pass is sent again within a second",
                                 v1::DELIVERY_ANSWER_RETRY, 500, kNone, absl::Hours(1),
                                 v1::DELIVERY_STATE_PENDING, absl::Milliseconds(500),
                                 absl::Seconds(1)},
                      AttemptRow{"a lost answer is sent again", v1::DELIVERY_ANSWER_UNKNOWN, 0,
                                 kNone, absl::Hours(1), v1::DELIVERY_STATE_PENDING,
                                 absl::Milliseconds(500), absl::Seconds(1)},
                      AttemptRow{"a wait that was asked for is kept", v1::DELIVERY_ANSWER_RETRY,
                                 429, absl::Seconds(90), absl::Hours(1), v1::DELIVERY_STATE_PENDING,
                                 absl::Seconds(90), absl::Seconds(90)},
                      AttemptRow{"a wait of a day is not kept", v1::DELIVERY_ANSWER_RETRY, 429,
                                 absl::Hours(24), absl::Hours(1), v1::DELIVERY_STATE_PENDING,
                                 absl::Minutes(15), absl::Minutes(15)},
                      AttemptRow{"no time left for another attempt is given up",
                                 v1::DELIVERY_ANSWER_RETRY, 503, kNone, absl::Seconds(2),
                                 v1::DELIVERY_STATE_DEAD, kNone, kNone}));

TEST(DecideExpiryTest, IsDeadWithoutAnAttempt) {
  v1::DeliveryStatus status = Pending(absl::Hours(1), 4);
  const absl::Time now = kMade + absl::Hours(1);
  FoldAttempt(status, DecideExpiry(status, now));
  EXPECT_EQ(status.state(), v1::DELIVERY_STATE_DEAD);
  EXPECT_EQ(status.attempts(), 4u);
  EXPECT_EQ(status.last_answer(), v1::DELIVERY_ANSWER_EXPIRED);
  EXPECT_EQ(FromProto(status.settled_at()), now);
  EXPECT_FALSE(status.has_next_attempt_at());
}

TEST(DecideReplayTest, DeadIsPendingAgainWithATimeOfItsOwnAndItsHistory) {
  v1::DeliveryStatus status = Pending(absl::Hours(1), 4);
  FoldAttempt(status, DecideAttempt(status, Answer(v1::DELIVERY_ANSWER_REFUSED, 404)));
  const absl::Time now = kMade + absl::Hours(5);
  FoldAttempt(status, DecideReplay(status, now, absl::Hours(2)));
  EXPECT_EQ(status.state(), v1::DELIVERY_STATE_PENDING);
  EXPECT_EQ(status.attempts(), 5u);
  EXPECT_EQ(status.last_answer(), v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_EQ(status.last_code(), 404);
  EXPECT_EQ(FromProto(status.next_attempt_at()), now);
  EXPECT_EQ(FromProto(status.give_up_at()), now + absl::Hours(2));
  EXPECT_FALSE(status.has_settled_at());
}

TEST(FoldMadeTest, CarriesWhatTheDeliverySaysAndWhereItIs) {
  v1::Transition transition;
  transition.set_aggregate_id("y1_e1");
  *transition.mutable_decided_at() = ToProto(kMade);
  transition.add_deliveries()->set_delivery_id("y1_d0");
  v1::Delivery& delivery = *transition.add_deliveries();
  delivery.set_delivery_id("y1_d1");
  delivery.set_episode_id("y1_e1");
  delivery.set_recipient_id("police");
  delivery.set_recipient_kind(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  delivery.set_channel(v1::CHANNEL_KIND_WEBHOOK);
  delivery.set_exercise(true);
  *delivery.mutable_give_up_at() = ToProto(kMade + absl::Hours(1));

  const v1::DeliveryStatus status = FoldMade(transition, 42, 1);
  EXPECT_EQ(status.delivery_id(), "y1_d1");
  EXPECT_EQ(status.aggregate_id(), "y1_e1");
  EXPECT_EQ(status.episode_id(), "y1_e1");
  EXPECT_EQ(status.recipient_id(), "police");
  EXPECT_EQ(status.recipient_kind(), v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_EQ(status.channel(), v1::CHANNEL_KIND_WEBHOOK);
  EXPECT_EQ(status.state(), v1::DELIVERY_STATE_PENDING);
  EXPECT_EQ(status.attempts(), 0u);
  EXPECT_EQ(FromProto(status.made_at()), kMade);
  EXPECT_EQ(FromProto(status.next_attempt_at()), kMade);
  EXPECT_EQ(FromProto(status.give_up_at()), kMade + absl::Hours(1));
  EXPECT_TRUE(status.exercise());
  EXPECT_EQ(status.made_offset(), 42);
  EXPECT_EQ(status.made_index(), 1u);
}

}  // namespace
}  // namespace porchlight::delivery_test
