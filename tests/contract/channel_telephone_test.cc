// What only text messages and voice calls promise: what is asked of the provider, and what its
// answers mean.
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/channel/sms_channel.h"
#include "common/channel/voice_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/answers.h"
#include "tests/support/twilio_receiver.h"

namespace porchlight::channel_telephone_test {
namespace {

using porchlight::testing::FormField;
using porchlight::testing::HttpReceiver;
using porchlight::testing::SendAndWait;
using porchlight::testing::TwilioReceiver;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class TelephoneTest : public ::testing::Test {
 protected:
  Outgoing To(const std::string& number) const {
    Outgoing outgoing;
    outgoing.delivery_id = "yabc_dhash";
    outgoing.recipient.set_recipient_id("supervisor");
    outgoing.recipient.set_address(number);
    outgoing.message.set_subject("The subject isn't sent");
    outgoing.message.set_text("Zo\xC3\xAB is missing from care.\nhttps://p.example/a/b");
    outgoing.message.set_json("{\"not\":\"sent\"}");
    return outgoing;
  }
  ChannelAnswer AnswerTo(HttpReceiver::Reply reply) {
    receiver_.http().Next(TwilioReceiver::kAccepts, std::move(reply));
    return SendAndWait(sms_, To(TwilioReceiver::kAccepts));
  }

  TwilioReceiver receiver_;
  ManualClock clock_{absl::FromUnixSeconds(1'700'000'000)};
  SmsChannel sms_{receiver_.Options(), clock_};
  VoiceChannel voice_{receiver_.Options(), clock_};
};

TEST_F(TelephoneTest, TextMessageIsTheTextAndNothingElse) {
  const ChannelAnswer answer = SendAndWait(sms_, To(TwilioReceiver::kAccepts));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(answer.code, 201);
  EXPECT_EQ(answer.text, "sid SM1");
  ASSERT_THAT(receiver_.http().requests(), SizeIs(1));
  const HttpReceiver::Request request = receiver_.http().requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/2010-04-01/Accounts/AC0123/Messages.json");
  EXPECT_EQ(request.headers.at("content-type"), "application/x-www-form-urlencoded");
  EXPECT_EQ(request.headers.at("authorization"),
            absl::StrCat("Basic ", absl::Base64Escape("AC0123:planted-token")));
  EXPECT_EQ(FormField(request, "To"), TwilioReceiver::kAccepts);
  EXPECT_EQ(FormField(request, "From"), "+12025550100");
  EXPECT_EQ(FormField(request, "Body"), "Zo\xC3\xAB is missing from care.\nhttps://p.example/a/b");
  EXPECT_EQ(FormField(request, "StatusCallback"),
            "https://porchlight.example/twilio/status?delivery=yabc_dhash");
  EXPECT_THAT(*ParseForm(request.body), SizeIs(4));
}

TEST_F(TelephoneTest, CallReadsTheTextOut) {
  const ChannelAnswer answer = SendAndWait(voice_, To(TwilioReceiver::kAccepts));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED);
  ASSERT_THAT(receiver_.http().requests(), SizeIs(1));
  const HttpReceiver::Request request = receiver_.http().requests()[0];
  EXPECT_EQ(request.path, "/2010-04-01/Accounts/AC0123/Calls.json");
  EXPECT_EQ(FormField(request, "Twiml"), VoiceScript(To("").message, false));
  EXPECT_THAT(*ParseForm(request.body), SizeIs(4));
}

TEST_F(TelephoneTest, ExerciseSaysSoFirst) {
  Outgoing outgoing = To(TwilioReceiver::kAccepts);
  outgoing.exercise = true;
  SendAndWait(sms_, outgoing);
  SendAndWait(voice_, outgoing);
  ASSERT_THAT(receiver_.http().requests(), SizeIs(2));
  EXPECT_THAT(FormField(receiver_.http().requests()[0], "Body"),
              ::testing::StartsWith("[EXERCISE] Zo"));
  EXPECT_THAT(FormField(receiver_.http().requests()[1], "Twiml"),
              HasSubstr(">This is an exercise. Zo"));
}

TEST(VoiceScriptTest, AsksForAKeyWhereItCanBeAcknowledged) {
  v1::Message message;
  message.set_text("A <b> & \"c\" 'd'\x01");
  EXPECT_EQ(VoiceScript(message, false),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>"
            "<Say loop=\"2\">A &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos; </Say></Response>");
  message.set_acknowledge_url("https://p.example/a/b?x=1&y=2");
  EXPECT_EQ(VoiceScript(message, false),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Pause length=\"1\"/>"
            "<Gather numDigits=\"1\" timeout=\"10\" method=\"POST\" "
            "action=\"https://p.example/a/b?x=1&amp;y=2\">"
            "<Say loop=\"2\">A &lt;b&gt; &amp; &quot;c&quot; &apos;d&apos;  "
            "Press 1 to say that you have this.</Say></Gather>"
            "<Say>Nothing was pressed. Goodbye.</Say></Response>");
}

TEST_F(TelephoneTest, RefusalHasTheProvidersCodeAndWords) {
  const ChannelAnswer answer = AnswerTo(
      {.status = 400, .body = TwilioReceiver::Refusal(21610, "The recipient has opted out")});
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_EQ(answer.code, 400);
  EXPECT_EQ(answer.text, "error 21610: The recipient has opted out");
  EXPECT_EQ(AnswerTo({.status = 401, .body = "no JSON"}).text, "no JSON");
}

TEST_F(TelephoneTest, TooManyAtOnceIsLaterWhenTheProviderSays) {
  const ChannelAnswer answer =
      AnswerTo({.status = 429,
                .headers = {{"Retry-After", "7"}},
                .body = TwilioReceiver::Refusal(20429, "Too Many Requests")});
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_EQ(answer.retry_after, absl::Seconds(7));
  EXPECT_EQ(answer.text, "error 20429: Too Many Requests");
}

TEST_F(TelephoneTest, YesWithoutASidIsNone) {
  for (const char* body : {"", "<html>Welcome</html>", "{}", "{\"sid\":\"\"}", "{\"sid\":null}",
                           "{\"sid\":7}", "[\"sid\"]", "{\"sid\":\"SM1\""}) {
    const ChannelAnswer answer = AnswerTo({.status = 200, .body = body});
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_UNKNOWN) << body;
    EXPECT_THAT(answer.text, HasSubstr("provider_url"));
  }
}

TEST_F(TelephoneTest, TimeIsUpIsUnknown) {
  TwilioOptions options = receiver_.Options();
  options.send_limit = absl::Milliseconds(200);
  SmsChannel sms(options, clock_);
  EXPECT_EQ(SendAndWait(sms, To(TwilioReceiver::kHolds)).answer, v1::DELIVERY_ANSWER_UNKNOWN);
}

TEST_F(TelephoneTest, TooLongIsRefusedWhole) {
  Outgoing outgoing = To(TwilioReceiver::kAccepts);
  std::string longest;
  for (size_t i = 0; i < kSmsCharactersMax; ++i) longest += "\xC3\xAB";
  outgoing.message.set_text(longest);
  EXPECT_EQ(SendAndWait(sms_, outgoing).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  outgoing.message.set_text(longest + "x");
  ChannelAnswer answer = SendAndWait(sms_, outgoing);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, HasSubstr("1600"));
  outgoing.message.set_text(std::string(kVoiceScriptBytesMax, 'x'));
  answer = SendAndWait(voice_, outgoing);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, HasSubstr("too long"));
  // Beyond the Basic Multilingual Plane a character counts twice.
  std::string candles;
  for (size_t i = 0; i < kSmsCharactersMax / 2; ++i) candles += "\xF0\x9F\x95\xAF";
  outgoing.message.set_text(candles);
  EXPECT_EQ(SendAndWait(sms_, outgoing).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  outgoing.message.set_text(candles + "x");
  EXPECT_EQ(SendAndWait(sms_, outgoing).answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(receiver_.http().requests(), SizeIs(2));
}

TEST_F(TelephoneTest, NoTextOrNoNumberIsRefused) {
  Outgoing outgoing = To(TwilioReceiver::kAccepts);
  outgoing.message.clear_text();
  outgoing.exercise = true;
  for (Channel* channel : {static_cast<Channel*>(&sms_), static_cast<Channel*>(&voice_)}) {
    EXPECT_EQ(SendAndWait(*channel, outgoing).answer, v1::DELIVERY_ANSWER_REFUSED);
    const ChannelAnswer answer = SendAndWait(*channel, To("202-555-0101"));
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
    EXPECT_THAT(answer.text, Not(HasSubstr("0101")));
  }
  EXPECT_THAT(receiver_.http().requests(), SizeIs(0));
}

}  // namespace
}  // namespace porchlight::channel_telephone_test
