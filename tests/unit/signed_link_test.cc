// A link says what it was made to say, to the second, or nothing at all.
#include "common/edge/signed_link.h"

#include <sodium.h>

#include <algorithm>

#include "absl/strings/escaping.h"
#include "common/keys/master_key.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::signed_link_test {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

Key TestKey(unsigned char filling) {
  Key key;
  key.fill(filling);
  return key;
}

SignedLink Page() { return {"y-100_e1_p3", "dr-a", kNow + absl::Hours(2)}; }

absl::StatusCode CodeOf(absl::string_view token, absl::string_view purpose = "acknowledge") {
  return ReadLink(TestKey(1), purpose, token, kNow).status().code();
}

TEST(SignedLinkTest, SaysWhatItWasMadeOf) {
  const std::string token = MakeLink(TestKey(1), "acknowledge", Page());
  const auto link = ReadLink(TestKey(1), "acknowledge", token, kNow);
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->subject_id, "y-100_e1_p3");
  EXPECT_EQ(link->recipient_id, "dr-a");
  EXPECT_EQ(link->expires, kNow + absl::Hours(2));
  EXPECT_LT(token.size(), 70u);
  EXPECT_TRUE(std::all_of(token.begin(), token.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_';
  })) << token;
}

TEST(SignedLinkTest, HoldsAnyIds) {
  for (const SignedLink& link :
       {SignedLink{"", "", kNow + absl::Seconds(1)},
        SignedLink{std::string("\0a", 2), std::string(1000, 'x'), kNow + absl::Seconds(1)},
        SignedLink{std::string(70'000, 's'), "", kNow + absl::Seconds(1)}}) {
    const auto read = ReadLink(TestKey(1), "p", MakeLink(TestKey(1), "p", link), kNow);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->subject_id, link.subject_id);
    EXPECT_EQ(read->recipient_id, link.recipient_id);
  }
}

TEST(SignedLinkTest, ExpiresAtItsSecond) {
  const std::string token = MakeLink(TestKey(1), "acknowledge", Page());
  const auto at = [&](absl::Time now) {
    return ReadLink(TestKey(1), "acknowledge", token, now).status().code();
  };
  EXPECT_EQ(at(Page().expires - absl::Seconds(1)), absl::StatusCode::kOk);
  EXPECT_EQ(at(Page().expires), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(at(absl::InfiniteFuture()), absl::StatusCode::kFailedPrecondition);
}

TEST(SignedLinkTest, ChangedInAnyByteIsForged) {
  const std::string token = MakeLink(TestKey(1), "acknowledge", Page());
  static constexpr char kAlphabet[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+/. %\n";
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char* c = kAlphabet; *c != '\0'; ++c) {
      if (token[i] == *c) continue;
      std::string changed = token;
      changed[i] = *c;
      ASSERT_EQ(CodeOf(changed), absl::StatusCode::kPermissionDenied) << i << " " << *c;
    }
    ASSERT_EQ(CodeOf(token.substr(0, i)), absl::StatusCode::kPermissionDenied) << i;
    ASSERT_EQ(CodeOf(token.substr(i + 1)), absl::StatusCode::kPermissionDenied) << i;
  }
  for (const char* more : {"A", "=", "==", " ", "\n", "AAAA"}) {
    EXPECT_EQ(CodeOf(token + more), absl::StatusCode::kPermissionDenied) << more;
  }
}

TEST(SignedLinkTest, AnotherKeyOrPurposeIsForged) {
  EXPECT_EQ(CodeOf(MakeLink(TestKey(2), "acknowledge", Page())),
            absl::StatusCode::kPermissionDenied);
  const std::string token = MakeLink(TestKey(1), "acknowledge", Page());
  EXPECT_EQ(CodeOf(token, "confirm"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(token, ""), absl::StatusCode::kPermissionDenied);
}

TEST(SignedLinkTest, IdsCantBorrowFromEachOther) {
  const absl::Time expires = Page().expires;
  EXPECT_NE(MakeLink(TestKey(1), "p", {"ab", "c", expires}),
            MakeLink(TestKey(1), "p", {"a", "bc", expires}));
}

TEST(SignedLinkTest, KeyIsDerivedAndIsNotTheMaster) {
  EXPECT_EQ(LinkKey(TestKey(1)), LinkKey(TestKey(1)));
  EXPECT_NE(LinkKey(TestKey(1)), LinkKey(TestKey(2)));
  EXPECT_NE(LinkKey(TestKey(1)), TestKey(1));
  EXPECT_NE(LinkKey(TestKey(1)), SigningSeed(TestKey(1)));
}

// Links in messages that were sent must work after an update, too. Computed with Python's
// hashlib.blake2b.
TEST(SignedLinkTest, IsWhatTheFirstVersionMade) {
  EXPECT_EQ(MakeLink(TestKey(1), "acknowledge", Page()),
            "CrEI-EP-5SJKhNANQ-TXngAAAABlVA0gAAAAC3ktMTAwX2UxX3AzZHItYQ");
}

}  // namespace
}  // namespace porchlight::signed_link_test
