// Signatures are checked against what the provider's own Python library makes.
#include "common/channel/twilio_signature.h"

#include "gtest/gtest.h"

namespace porchlight::twilio_signature_test {
namespace {

constexpr char kToken[] = "planted-token-0123456789abcdef";
constexpr char kUrl[] = "https://porchlight.example/twilio/status?delivery=y-100_e1_d1";

FormFields Fields() {
  return {{"MessageStatus", "delivered"},
          {"MessageSid", "SM0123"},
          {"To", "+12025550101"},
          {"From", "+12025550100"},
          {"Body", "Zo\xC3\xAB & co"}};
}

// Made by `twilio` 9.13.0 from PyPI: RequestValidator(kToken).compute_signature(kUrl, fields)
TEST(TwilioSignatureTest, IsThatOfTheReferenceLibrary) {
  EXPECT_EQ(SignTwilio(kToken, kUrl, Fields()), "0mkevhGZePI2GXjyyAI1rIKiHAc=");
  EXPECT_EQ(SignTwilio(kToken, kUrl, {}), "Zrrc7AGZ8eCCgS6p0W0bD4qLC2c=");
}

// By Python's hmac: sorted by name, then value, each pair once.
TEST(TwilioSignatureTest, RepeatedNamesAreSortedAndTakenOnce) {
  EXPECT_EQ(SignTwilio(kToken, kUrl, {{"a", "2"}, {"a", "1"}, {"B", "x"}, {"a", "1"}}),
            "5iY8cYxmYXd1JcGAe7J3F/5QtD4=");
}

TEST(TwilioSignatureTest, HoldsForThisCallbackOnly) {
  const std::string signature = SignTwilio(kToken, kUrl, Fields());
  EXPECT_TRUE(IsSignedByTwilio(kToken, kUrl, Fields(), signature));
  EXPECT_FALSE(IsSignedByTwilio("another-token", kUrl, Fields(), signature));
  EXPECT_FALSE(IsSignedByTwilio(kToken, "https://porchlight.example/twilio/status?delivery=y-2",
                                Fields(), signature));
  for (size_t i = 0; i < Fields().size(); ++i) {
    FormFields changed = Fields();
    changed[i].second += "x";
    EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, changed, signature)) << i;
    changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, changed, signature)) << i;
  }
  FormFields more = Fields();
  more.emplace_back("Digits", "1");
  EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, more, signature));
}

TEST(TwilioSignatureTest, ForgedInAnyCharacterIsNone) {
  const std::string signature = SignTwilio(kToken, kUrl, Fields());
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string forged = signature;
    forged[i] = forged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, Fields(), forged)) << i;
    EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, Fields(), signature.substr(0, i))) << i;
  }
  EXPECT_FALSE(IsSignedByTwilio(kToken, kUrl, Fields(), signature + "="));
}

TEST(TwilioSignatureTest, WithoutATokenNothingIsSigned) {
  EXPECT_FALSE(IsSignedByTwilio("", kUrl, Fields(), SignTwilio("", kUrl, Fields())));
}

}  // namespace
}  // namespace porchlight::twilio_signature_test
