// What only the webhook channel promises: signed requests, and which HTTP outcome means what.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/channel/webhook_channel.h"
#include "common/channel/webhook_signature.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/answers.h"
#include "tests/support/http_receiver.h"
#include "tests/support/receiver_process.h"

namespace porchlight::channel_webhook_test {
namespace {

using porchlight::testing::Answers;
using porchlight::testing::HttpReceiver;
using porchlight::testing::SendAndWait;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);
constexpr char kSecret[] = "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=";

class WebhookChannelTest : public ::testing::Test {
 protected:
  WebhookOptions Options() const {
    WebhookOptions options;
    options.secrets["police"] = *ParseWebhookSecret(kSecret);
    return options;
  }
  Outgoing To(const std::string& url) const {
    Outgoing outgoing;
    outgoing.delivery_id = "yabc_dhash";
    outgoing.recipient.set_recipient_id("police");
    outgoing.recipient.set_channel(v1::CHANNEL_KIND_WEBHOOK);
    outgoing.recipient.set_address(url);
    outgoing.message.set_json("{\"subject\":\"Missing from care: Zo\xC3\xAB\",\"n\":1}");
    return outgoing;
  }
  ChannelAnswer Send(const std::string& path) {
    return SendAndWait(channel_, To(receiver_.Url(path)));
  }

  HttpReceiver receiver_;
  ManualClock clock_{kNow};
  WebhookChannel channel_{Options(), clock_};
};

TEST_F(WebhookChannelTest, SendsTheJsonSigned) {
  ASSERT_EQ(Send("/hook?desk=1").answer, v1::DELIVERY_ANSWER_ACCEPTED);
  ASSERT_THAT(receiver_.requests(), SizeIs(1));
  const HttpReceiver::Request request = receiver_.requests()[0];
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.path, "/hook?desk=1");
  EXPECT_EQ(request.body, "{\"subject\":\"Missing from care: Zo\xC3\xAB\",\"n\":1}");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_EQ(request.headers.at("webhook-id"), "yabc_dhash");
  EXPECT_EQ(request.headers.at("webhook-timestamp"), "1700000000");
  // The same vector as in tests/unit/webhook_signature_test.cc, from the reference library.
  EXPECT_EQ(request.headers.at("webhook-signature"),
            "v1,aMbkXSO4HunLP57gQKDaoRCtgbjK79XpnfGtYKxR388=");
  EXPECT_EQ(request.headers.count("porchlight-exercise"), 0u);
  EXPECT_EQ(request.headers.count("expect"), 0u);
}

TEST_F(WebhookChannelTest, LaterAttemptIsSignedAtItsOwnTimeWithTheSameId) {
  Send("/hook");
  clock_.Advance(absl::Minutes(10));
  Send("/hook");
  ASSERT_THAT(receiver_.requests(), SizeIs(2));
  EXPECT_EQ(receiver_.requests()[1].headers.at("webhook-timestamp"), "1700000600");
  EXPECT_EQ(receiver_.requests()[1].headers.at("webhook-id"), "yabc_dhash");
}

TEST_F(WebhookChannelTest, ExerciseSaysSo) {
  Outgoing outgoing = To(receiver_.Url("/hook"));
  outgoing.exercise = true;
  SendAndWait(channel_, outgoing);
  EXPECT_EQ(receiver_.requests()[0].headers.at("porchlight-exercise"), "true");
}

TEST_F(WebhookChannelTest, ConnectionIsKeptForTheNext) {
  for (int i = 0; i < 10; ++i) Send("/hook");
  for (const HttpReceiver::Request& request : receiver_.requests()) {
    EXPECT_EQ(request.connection, 1);
  }
}

