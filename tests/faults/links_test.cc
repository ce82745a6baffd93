// What comes in by HTTP, on the real server: a link in a page shows, and only its button answers;
// a telephone provider's callback counts once, and only with its signature.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/base/form.h"
#include "common/channel/twilio_account.h"
#include "common/channel/twilio_signature.h"
#include "common/rpc/client.h"
#include "porchlight/v1/oncall.grpc.pb.h"
#include "tests/support/far_ends.h"
#include "tests/support/raw_client.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"
#include "tests/support/twilio_receiver.h"

namespace porchlight::testing::links_test {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kLongest = absl::Seconds(60);
constexpr char kToken[] = "example-auth-token";
constexpr char kPublicUrl[] = "https://porchlight.example";
constexpr char kNumber[] = "+12025550101";

constexpr char kDirectory[] = R"(recipients:
  - {id: way-of-first, kind: supervisor, channel: folder, address: first, name: Example First,
     person: worker-1}
  - {id: telephone-of-first, kind: supervisor, channel: sms, address: "+12025550101",
     name: Example First, person: worker-1}
  - {id: call-of-first, kind: supervisor, channel: voice, address: "+12025550101",
     name: Example First, person: worker-1}
)";

std::string ConfigWith(int provider_port) {
  return absl::StrCat(R"(agency: {id: example-county, name: Example County, time_zone: UTC}
http: {listen: "127.0.0.1:0", public_url: "https://porchlight.example"}
sms:
  provider_url: http://127.0.0.1:)",
                      provider_port, R"(
  account_sid: AC0123
  auth_token_file: telephone.secret
  from: "+12025550100"
voice:
  provider_url: http://127.0.0.1:)",
                      provider_port, R"(
  account_sid: AC0123
  auth_token_file: telephone.secret
  from: "+12025550100"
directory_file: directory.yaml
recipients:
  - {id: police, kind: law_enforcement, channel: folder, address: police, name: Example Police}
)");
}

class Links : public ::testing::Test {
 protected:
  Links() {
    WriteTextFile(folder_.path() + "/telephone.secret", absl::StrCat(kToken, "\n"));
    WriteTextFile(folder_.path() + "/directory.yaml", kDirectory);
    WriteTextFile(folder_.path() + "/porchlight.yaml", ConfigWith(telephone_.http().port()));
    Start();
  }

  void Start() {
    server_ = std::make_unique<ServerProcess>(
        ServerOptions{.program = BINARY_DIR "/porchlight",
                      .data = data_.path() + "/data",
                      .config_file = folder_.path() + "/porchlight.yaml",
                      .error_file = absl::StrCat(folder_.path(), "/errors-", ++starts_)});
    ASSERT_TRUE(server_->WaitUntilReady()) << server_->errors();
    const std::string said = server_->errors();
    const std::string name = "\"http\":\"";
    const size_t at = said.find(name);
    ASSERT_NE(at, std::string::npos) << said;
    const size_t begin = at + name.size();
    http_address_ = said.substr(begin, said.find('"', begin) - begin);
  }

  // The youth's first alert, once its person was paged in every way.
  void Report(const std::string& youth_id) {
    ASSERT_TRUE(ReportUntilAccepted(server_->address(), {PlantedReport(youth_id)}).again.empty());
    const auto paged = [&] {
      const v1::Alert alert = AlertOf(youth_id);
      int delivered = 0;
      for (const v1::AlertPage& page : alert.pages())
        delivered += page.state() == v1::DELIVERY_STATE_DELIVERED;
      return delivered == 3;
    };
    ASSERT_TRUE(WaitUntil(paged, kLongest)) << AlertOf(youth_id).DebugString();
  }

  v1::Alert AlertOf(const std::string& youth_id) {
    const auto stub = v1::Oncall::NewStub(rpc::NewChannel(server_->address()));
    v1::ListAlertsRequest request;
    request.set_episode_id(youth_id + "_e1");
    grpc::ClientContext context;
    rpc::PrepareCall(context, kLongest);
    v1::ListAlertsReply reply;
    if (!stub->ListAlerts(&context, request, &reply).ok() || reply.alerts().empty()) return {};
    return reply.alerts(0);
  }

