// What people read of a pack: all of it, in lines that fit.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_split.h"
#include "common/policy/explain.h"
#include "common/policy/loader.h"

namespace porchlight::policy_explain_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const PackSet& Packs() {
  static const auto& packs =
      *new PackSet(*LoadPacks({SOURCE_DIR "/deploy/policy", SOURCE_DIR "/tests/policy"}));
  return packs;
}

TEST(PolicyExplain, FitsIn100ColumnsAndNamesEachRule) {
  for (const auto& [id, pack] : Packs().packs()) {
    SCOPED_TRACE(id);
    const std::string text = Explain(pack, v1::POLICY_TRIGGER_UNSPECIFIED);
    for (absl::string_view line : absl::StrSplit(text, '\n')) EXPECT_LE(line.size(), 100u) << line;
    for (const v1::PolicyRule& rule : pack.rules()) {
      EXPECT_THAT(text, HasSubstr("rule: " + rule.rule_id()));
    }
    EXPECT_THAT(text, HasSubstr(pack.content_hash()));
  }
}

TEST(PolicyExplain, SaysWhatWhenToWhomAndWhere) {
  const std::string text = Explain(*Packs().Find("us-fl"), v1::POLICY_TRIGGER_MISSING);
  EXPECT_THAT(text, HasSubstr("Florida (us-fl), over us\n"));
  EXPECT_THAT(text, HasSubstr("Once a youth is missing:"));
  EXPECT_THAT(text, HasSubstr("  the sooner of 4 hours from    Report to police for entry in NCIC\n"
                              "  suspected else received and     to: law enforcement\n"));
  EXPECT_THAT(text, HasSubstr("at once if age below 13 or not known or incapacity"));
  EXPECT_THAT(text, HasSubstr("source: Fla. Admin. Code 65C-30.019"));
  EXPECT_THAT(text, HasSubstr("rule: police (a ceiling: no pack may loosen it)"));
  EXPECT_THAT(text, HasSubstr("received, then every 7 days,"));
  EXPECT_THAT(text, HasSubstr("4 times in all"));
  EXPECT_THAT(text, Not(HasSubstr("Once the youth has returned")));
}

TEST(PolicyExplain, SaysWhoMayNotConsent) {
  EXPECT_THAT(Explain(*Packs().Find("us-wa"), v1::POLICY_TRIGGER_MISSING),
              HasSubstr("Nobody of the agency may consent"));
}

}  // namespace
}  // namespace porchlight::policy_explain_test
