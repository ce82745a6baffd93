// What only the e-mail channel promises: TLS or nothing, what each reply of the server means, and
// that a message arrives as it was written, whatever is in it.
#include "absl/strings/str_cat.h"
#include "common/channel/smtp_channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/answers.h"
#include "tests/support/smtp_receiver.h"

namespace porchlight::channel_smtp_test {
namespace {

using porchlight::testing::SendAndWait;
using porchlight::testing::SmtpReceiver;
using ::testing::HasSubstr;
using ::testing::Not;

SmtpOptions OptionsFor(const SmtpReceiver& receiver) {
  SmtpOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<uint16_t>(receiver.port());
  options.from = "notices@agency.example";
  options.ca_file = receiver.ca_file();
  return options;
}

Outgoing To(const std::string& name) {
  Outgoing outgoing;
  outgoing.delivery_id = "yabc_dhash";
  outgoing.recipient.set_recipient_id("police");
  outgoing.recipient.set_channel(v1::CHANNEL_KIND_EMAIL);
  outgoing.recipient.set_address(name + "@police.example");
  outgoing.message.set_subject("Missing from care");
  outgoing.message.set_text("A youth is missing from care.\n");
  outgoing.made_at = absl::FromUnixSeconds(1'700'000'000);
  return outgoing;
}

class SmtpChannelTest : public ::testing::Test {
 protected:
  // What the receiver read of the only message.
  std::string Part(const std::string& name) const { return receiver_.Part(1, name); }
  void Deliver(const Outgoing& outgoing) {
    const ChannelAnswer answer = SendAndWait(channel_, outgoing);
    ASSERT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED) << answer.text;
    ASSERT_EQ(receiver_.taken(), 1);
    EXPECT_EQ(Part("defects"), "[]");
  }

  SmtpReceiver receiver_{{}, SOURCE_DIR};
  SmtpChannel channel_{OptionsFor(receiver_)};
};

TEST_F(SmtpChannelTest, MessageIsAddressedDatedAndRecognisable) {
  Deliver(To("desk"));
  EXPECT_EQ(Part("tls"), "yes");
  EXPECT_EQ(Part("ehlo"), "agency.example");
  EXPECT_EQ(Part("mail_from"), "notices@agency.example");
  EXPECT_EQ(Part("rcpt_to"), "desk@police.example");
  EXPECT_EQ(Part("header-from"), "notices@agency.example");
  EXPECT_EQ(Part("header-to"), "desk@police.example");
  EXPECT_EQ(Part("header-subject"), "Missing from care");
  EXPECT_EQ(Part("header-date"), "Tue, 14 Nov 2023 22:13:20 +0000");
  EXPECT_EQ(Part("header-message-id"), "<yabc_dhash@agency.example>");
  EXPECT_EQ(Part("header-x-porchlight-delivery-id"), "yabc_dhash");
  EXPECT_EQ(Part("text"), "A youth is missing from care.\n");
}

TEST_F(SmtpChannelTest, RepetitionIsTheSameToTheByte) {
  SendAndWait(channel_, To("desk"));
  SendAndWait(channel_, To("desk"));
  ASSERT_EQ(receiver_.taken(), 2);
  EXPECT_EQ(receiver_.Part(1, "raw"), receiver_.Part(2, "raw"));
}

TEST_F(SmtpChannelTest, ExerciseIsSaidFirst) {
  Outgoing outgoing = To("desk");
  outgoing.exercise = true;
  Deliver(outgoing);
  EXPECT_EQ(Part("header-subject"), "[EXERCISE] Missing from care");
}

TEST_F(SmtpChannelTest, AnyLanguageArrives) {
  Outgoing outgoing = To("desk");
  const std::string subject =
      "Fehlt: Zo\xC3\xAB, \xE5\xA4\xB1\xE8\xB8\xAA, \xD0\xBF\xD1\x80\xD0\xBE\xD0\xBF\xD0\xB0\xD0"
      "\xBB, =?utf-8?Q?not=20encoded?= and on and on, so that it needs more than one line";
  outgoing.message.set_subject(subject);
  std::string text = "Zo\xC3\xAB \xF0\x9F\x8F\xA0 = home; trailing blank \nlong: ";
  for (int i = 0; i < 400; ++i) text += "\xE5\xA4\xB1";
  text += "\n";
  outgoing.message.set_text(text);
  Deliver(outgoing);
  EXPECT_EQ(Part("header-subject"), subject);
  EXPECT_EQ(Part("text"), text);
  for (char c : Part("raw")) ASSERT_LT(static_cast<unsigned char>(c), 0x80);
}

TEST_F(SmtpChannelTest, SubjectCannotBecomeAHeader) {
  Outgoing outgoing = To("desk");
  outgoing.message.set_subject("Missing\r\nBcc: other@elsewhere.example\r\n\r\nBody\nX-Other: 1");
  Deliver(outgoing);
  EXPECT_EQ(Part("rcpt_to"), "desk@police.example");
  EXPECT_EQ(Part("header-bcc"), "");
  EXPECT_EQ(Part("header-x-other"), "");
  EXPECT_THAT(Part("header-subject"), HasSubstr("Bcc: other@elsewhere.example"));
  EXPECT_EQ(Part("text"), "A youth is missing from care.\n");
}

TEST_F(SmtpChannelTest, LinesOfDotsArriveAndEndNothing) {
  Outgoing outgoing = To("desk");
  const std::string text = ".\n..\n.start\nQUIT\n\n.\nMAIL FROM:<x@y.example>\nlast\n";
  outgoing.message.set_text(text);
  Deliver(outgoing);
  EXPECT_EQ(Part("text"), text);
}

TEST_F(SmtpChannelTest, AttachmentsArriveToTheByte) {
  std::string bytes;
  for (int i = 0; i < 256 * 1000; ++i) bytes += static_cast<char>(i % 256);
  Outgoing outgoing = To("desk");
  v1::Attachment& photo = *outgoing.message.add_attachments();
  photo.set_file_name("Zo\xC3\xAB's photo \"1\".jpg");
  photo.set_media_type("image/jpeg");
  photo.set_content(bytes);
  v1::Attachment& odd = *outgoing.message.add_attachments();
  odd.set_file_name("a\r\nX-Other: 1/../b;c");
  odd.set_media_type("text/html\r\nX-Other: 1");
  odd.set_content("x");
  outgoing.message.add_attachments();  // with nothing in it
  Deliver(outgoing);
  EXPECT_EQ(Part("text"), "A youth is missing from care.\n");
  EXPECT_EQ(Part("attachment-0-name"), "Zo\xC3\xAB's photo \"1\".jpg");
  EXPECT_EQ(Part("attachment-0-type"), "image/jpeg");
  EXPECT_TRUE(Part("attachment-0-bytes") == bytes);
  EXPECT_THAT(Part("attachment-1-name"), Not(HasSubstr("/")));
  EXPECT_EQ(Part("attachment-1-type"), "application/octet-stream");
  EXPECT_EQ(Part("attachment-1-bytes"), "x");
  EXPECT_EQ(Part("attachment-2-name"), "attachment");
  EXPECT_EQ(Part("attachment-2-bytes"), "");
  EXPECT_EQ(Part("header-x-other"), "");
}

TEST_F(SmtpChannelTest, RepliesMeanWhatTheirFirstDigitSays) {
  struct Row {
    const char* name;
    v1::DeliveryAnswer answer;
    int code;
    const char* words;
  };
  for (const Row& row : {Row{"refuse", v1::DELIVERY_ANSWER_REFUSED, 550, "no such desk"},
                         Row{"later", v1::DELIVERY_ANSWER_RETRY, 451, "try again later"},
                         Row{"refuse-data", v1::DELIVERY_ANSWER_REFUSED, 554, "not here"},
                         Row{"later-data", v1::DELIVERY_ANSWER_RETRY, 452, "mailbox full"},
                         Row{"desk", v1::DELIVERY_ANSWER_ACCEPTED, 250, "taken"}}) {
    const ChannelAnswer answer = SendAndWait(channel_, To(row.name));
    EXPECT_EQ(answer.answer, row.answer) << row.name << ": " << answer.text;
    EXPECT_EQ(answer.code, row.code) << row.name;
    EXPECT_THAT(answer.text, HasSubstr(row.words)) << row.name;
  }
}

TEST_F(SmtpChannelTest, TimeIsUpAfterTheMessageIsUnknown) {
  SmtpOptions options = OptionsFor(receiver_);
  options.send_limit = absl::Milliseconds(1500);
  SmtpChannel channel(options);
  const ChannelAnswer answer = SendAndWait(channel, To("hold"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_UNKNOWN) << answer.text;
  EXPECT_EQ(receiver_.taken(), 1);
}

TEST_F(SmtpChannelTest, UntrustedCertificateIsRetryAndNothingIsSent) {
  SmtpOptions options = OptionsFor(receiver_);
  options.ca_file = "";
  SmtpChannel channel(options);
  const ChannelAnswer answer = SendAndWait(channel, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY) << answer.text;
  EXPECT_THAT(answer.text, HasSubstr("certificate"));
  EXPECT_EQ(receiver_.commands(), "");
}

TEST_F(SmtpChannelTest, BadAddressIsRefusedWithoutRepeatingIt) {
  Outgoing outgoing = To("desk");
  outgoing.recipient.set_address("desk@police.example>\r\nRCPT TO:<other@elsewhere.example");
  const ChannelAnswer answer = SendAndWait(channel_, outgoing);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, Not(HasSubstr("police")));
  EXPECT_EQ(receiver_.commands(), "");
}

TEST(SmtpTlsTest, NoTlsOfferedIsRetryAndNothingIsSentInClear) {
  SmtpReceiver receiver({.starttls = false, .user = "", .password = ""}, SOURCE_DIR);
  SmtpChannel channel(OptionsFor(receiver));
  const ChannelAnswer answer = SendAndWait(channel, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY) << answer.text;
  EXPECT_THAT(answer.text, HasSubstr("STARTTLS"));
  EXPECT_EQ(receiver.commands(), "");
  EXPECT_EQ(receiver.taken(), 0);
}

TEST(SmtpTlsTest, InClearOnlyIfSaidSo) {
  SmtpReceiver receiver({.starttls = false, .user = "", .password = ""}, SOURCE_DIR);
  SmtpOptions options = OptionsFor(receiver);
  options.tls = SmtpTls::kNone;
  SmtpChannel channel(options);
  EXPECT_EQ(SendAndWait(channel, To("desk")).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(receiver.Part(1, "tls"), "no");
}

TEST(SmtpLogInTest, RightPasswordSendsAndWrongOneSaysSo) {
  SmtpReceiver receiver({.starttls = true, .user = "agency", .password = "right"}, SOURCE_DIR);
  SmtpOptions options = OptionsFor(receiver);
  options.user = "agency";
  options.password = "right";
  SmtpChannel right(options);
  EXPECT_EQ(SendAndWait(right, To("desk")).answer, v1::DELIVERY_ANSWER_ACCEPTED);

  options.password = "wrong";
  SmtpChannel wrong(options);
  const ChannelAnswer answer = SendAndWait(wrong, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY) << answer.text;
  EXPECT_EQ(answer.code, 535);
  EXPECT_THAT(answer.text, HasSubstr("user and password"));
  EXPECT_EQ(receiver.taken(), 1);
}

TEST(SmtpConnectTest, NobodyListeningIsRetry) {
  SmtpOptions options;
  {
    SmtpReceiver gone({}, SOURCE_DIR);
    options = OptionsFor(gone);
  }
  SmtpChannel channel(options);
  const ChannelAnswer answer = SendAndWait(channel, To("desk"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(answer.text, HasSubstr("not sent"));
}

}  // namespace
}  // namespace porchlight::channel_smtp_test
