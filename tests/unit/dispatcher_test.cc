// The dispatcher on a manual clock and a scripted channel: nobody waits for another's trouble, and
// every offer gets exactly one result.
#include "common/delivery/dispatcher.h"

#include <atomic>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/channel/memory_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::dispatcher_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Outgoing To(const std::string& recipient_id, const std::string& delivery_id) {
  Outgoing outgoing;
  outgoing.delivery_id = delivery_id;
  outgoing.recipient.set_recipient_id(recipient_id);
  outgoing.recipient.set_channel(v1::CHANNEL_KIND_WEBHOOK);
  outgoing.recipient.set_address(absl::StrCat("https://", recipient_id, ".invalid/hook"));
  return outgoing;
}

class DispatcherTest : public ::testing::Test {
 protected:
  std::unique_ptr<Dispatcher> Make(DispatcherOptions options = {}) {
    return std::make_unique<Dispatcher>(Dispatcher::Channels{{v1::CHANNEL_KIND_WEBHOOK, channel_}},
                                        clock_, &answered_, options);
  }
  std::vector<std::string> SentIds() const {
    std::vector<std::string> ids;
    for (const MemoryChannel::Sent& sent : channel_->sent()) {
      ids.push_back(sent.outgoing.delivery_id);
    }
    return ids;
  }

  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  Signal answered_;
  std::shared_ptr<MemoryChannel> channel_ = std::make_shared<MemoryChannel>(clock_);
};

TEST_F(DispatcherTest, ResultSaysWhatWhereAndWhen) {
  channel_->Always("police", MemoryChannel::Accept().After(absl::Seconds(2)));
  auto dispatcher = Make();
  const absl::Time start = clock_.Now();
  dispatcher->Offer(7, To("police", "d1"));
  EXPECT_THAT(dispatcher->TakeAnswers(), IsEmpty());
  clock_.Advance(absl::Seconds(2));
  channel_->Step();
  const std::vector<AttemptResult> results = dispatcher->TakeAnswers();
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].partition, 7);
  EXPECT_EQ(results[0].delivery_id, "d1");
  EXPECT_EQ(results[0].started_at, start);
  EXPECT_EQ(results[0].answered_at, start + absl::Seconds(2));
  EXPECT_EQ(results[0].address, "https://police.invalid/hook");
  EXPECT_EQ(results[0].answer.answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(results[0].answer.code, 200);
  EXPECT_THAT(dispatcher->TakeAnswers(), IsEmpty());
  EXPECT_THAT(dispatcher->Recipients(), IsEmpty());
}

TEST_F(DispatcherTest, AnswerNotifiesTheSignal) {
  auto dispatcher = Make();
  dispatcher->Offer(0, To("police", "d1"));
  answered_.Wait(absl::InfiniteDuration());
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(1));
}

TEST_F(DispatcherTest, OfferOfWhatIsWaitingOrBeingSentIsIgnored) {
  channel_->Always("police", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  dispatcher->Offer(0, To("police", "sending"));
  dispatcher->Offer(0, To("police", "waiting"));
  dispatcher->Offer(0, To("police", "sending"));
  dispatcher->Offer(0, To("police", "waiting"));
  while (channel_->ReleaseAll() > 0) {
  }
  EXPECT_THAT(SentIds(), ElementsAre("sending", "waiting"));
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(2));
  dispatcher->Offer(0, To("police", "sending"));  // settled: this is its next attempt
  EXPECT_EQ(channel_->attempts("sending"), 2);
}

TEST_F(DispatcherTest, UnknownChannelIsRefusedWithWhatToDo) {
  auto dispatcher = Make();
  Outgoing outgoing = To("court", "d1");
  outgoing.recipient.set_channel(v1::CHANNEL_KIND_EMAIL);
  dispatcher->Offer(3, outgoing);
  const std::vector<AttemptResult> results = dispatcher->TakeAnswers();
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].partition, 3);
  EXPECT_EQ(results[0].answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(results[0].answer.text, HasSubstr("CHANNEL_KIND_EMAIL"));
  EXPECT_THAT(results[0].answer.text, HasSubstr("configure"));
}

