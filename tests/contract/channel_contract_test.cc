// The contract of common/channel/channel.h, held against every channel and a real far end.
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/channel/channel.h"
#include "common/channel/folder_channel.h"
#include "common/channel/memory_channel.h"
#include "common/channel/sms_channel.h"
#include "common/channel/smtp_channel.h"
#include "common/channel/voice_channel.h"
#include "common/channel/webhook_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/answers.h"
#include "tests/support/http_receiver.h"
#include "tests/support/smtp_receiver.h"
#include "tests/support/twilio_receiver.h"

namespace porchlight::channel_contract_test {
namespace {

using porchlight::testing::Answers;
using porchlight::testing::HttpReceiver;
using porchlight::testing::SendAndWait;
using porchlight::testing::SmtpReceiver;
using porchlight::testing::TemporaryFolder;
using porchlight::testing::TwilioReceiver;
using ::testing::SizeIs;

enum class Behaviour { kAccepts, kSaysLater, kRefuses, kLosesTheAnswer, kHolds };

// A channel together with what is at its other end.
class FarEnd {
 public:
  virtual ~FarEnd() = default;
  virtual std::unique_ptr<Channel> NewChannel() = 0;
  virtual bool Can(Behaviour behaviour) const = 0;
  virtual v1::Recipient RecipientThat(Behaviour behaviour) = 0;
  // How often this delivery has got there.
  virtual int Arrivals(const std::string& delivery_id) = 0;
  virtual bool WaitForArrivals(int count) = 0;
  // A repetition replaces the first, rather than standing beside it.
  virtual bool Replaces() const { return false; }
};

class MemoryFarEnd final : public FarEnd {
 public:
  std::unique_ptr<Channel> NewChannel() override {
    auto channel = std::make_unique<MemoryChannel>(clock_);
    channel->Always("later", MemoryChannel::Retry());
    channel->Always("refuse", MemoryChannel::Refuse());
    channel->Always("lost", MemoryChannel::UnknownThoughArrived());
    channel->Always("hold", MemoryChannel::UnknownThoughArrived().Held());
    channel_ = channel.get();
    return channel;
  }
  bool Can(Behaviour) const override { return true; }
  v1::Recipient RecipientThat(Behaviour behaviour) override {
    static constexpr const char* kIds[] = {"accept", "later", "refuse", "lost", "hold"};
    v1::Recipient recipient;
    recipient.set_recipient_id(kIds[static_cast<int>(behaviour)]);
    recipient.set_address("somewhere");
    return recipient;
  }
  int Arrivals(const std::string& delivery_id) override { return channel_->arrivals(delivery_id); }
  bool WaitForArrivals(int count) override {
    return static_cast<int>(channel_->sent().size()) >= count;
  }

 private:
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  MemoryChannel* channel_ = nullptr;
};

class FolderFarEnd final : public FarEnd {
 public:
  std::unique_ptr<Channel> NewChannel() override {
    return std::make_unique<FolderChannel>(folder_.path() + "/out");
  }
  bool Can(Behaviour behaviour) const override {
    return behaviour != Behaviour::kLosesTheAnswer && behaviour != Behaviour::kHolds;
  }
  v1::Recipient RecipientThat(Behaviour behaviour) override {
    v1::Recipient recipient;
    recipient.set_recipient_id("desk");
    recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
    recipient.set_address("desk");
    if (behaviour == Behaviour::kRefuses) recipient.set_address("../elsewhere");
    if (behaviour == Behaviour::kSaysLater) {
      // A file stands where the sub-folder should.
      recipient.set_address("blocked");
      std::filesystem::create_directories(folder_.path() + "/out");
      std::ofstream(folder_.path() + "/out/blocked") << "in the way";
    }
    return recipient;
  }
  int Arrivals(const std::string& delivery_id) override {
    return std::filesystem::exists(absl::StrCat(folder_.path(), "/out/desk/", delivery_id, ".txt"));
  }
  bool WaitForArrivals(int) override { return false; }
  bool Replaces() const override { return true; }

 private:
  TemporaryFolder folder_;
};

class WebhookFarEnd final : public FarEnd {
 public:
  WebhookFarEnd() {
    receiver_.Always("/later", {.status = 503});
    receiver_.Always("/refuse", {.status = 400, .body = std::string(5000, 'x')});
    receiver_.Always("/lost", {.fault = HttpReceiver::Fault::kHangUpUnanswered});
    receiver_.Always("/hold", {.fault = HttpReceiver::Fault::kHold});
  }
  std::unique_ptr<Channel> NewChannel() override {
    WebhookOptions options;
    options.secrets["desk"] = std::string(32, 's');
    return std::make_unique<WebhookChannel>(options, clock_);
  }
  bool Can(Behaviour) const override { return true; }
  v1::Recipient RecipientThat(Behaviour behaviour) override {
    static constexpr const char* kPaths[] = {"/accept", "/later", "/refuse", "/lost", "/hold"};
    v1::Recipient recipient;
    recipient.set_recipient_id("desk");
    recipient.set_channel(v1::CHANNEL_KIND_WEBHOOK);
    recipient.set_address(receiver_.Url(kPaths[static_cast<int>(behaviour)]));
    return recipient;
  }
  int Arrivals(const std::string& delivery_id) override { return receiver_.count(delivery_id); }
  bool WaitForArrivals(int count) override {
    return receiver_.WaitForRequests(static_cast<size_t>(count));
  }