TEST_F(WebhookChannelTest, LargeBodyArrivesWhole) {
  Outgoing outgoing = To(receiver_.Url("/hook"));
  outgoing.message.set_json(std::string(8 << 20, 'j'));
  EXPECT_EQ(SendAndWait(channel_, outgoing).answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(receiver_.requests()[0].body, outgoing.message.json());
}

TEST_F(WebhookChannelTest, EveryStatusMeansWhatTheRecordSays) {
  for (int status : {200, 201, 202, 204, 299}) {
    receiver_.Always("/hook", {.status = status});
    const ChannelAnswer answer = Send("/hook");
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED) << status;
    EXPECT_EQ(answer.code, status);
  }
  for (int status : {408, 425, 429, 500, 501, 502, 503, 504, 599}) {
    receiver_.Always("/hook", {.status = status});
    const ChannelAnswer answer = Send("/hook");
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY) << status;
    EXPECT_EQ(answer.code, status);
  }
  for (int status : {300, 301, 302, 307, 308, 400, 401, 403, 404, 405, 410, 413, 422}) {
    receiver_.Always("/hook", {.status = status});
    const ChannelAnswer answer = Send("/hook");
    EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED) << status;
    EXPECT_EQ(answer.code, status);
  }
}

TEST_F(WebhookChannelTest, RedirectIsNotFollowed) {
  receiver_.Always("/hook", {.status = 307, .headers = {{"Location", receiver_.Url("/other")}}});
  const ChannelAnswer answer = Send("/hook");
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, HasSubstr("final URL"));
  EXPECT_THAT(receiver_.requests(), SizeIs(1));
}

TEST_F(WebhookChannelTest, RetryAfterIsTakenAsSecondsOrDate) {
  const auto after = [&](const std::string& value) {
    receiver_.Always("/hook", {.status = 429, .headers = {{"Retry-After", value}}});
    return Send("/hook").retry_after;
  };
  EXPECT_EQ(after("120"), absl::Seconds(120));
  EXPECT_EQ(after("Tue, 14 Nov 2023 22:14:20 GMT"), absl::Seconds(60));
  EXPECT_EQ(after("Tue, 14 Nov 2023 22:13:00 GMT"), absl::ZeroDuration());
  EXPECT_EQ(after("-5"), absl::ZeroDuration());
  EXPECT_EQ(after("soon"), absl::ZeroDuration());
  EXPECT_EQ(after("999999999"), absl::Hours(24));
  EXPECT_EQ(after("99999999999999999999999"), absl::ZeroDuration());
}

TEST_F(WebhookChannelTest, ReplyIsKeptAndCutBetweenCharacters) {
  receiver_.Always("/hook", {.status = 400, .body = "no such desk"});
  EXPECT_EQ(Send("/hook").text, "no such desk");
  std::string long_body = "x";
  for (int i = 0; i < 2000; ++i) long_body += "\xC3\xAB";
  receiver_.Always("/hook", {.status = 400, .body = long_body});
  EXPECT_EQ(Send("/hook").text, long_body.substr(0, kChannelReplyBytesMax - 1));
  receiver_.Always("/hook", {.status = 200, .body = std::string(4 << 20, 'x')});
  const ChannelAnswer answer = Send("/hook");
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(answer.text.size(), kChannelReplyBytesMax);
}

TEST_F(WebhookChannelTest, StatusCountsThoughTheBodyBreaksOff) {
  HttpReceiver::Reply reply;
  reply.body = std::string(100, 'x');
  reply.fault = HttpReceiver::Fault::kHangUpInBody;
  receiver_.Always("/hook", reply);
  EXPECT_EQ(Send("/hook").answer, v1::DELIVERY_ANSWER_ACCEPTED);
  reply.status = 500;
  receiver_.Always("/hook", reply);
  EXPECT_EQ(Send("/hook").answer, v1::DELIVERY_ANSWER_RETRY);
}

TEST_F(WebhookChannelTest, NobodyListeningIsRetry) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const ChannelAnswer answer =
      SendAndWait(channel_, To(absl::StrCat("http://127.0.0.1:", ntohs(address.sin_port), "/")));
  close(fd);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_EQ(answer.code, 0);
  EXPECT_THAT(answer.text, HasSubstr("not sent"));
}