TEST_F(DispatcherTest, ExerciseAndLiveNeverMeet) {
  auto dispatcher = Make();
  Outgoing drill_to_live = To("police", "drill");
  drill_to_live.exercise = true;
  Outgoing live_to_drill = To("drill-desk", "live");
  live_to_drill.recipient.set_exercise_only(true);
  Outgoing drill = To("drill-desk", "fine");
  drill.exercise = true;
  drill.recipient.set_exercise_only(true);
  dispatcher->Offer(0, drill_to_live);
  dispatcher->Offer(0, live_to_drill);
  dispatcher->Offer(0, drill);
  EXPECT_THAT(SentIds(), ElementsAre("fine"));
  const std::vector<AttemptResult> results = dispatcher->TakeAnswers();
  ASSERT_THAT(results, SizeIs(3));
  EXPECT_EQ(results[0].answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_EQ(results[1].answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_EQ(results[2].answer.answer, v1::DELIVERY_ANSWER_ACCEPTED);
}

TEST_F(DispatcherTest, FirstComeFirstSentForEachRecipient) {
  channel_->Always("", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  for (int i = 0; i < 4; ++i) {
    dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  }
  dispatcher->Offer(0, To("court", "c0"));
  EXPECT_THAT(SentIds(), ElementsAre("p0", "c0"));
  channel_->Release("p0");
  channel_->Release("p1");
  channel_->Release("p2");
  EXPECT_THAT(SentIds(), ElementsAre("p0", "c0", "p1", "p2", "p3"));
}

TEST_F(DispatcherTest, RecipientsTakeTurnsUnderTheChannelLimit) {
  channel_->Always("", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_channel_max = 2, .sends_per_recipient_max = 2});
  for (int i = 0; i < 1000; ++i) dispatcher->Offer(0, To("busy", absl::StrCat("b", i)));
  dispatcher->Offer(0, To("court", "c0"));
  dispatcher->Offer(0, To("court", "c1"));
  EXPECT_THAT(SentIds(), ElementsAre("b0", "b1"));
  // The first free place goes to whoever has waited, not to the backlog.
  channel_->Release("b0");
  channel_->Release("b1");
  EXPECT_EQ(channel_->unanswered(), 2);
  channel_->ReleaseAll();
  channel_->ReleaseAll();
  EXPECT_EQ(channel_->attempts("c0"), 1);
  EXPECT_EQ(channel_->attempts("c1"), 1);
  EXPECT_LE(channel_->sent().size(), 10u);
}

TEST_F(DispatcherTest, LimitsHold) {
  channel_->Always("", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_channel_max = 10, .sends_per_recipient_max = 4});
  for (int i = 0; i < 20; ++i) {
    for (const char* recipient : {"a", "b", "c", "d"}) {
      dispatcher->Offer(0, To(recipient, absl::StrCat(recipient, i)));
    }
  }
  int settled = 0;
  while (channel_->unanswered() > 0) {
    EXPECT_LE(channel_->unanswered(), 10);
    for (const Dispatcher::RecipientStatus& status : dispatcher->Recipients()) {
      EXPECT_LE(status.sending, 4) << status.recipient_id;
    }
    settled += channel_->ReleaseAll();
  }
  EXPECT_EQ(settled, 80);
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(80));
}

TEST_F(DispatcherTest, DeadRecipientWithThousandsWaitingDelaysNobody) {
  channel_->Always("dead", MemoryChannel::UnknownAndLost().Held());
  auto dispatcher = Make();
  for (int i = 0; i < 5000; ++i) dispatcher->Offer(0, To("dead", absl::StrCat("x", i)));
  for (int i = 0; i < 200; ++i) dispatcher->Offer(0, To("court", absl::StrCat("c", i)));
  // Nothing of the dead one has been answered, and all of the other is done.
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(200));
  EXPECT_EQ(channel_->unanswered(), kSendsPerRecipientMax);
}