  // Of the link in the page that was written for this youth.
  std::string LinkPath(const std::string& youth_id) {
    for (const auto& [name, text] : AllFiles(data_.path() + "/data/outbox/first")) {
      const size_t begin = text.find("/acknowledge/");
      if (text.find(youth_id + "_e1") == std::string::npos || begin == std::string::npos) continue;
      if (!name.ends_with(".txt")) continue;
      return text.substr(begin, text.find_first_of(" \n", begin) - begin);
    }
    return "";
  }

  RawClient::Response Ask(const std::string& method, const std::string& path,
                          const std::string& body = "", const std::string& signature = "") {
    RawClient client(http_address_);
    client.Send(absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: porchlight.example\r\n",
                             "Content-Type: application/x-www-form-urlencoded\r\n",
                             signature.empty() ? "" : "X-Twilio-Signature: ", signature,
                             signature.empty() ? "" : "\r\n", "Content-Length: ", body.size(),
                             "\r\nConnection: close\r\n\r\n", body));
    return client.Read(method == "HEAD").value_or(RawClient::Response());
  }

  // A text message from the person's telephone, as the provider would tell of it.
  RawClient::Response Text(const std::string& message_id, const std::string& token = kToken) {
    return Signed("/callbacks/sms",
                  {{"From", kNumber}, {"Body", "ACK"}, {"MessageSid", message_id}}, token);
  }

  // What the newest call asks to be told of the key that was pressed.
  std::string CallPath() {
    std::string path;
    for (const HttpReceiver::Request& request : telephone_.http().requests()) {
      const std::string script = FormField(request, "Twiml");
      const size_t begin = script.find("/callbacks/voice/");
      if (begin != std::string::npos) path = script.substr(begin, script.find('"', begin) - begin);
    }
    return path;
  }

  RawClient::Response Signed(const std::string& path, const FormFields& form,
                             const std::string& token = kToken) {
    return Ask("POST", path, EncodeForm(form),
               SignTwilio(token, absl::StrCat(kPublicUrl, path), form));
  }

  DataFolder data_;
  TemporaryFolder folder_;
  TwilioReceiver telephone_;
  std::unique_ptr<ServerProcess> server_;
  std::string http_address_;
  int starts_ = 0;
};

TEST_F(Links, WhatAMailScannerDoesAnswersNothing) {
  Report("youth-1");
  const std::string path = LinkPath("youth-1");
  ASSERT_NE(path, "");
  const RawClient::Response shown = Ask("GET", path);
  EXPECT_EQ(shown.status, 200);
  EXPECT_THAT(shown.body, HasSubstr("<form method=\"post\">"));
  EXPECT_EQ(shown.headers.at("cache-control"), "no-store");
  EXPECT_EQ(Ask("HEAD", path).status, 200);
  EXPECT_EQ(Ask("OPTIONS", path).status, 405);
  EXPECT_EQ(Ask("GET", path).status, 200);
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_OPEN);
  EXPECT_EQ(AlertOf("youth-1").answers_size(), 0);

  EXPECT_EQ(Ask("POST", path).status, 200);
  const v1::Alert answered = AlertOf("youth-1");
  EXPECT_EQ(answered.state(), v1::ALERT_STATE_ACKNOWLEDGED);
  ASSERT_EQ(answered.answers_size(), 1);
  EXPECT_EQ(answered.answers(0).person_id(), "worker-1");
  EXPECT_EQ(answered.answers(0).how(), v1::REACHED_BY_WEB);
  EXPECT_EQ(Ask("POST", path).status, 200) << "twice is as good as once";
  EXPECT_EQ(AlertOf("youth-1").SerializeAsString(), answered.SerializeAsString());
  EXPECT_THAT(Ask("GET", path).body, HasSubstr("This is over"));
}

