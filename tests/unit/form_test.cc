// Forms and queries are read back as written, and broken ones refused.
#include "common/base/form.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace porchlight::form_test {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

TEST(FormTest, EncodesAllButUnreservedCharacters) {
  EXPECT_EQ(PercentEncode("aZ9-._~"), "aZ9-._~");
  EXPECT_EQ(PercentEncode("+1 &=%/\xC3\xAB"), "%2B1%20%26%3D%25%2F%C3%AB");
  EXPECT_EQ(EncodeForm({{"To", "+12025550101"}, {"Body", "a=b&c"}}),
            "To=%2B12025550101&Body=a%3Db%26c");
}

TEST(FormTest, ReadsBackEveryByte) {
  std::string every;
  for (int byte = 0; byte < 256; ++byte) every += static_cast<char>(byte);
  const auto fields = ParseForm(EncodeForm({{every, every}, {"", "x"}}));
  ASSERT_TRUE(fields.ok()) << fields.status();
  EXPECT_THAT(*fields, ElementsAre(Pair(every, every), Pair("", "x")));
}

TEST(FormTest, TakesWhatBrowsersSend) {
  EXPECT_THAT(*ParseForm("a=1+2&b&&c==&a=%2b"),
              ElementsAre(Pair("a", "1 2"), Pair("b", ""), Pair("c", "="), Pair("a", "+")));
  EXPECT_THAT(*ParseForm(""), ElementsAre());
}

TEST(FormTest, RefusesBrokenSequences) {
  for (const char* text : {"%", "a=%4", "a=%zz", "%=b", "a=b%"}) {
    EXPECT_EQ(ParseForm(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace porchlight::form_test