TEST_F(DispatcherTest, BreakerOpensProbesAndCloses) {
  channel_->Always("police", MemoryChannel::Retry());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  for (int i = 0; i < 20; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  EXPECT_THAT(channel_->sent(), SizeIs(5));  // five failures in a row open it
  ASSERT_THAT(dispatcher->Recipients(), SizeIs(1));
  EXPECT_TRUE(dispatcher->Recipients()[0].breaker_open);
  EXPECT_EQ(dispatcher->Recipients()[0].waiting, 15);
  EXPECT_EQ(dispatcher->next_step(), clock_.Now() + absl::Seconds(30));

  clock_.Advance(absl::Seconds(30) - absl::Nanoseconds(1));
  dispatcher->Step();
  EXPECT_THAT(channel_->sent(), SizeIs(5));
  clock_.Advance(absl::Nanoseconds(1));
  dispatcher->Step();  // one attempt, which fails: pause again
  EXPECT_THAT(channel_->sent(), SizeIs(6));
  EXPECT_EQ(dispatcher->next_step(), clock_.Now() + absl::Seconds(30));

  channel_->Always("police", MemoryChannel::Accept());
  clock_.Advance(absl::Seconds(30));
  dispatcher->Step();  // one attempt, which succeeds: all the rest follows
  EXPECT_THAT(channel_->sent(), SizeIs(20));
  EXPECT_THAT(dispatcher->Recipients(), IsEmpty());
  EXPECT_EQ(dispatcher->next_step(), absl::InfiniteFuture());
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(20));
}