 private:
  SystemClock clock_;
  HttpReceiver receiver_;
};

class SmtpFarEnd final : public FarEnd {
 public:
  std::unique_ptr<Channel> NewChannel() override {
    SmtpOptions options;
    options.host = "127.0.0.1";
    options.port = static_cast<uint16_t>(receiver_.port());
    options.from = "notices@agency.example";
    options.ca_file = receiver_.ca_file();
    return std::make_unique<SmtpChannel>(options);
  }
  bool Can(Behaviour) const override { return true; }
  v1::Recipient RecipientThat(Behaviour behaviour) override {
    static constexpr const char* kNames[] = {"desk", "later", "refuse", "lost", "hold"};
    v1::Recipient recipient;
    recipient.set_recipient_id("desk");
    recipient.set_channel(v1::CHANNEL_KIND_EMAIL);
    recipient.set_address(absl::StrCat(kNames[static_cast<int>(behaviour)], "@police.example"));
    return recipient;
  }
  int Arrivals(const std::string& delivery_id) override {
    return static_cast<int>(receiver_.WithId(delivery_id).size());
  }
  bool WaitForArrivals(int count) override { return receiver_.WaitForTaken(count); }

 private:
  SmtpReceiver receiver_{{}, SOURCE_DIR};
};

// SMS and voice: the same provider, another channel.
template <typename TelephoneChannel, v1::ChannelKind kKind>
class TelephoneFarEnd final : public FarEnd {
 public:
  std::unique_ptr<Channel> NewChannel() override {
    return std::make_unique<TelephoneChannel>(receiver_.Options(), clock_);
  }
  bool Can(Behaviour) const override { return true; }
  v1::Recipient RecipientThat(Behaviour behaviour) override {
    static constexpr const char* kNumbers[] = {
        TwilioReceiver::kAccepts, TwilioReceiver::kSaysLater, TwilioReceiver::kRefuses,
        TwilioReceiver::kLosesTheAnswer, TwilioReceiver::kHolds};
    v1::Recipient recipient;
    recipient.set_recipient_id("supervisor");
    recipient.set_channel(kKind);
    recipient.set_address(kNumbers[static_cast<int>(behaviour)]);
    return recipient;
  }
  int Arrivals(const std::string& delivery_id) override { return receiver_.count(delivery_id); }
  bool WaitForArrivals(int count) override {
    return receiver_.http().WaitForRequests(static_cast<size_t>(count));
  }

