// Signatures are checked against what the specification's own Python library makes.
#include "common/channel/webhook_signature.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::webhook_signature_test {
namespace {

constexpr char kSecret[] = "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=";

// Made by `standardwebhooks` 1.1.0 from PyPI:
//   Webhook(kSecret).sign("yabc_dhash", datetime.fromtimestamp(1700000000, tz=timezone.utc), body)
TEST(WebhookSignatureTest, IsThatOfTheReferenceLibrary) {
  const auto secret = ParseWebhookSecret(kSecret);
  ASSERT_TRUE(secret.ok()) << secret.status();
  EXPECT_EQ(*secret, "porchlight-test-secret-32bytes!!");
  EXPECT_EQ(SignWebhook(*secret, "yabc_dhash", 1'700'000'000,
                        "{\"subject\":\"Missing from care: Zo\xC3\xAB\",\"n\":1}"),
            "v1,aMbkXSO4HunLP57gQKDaoRCtgbjK79XpnfGtYKxR388=");
}

TEST(WebhookSignatureTest, CoversIdTimeAndBody) {
  const std::string secret = *ParseWebhookSecret(kSecret);
  const std::string signature = SignWebhook(secret, "id", 1, "body");
  EXPECT_NE(signature, SignWebhook(secret, "ie", 1, "body"));
  EXPECT_NE(signature, SignWebhook(secret, "id", 2, "body"));
  EXPECT_NE(signature, SignWebhook(secret, "id", 1, "bodies"));
  EXPECT_NE(signature, SignWebhook(secret + "x", "id", 1, "body"));
}

TEST(ParseWebhookSecretTest, TakesALineOfAFile) {
  EXPECT_TRUE(ParseWebhookSecret(std::string(kSecret) + "\n").ok());
}

TEST(ParseWebhookSecretTest, RefusesWithoutRepeatingIt) {
  for (const char* text :
       {"", "whsec_", "cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=", "whsec_c2hvcnQ=",
        "whsec_not base64 at all, but long enough to be one",
        "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISFwb3JjaGxpZ2h0LXRlc3Qtc2"
        "VjcmV0LTMyYnl0ZXMhIXBvcmNobGlnaHQtdGVzdC1zZWNyZXQtMzJieXRlcyEh"}) {
    const auto secret = ParseWebhookSecret(text);
    EXPECT_EQ(secret.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(secret.status().message()),
                ::testing::Not(::testing::HasSubstr("cG9yY2")));
  }
}

}  // namespace
}  // namespace porchlight::webhook_signature_test