TEST_F(DispatcherTest, OpenBreakerLetsOneAttemptThroughAtATime) {
  channel_->Always("police", MemoryChannel::UnknownAndLost());
  auto dispatcher = Make();
  for (int i = 0; i < 5; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  channel_->Always("police", MemoryChannel::Accept().Held());
  for (int i = 5; i < 20; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  clock_.Advance(absl::Seconds(30));
  dispatcher->Step();
  dispatcher->Step();
  EXPECT_EQ(channel_->unanswered(), 1);
  EXPECT_EQ(dispatcher->next_step(), absl::InfiniteFuture());  // its answer decides, not the time
  channel_->ReleaseAll();
  EXPECT_EQ(channel_->unanswered(), kSendsPerRecipientMax);
}

TEST_F(DispatcherTest, RefusalIsAnAnswerAndClosesTheBreaker) {
  channel_->Always("police", MemoryChannel::Retry());
  auto dispatcher = Make();
  for (int i = 0; i < 5; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  channel_->Always("police", MemoryChannel::Refuse());
  dispatcher->Offer(0, To("police", "p5"));
  dispatcher->Offer(0, To("police", "p6"));
  EXPECT_THAT(channel_->sent(), SizeIs(5));
  clock_.Advance(absl::Seconds(30));
  dispatcher->Step();
  EXPECT_THAT(channel_->sent(), SizeIs(7));
}

TEST_F(DispatcherTest, ClockSetBackDoesNotProlongAPause) {
  channel_->Always("police", MemoryChannel::Retry());
  auto dispatcher = Make();
  for (int i = 0; i < 6; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  clock_.Step(-absl::Hours(24));
  EXPECT_EQ(dispatcher->next_step(), clock_.Now() + absl::Seconds(30));
  clock_.Advance(absl::Seconds(30));
  dispatcher->Step();
  EXPECT_THAT(channel_->sent(), SizeIs(6));
}

TEST_F(DispatcherTest, OnlyWhatWaitsCanBeWithdrawn) {
  channel_->Always("police", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  dispatcher->Offer(0, To("police", "sending"));
  dispatcher->Offer(0, To("police", "first"));
  dispatcher->Offer(0, To("police", "second"));
  EXPECT_FALSE(dispatcher->Withdraw("sending"));
  EXPECT_FALSE(dispatcher->Withdraw("never-offered"));
  EXPECT_TRUE(dispatcher->Withdraw("first"));
  EXPECT_FALSE(dispatcher->Withdraw("first"));
  while (channel_->ReleaseAll() > 0) {
  }
  EXPECT_THAT(SentIds(), ElementsAre("sending", "second"));
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(2));
}

TEST_F(DispatcherTest, WithdrawingTheLastBehindABreakerEndsItsWait) {
  channel_->Always("police", MemoryChannel::Retry());
  auto dispatcher = Make();
  for (int i = 0; i < 6; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  EXPECT_NE(dispatcher->next_step(), absl::InfiniteFuture());
  EXPECT_TRUE(dispatcher->Withdraw("p5"));
  EXPECT_EQ(dispatcher->next_step(), absl::InfiniteFuture());
  EXPECT_TRUE(dispatcher->Recipients()[0].breaker_open);  // what is known of them isn't forgotten
  dispatcher->Offer(0, To("police", "p6"));
  EXPECT_THAT(channel_->sent(), SizeIs(5));
}

// Answers from within Send don't nest: the stack would not hold this.
TEST_F(DispatcherTest, LongBacklogAnsweredAtOnceNeedsNoStack) {
  channel_->Next("police", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  for (int i = 0; i < 50'000; ++i) dispatcher->Offer(0, To("police", absl::StrCat("p", i)));
  EXPECT_EQ(dispatcher->Recipients()[0].waiting, 49'999);
  channel_->Release("p0");
  EXPECT_THAT(dispatcher->TakeAnswers(), SizeIs(50'000));
}

TEST_F(DispatcherTest, AnswersAfterItsEndAreDropped) {
  channel_->Always("police", MemoryChannel::Accept().Held());
  auto dispatcher = Make({.sends_per_recipient_max = 1});
  dispatcher->Offer(0, To("police", "d1"));
  dispatcher->Offer(0, To("police", "d2"));
  dispatcher.reset();
  EXPECT_EQ(channel_->ReleaseAll(), 1);
  EXPECT_THAT(SentIds(), ElementsAre("d1"));  // and nothing more is started
}

TEST_F(DispatcherTest, LastOwnerEndsTheChannelToo) {
  const std::weak_ptr<MemoryChannel> channel = channel_;
  channel_->Always("police", MemoryChannel::Accept().Held());
  auto dispatcher = Make();
  dispatcher->Offer(0, To("police", "d1"));
  channel_.reset();
  EXPECT_FALSE(channel.expired());
  dispatcher.reset();
  EXPECT_TRUE(channel.expired());
}

// Real threads offer, answer and take at once: every offer has one result.
TEST(DispatcherThreadsTest, EveryOfferHasOneResult) {
  constexpr int kThreads = 3;
  constexpr int kOffers = 2000;
  SystemClock clock;
  Signal answered;
  auto channel = std::make_shared<MemoryChannel>(clock);
  channel->Always("held", MemoryChannel::Accept().Held());
  channel->Always("retry", MemoryChannel::Retry());
  Dispatcher dispatcher({{v1::CHANNEL_KIND_WEBHOOK, channel}}, clock, &answered,
                        {.breaker_failures = 1 << 30});
  std::atomic<bool> done = false;
  std::thread releaser([&] {
    while (!done) channel->ReleaseAll();
  });
  std::vector<std::thread> offerers;
  for (int t = 0; t < kThreads; ++t) {
    offerers.emplace_back([&, t] {
      for (int i = 0; i < kOffers; ++i) {
        const char* recipient = i % 3 == 0 ? "held" : i % 3 == 1 ? "retry" : "plain";
        dispatcher.Offer(t, To(recipient, absl::StrCat("d", t, "-", i)));
      }
    });
  }
  std::set<std::string> ids;
  size_t results = 0;
  while (results < kThreads * kOffers) {
    answered.Wait(absl::InfiniteDuration());
    for (const AttemptResult& result : dispatcher.TakeAnswers()) {
      ids.insert(result.delivery_id);
      ++results;
    }
  }
  for (std::thread& thread : offerers) thread.join();
  done = true;
  releaser.join();
  EXPECT_EQ(results, ids.size());
  EXPECT_THAT(channel->sent(), SizeIs(kThreads * kOffers));
}

}  // namespace
}  // namespace porchlight::dispatcher_test