 private:
  SystemClock clock_;
  TwilioReceiver receiver_;
};

using SmsFarEnd = TelephoneFarEnd<SmsChannel, v1::CHANNEL_KIND_SMS>;
using VoiceFarEnd = TelephoneFarEnd<VoiceChannel, v1::CHANNEL_KIND_VOICE>;

struct Adapter {
  const char* name;
  std::function<std::unique_ptr<FarEnd>()> make;
};

std::ostream& operator<<(std::ostream& out, const Adapter& adapter) { return out << adapter.name; }

class ChannelContractTest : public ::testing::TestWithParam<Adapter> {
 protected:
  Outgoing MessageFor(Behaviour behaviour, const std::string& delivery_id) {
    Outgoing outgoing;
    outgoing.delivery_id = delivery_id;
    outgoing.recipient = far_end_->RecipientThat(behaviour);
    outgoing.message.set_subject("Missing from care");
    outgoing.message.set_text("A youth is missing from care.\n");
    outgoing.message.set_json(R"({"kind":"missing"})");
    outgoing.made_at = absl::FromUnixSeconds(1'700'000'000);
    return outgoing;
  }

  const std::unique_ptr<FarEnd> far_end_ = GetParam().make();
  Answers answers_;  // outlives the channel
  std::unique_ptr<Channel> channel_ = far_end_->NewChannel();
};

#define NEEDS(behaviour) \
  if (!far_end_->Can(behaviour)) GTEST_SKIP() << GetParam().name << " can't behave so"

TEST_P(ChannelContractTest, YesIsAcceptedAndHasArrived) {
  const ChannelAnswer answer = SendAndWait(*channel_, MessageFor(Behaviour::kAccepts, "y1_d1"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED) << answer.text;
  EXPECT_EQ(far_end_->Arrivals("y1_d1"), 1);
}

TEST_P(ChannelContractTest, RepetitionIsRecognisable) {
  for (int i = 0; i < 2; ++i) {
    const ChannelAnswer answer = SendAndWait(*channel_, MessageFor(Behaviour::kAccepts, "y1_d1"));
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED) << answer.text;
  }
  EXPECT_EQ(far_end_->Arrivals("y1_d1"), far_end_->Replaces() ? 1 : 2);
}

TEST_P(ChannelContractTest, LaterIsRetryAndNeverAYes) {
  const ChannelAnswer answer = SendAndWait(*channel_, MessageFor(Behaviour::kSaysLater, "y1_d1"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY) << answer.text;
}

TEST_P(ChannelContractTest, NoIsRefusedWithWordsWithinTheLimit) {
  const ChannelAnswer answer = SendAndWait(*channel_, MessageFor(Behaviour::kRefuses, "y1_d1"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED) << answer.text;
  EXPECT_FALSE(answer.text.empty());
  EXPECT_LE(answer.text.size(), kChannelReplyBytesMax);
}

TEST_P(ChannelContractTest, LostAnswerIsUnknown) {
  NEEDS(Behaviour::kLosesTheAnswer);
  const ChannelAnswer answer =
      SendAndWait(*channel_, MessageFor(Behaviour::kLosesTheAnswer, "y1_d1"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_UNKNOWN) << answer.text;
  EXPECT_GE(far_end_->Arrivals("y1_d1"), 1);
}

TEST_P(ChannelContractTest, HoldingRecipientDelaysNobodyAndIsUnknownAtTheEnd) {
  NEEDS(Behaviour::kHolds);
  constexpr int kHeld = 5;
  constexpr int kOthers = 20;
  for (int i = 0; i < kHeld; ++i) {
    const std::string id = absl::StrCat("y1_held", i);
    channel_->Send(MessageFor(Behaviour::kHolds, id), answers_.For(id));
  }
  ASSERT_TRUE(far_end_->WaitForArrivals(kHeld));
  for (int i = 0; i < kOthers; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    channel_->Send(MessageFor(Behaviour::kAccepts, id), answers_.For(id));
  }
  ASSERT_TRUE(answers_.WaitForCount(kOthers));
  channel_.reset();
  EXPECT_EQ(answers_.count(), static_cast<size_t>(kHeld + kOthers));
  for (int i = 0; i < kHeld; ++i) {
    const std::vector<ChannelAnswer> held = answers_.Of(absl::StrCat("y1_held", i));
    ASSERT_THAT(held, SizeIs(1));
    EXPECT_EQ(held[0].answer, v1::DELIVERY_ANSWER_UNKNOWN) << held[0].text;
  }
  for (int i = 0; i < kOthers; ++i) {
    const std::vector<ChannelAnswer> other = answers_.Of(absl::StrCat("y1_d", i));
    ASSERT_THAT(other, SizeIs(1));
    EXPECT_EQ(other[0].answer, v1::DELIVERY_ANSWER_ACCEPTED) << other[0].text;
  }
}

TEST_P(ChannelContractTest, ManyAtOnceAreEachAnsweredOnce) {
  constexpr int kSends = 100;
  for (int i = 0; i < kSends; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    channel_->Send(MessageFor(i % 4 == 0 ? Behaviour::kSaysLater : Behaviour::kAccepts, id),
                   answers_.For(id));
  }
  ASSERT_TRUE(answers_.WaitForCount(kSends));
  for (int i = 0; i < kSends; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    if (i % 4 != 0) {
      EXPECT_EQ(far_end_->Arrivals(id), 1) << id;
    }
  }
  channel_.reset();
  for (int i = 0; i < kSends; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    const std::vector<ChannelAnswer> answers = answers_.Of(id);
    ASSERT_THAT(answers, SizeIs(1)) << id;
    EXPECT_EQ(answers[0].answer,
              i % 4 == 0 ? v1::DELIVERY_ANSWER_RETRY : v1::DELIVERY_ANSWER_ACCEPTED)
        << answers[0].text;
  }
}

TEST_P(ChannelContractTest, EndWithSendsJustStartedAnswersEach) {
  constexpr int kSends = 30;
  for (int i = 0; i < kSends; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    channel_->Send(MessageFor(Behaviour::kAccepts, id), answers_.For(id));
  }
  channel_.reset();
  EXPECT_EQ(answers_.count(), static_cast<size_t>(kSends));
  for (int i = 0; i < kSends; ++i) {
    const std::string id = absl::StrCat("y1_d", i);
    const std::vector<ChannelAnswer> answers = answers_.Of(id);
    ASSERT_THAT(answers, SizeIs(1)) << id;
    // A yes isn't made up.
    if (answers[0].answer == v1::DELIVERY_ANSWER_ACCEPTED) {
      EXPECT_EQ(answers[0].text.find("stopped"), std::string::npos);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Adapters, ChannelContractTest,
    ::testing::Values(Adapter{"Memory", [] { return std::make_unique<MemoryFarEnd>(); }},
                      Adapter{"Folder", [] { return std::make_unique<FolderFarEnd>(); }},
                      Adapter{"Webhook", [] { return std::make_unique<WebhookFarEnd>(); }},
                      Adapter{"Smtp", [] { return std::make_unique<SmtpFarEnd>(); }},
                      Adapter{"Sms", [] { return std::make_unique<SmsFarEnd>(); }},
                      Adapter{"Voice", [] { return std::make_unique<VoiceFarEnd>(); }}),
    [](const auto& parameter) { return parameter.param.name; });

}  // namespace
}  // namespace porchlight::channel_contract_test