TEST_F(WebhookChannelTest, NameThatDoesNotResolveIsRetry) {
  const ChannelAnswer answer = SendAndWait(channel_, To("https://nowhere.invalid/"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(answer.text, HasSubstr("not sent"));
}

TEST_F(WebhookChannelTest, HungUpBeforeReadingIsNoYes) {
  receiver_.Always("*", {.fault = HttpReceiver::Fault::kHangUpUnread});
  const ChannelAnswer answer = Send("/hook");
  EXPECT_TRUE(answer.answer == v1::DELIVERY_ANSWER_UNKNOWN ||
              answer.answer == v1::DELIVERY_ANSWER_RETRY)
      << answer.answer;
}

TEST_F(WebhookChannelTest, TimeIsUpIsUnknown) {
  receiver_.Always("/hook", {.fault = HttpReceiver::Fault::kHold});
  WebhookOptions options = Options();
  options.send_limit = absl::Milliseconds(200);
  WebhookChannel channel(options, clock_);
  const ChannelAnswer answer = SendAndWait(channel, To(receiver_.Url("/hook")));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_UNKNOWN);
  EXPECT_EQ(receiver_.count("yabc_dhash"), 1);
}

// The far end closed the kept connection meanwhile; the next send must not suffer from it.
TEST_F(WebhookChannelTest, KeptConnectionThatDiedIsReplaced) {
  Send("/hook");
  receiver_.Next("/hook", {.headers = {{"Connection", "close"}}});
  EXPECT_EQ(Send("/hook").answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(Send("/hook").answer, v1::DELIVERY_ANSWER_ACCEPTED);
  EXPECT_EQ(receiver_.requests().back().connection, 2);
}

TEST_F(WebhookChannelTest, NothingIsSentUnsigned) {
  Outgoing outgoing = To(receiver_.Url("/hook"));
  outgoing.recipient.set_recipient_id("court");
  const ChannelAnswer answer = SendAndWait(channel_, outgoing);
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, HasSubstr("court"));
  EXPECT_THAT(answer.text, HasSubstr("secret"));
  EXPECT_THAT(receiver_.requests(), SizeIs(0));
}

TEST_F(WebhookChannelTest, BadAddressIsRefusedWithoutRepeatingIt) {
  const ChannelAnswer answer = SendAndWait(channel_, To("http://police.invalid/hook"));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_REFUSED);
  EXPECT_THAT(answer.text, HasSubstr("https://"));
  EXPECT_THAT(answer.text, ::testing::Not(HasSubstr("police")));
}

TEST_F(WebhookChannelTest, OnlyATrustedCertificateGetsTheMessage) {
  porchlight::testing::TemporaryFolder folder;
  porchlight::testing::MakeCertificate(folder.path());
  const std::string certificate = folder.path() + "/certificate.pem";
  porchlight::testing::ReceiverProcess receiver(
      {std::string(SOURCE_DIR) + "/tests/support/https_receiver.py", "--certificate", certificate,
       "--key", folder.path() + "/key.pem"});
  const std::string url = absl::StrCat("https://127.0.0.1:", receiver.port(), "/hook");

  ChannelAnswer answer = SendAndWait(channel_, To(url));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
  EXPECT_THAT(answer.text, HasSubstr("not sent"));

  WebhookOptions options = Options();
  options.ca_file = certificate;
  WebhookChannel trusting(options, clock_);
  answer = SendAndWait(trusting, To(url));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_ACCEPTED) << answer.text;
  EXPECT_EQ(answer.text, "yabc_dhash");

  // The same certificate doesn't make another name right.
  answer = SendAndWait(trusting, To(absl::StrCat("https://localhost:", receiver.port(), "/hook")));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);

  options.ca_file = folder.path() + "/missing.pem";
  WebhookChannel misconfigured(options, clock_);
  answer = SendAndWait(misconfigured, To(url));
  EXPECT_EQ(answer.answer, v1::DELIVERY_ANSWER_RETRY);
}

}  // namespace
}  // namespace porchlight::channel_webhook_test