TEST_F(Links, AChangedLinkIsRefusedAndAnswersNothing) {
  Report("youth-1");
  std::string path = LinkPath("youth-1");
  ASSERT_NE(path, "");
  path[path.size() / 2] = path[path.size() / 2] == 'A' ? 'B' : 'A';
  for (const char* method : {"GET", "POST"}) {
    const RawClient::Response refused = Ask(method, path);
    EXPECT_EQ(refused.status, 403);
    EXPECT_EQ(refused.body.find("youth-1"), std::string::npos) << "says nothing of the alert";
  }
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_OPEN);
}

TEST_F(Links, ALinkHoldsAfterAKill) {
  Report("youth-1");
  const std::string path = LinkPath("youth-1");
  server_->child().Kill();
  Start();
  EXPECT_EQ(Ask("POST", path).status, 200);
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_ACKNOWLEDGED);
}

TEST_F(Links, AForgedOrRepeatedCallbackAnswersNothing) {
  Report("youth-1");
  EXPECT_EQ(Text("SM1", "another-token").status, 403);
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_OPEN);
  EXPECT_THAT(Text("SM1").body, HasSubstr("Thank you"));
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_ACKNOWLEDGED);
  Report("youth-2");
  EXPECT_THAT(Text("SM1").body, HasSubstr("Nothing is open"));
  EXPECT_EQ(AlertOf("youth-2").state(), v1::ALERT_STATE_OPEN);
  EXPECT_THAT(Text("SM2").body, HasSubstr("Thank you"));
  EXPECT_EQ(AlertOf("youth-2").state(), v1::ALERT_STATE_ACKNOWLEDGED);
}

TEST_F(Links, AKeyPressedInACallAnswers) {
  Report("youth-1");
  const std::string path = CallPath();
  ASSERT_NE(path, "");
  EXPECT_EQ(Signed(path, {{"Digits", "1"}}, "another-token").status, 403);
  EXPECT_EQ(Signed(path + "x", {{"Digits", "1"}}).status, 200);
  EXPECT_THAT(Signed(path, {{"Digits", "2"}}).body, HasSubstr("nothing is recorded"));
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_OPEN);
  const RawClient::Response answer = Signed(path, {{"Digits", "1"}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("<Say>Thank you. It is recorded that you have this."));
  EXPECT_EQ(AlertOf("youth-1").state(), v1::ALERT_STATE_ACKNOWLEDGED);
}

TEST_F(Links, WhatBecameOfAMessageIsLoggedWhereTheProviderSaysSo) {
  const std::string path = absl::StrCat(kTwilioStatusPath, "?delivery=youth-1_d1");
  EXPECT_EQ(Signed(path, {{"MessageStatus", "undelivered"}}, "another-token").status, 403);
  EXPECT_EQ(
      Signed(path, {{"MessageStatus", "undelivered"}, {"ErrorCode", "30005"}, {"To", kNumber}})
          .status,
      200);
  EXPECT_EQ(Signed(path, {{"CallSid", "CA1"}, {"CallStatus", "not a word"}}).status, 200);
  const std::string said = server_->errors();
  EXPECT_THAT(said, HasSubstr("\"delivery_id\":\"youth-1_d1\",\"status\":\"undelivered\""));
  EXPECT_THAT(said, HasSubstr("\"status\":\"unreadable\""));
  EXPECT_THAT(said, ::testing::Not(HasSubstr(kNumber)));
}

TEST_F(Links, ACallbackRepeatedAfterAKillAnswersNothingNewer) {
  Report("youth-1");
  EXPECT_THAT(Text("SM1").body, HasSubstr("Thank you"));
  server_->child().Kill();
  Start();
  Report("youth-2");
  Text("SM1");
  EXPECT_EQ(AlertOf("youth-2").state(), v1::ALERT_STATE_OPEN);
}

}  // namespace
}  // namespace porchlight::testing::links_test
