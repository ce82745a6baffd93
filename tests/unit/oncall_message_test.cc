// What a page says, and that it fits into a text message for every rule of every pack.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "common/edge/signed_link.h"
#include "common/oncall/page_message.h"
#include "common/policy/loader.h"
#include "tests/support/directory.h"

namespace porchlight::oncall_message_test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);
constexpr char kEpisode[] = "yabcdefghijklmnopqrst_e1";

Duty DutyOf(const v1::PolicyRule& rule) {
  Duty duty;
  duty.duty_key = absl::StrCat(rule.rule_id(), ".law_enforcement.1.1");
  duty.title = rule.title();
  duty.citation = rule.citation();
  duty.due_at = kNow;
  return duty;
}

Paging TwoPeople(v1::ChannelKind channel) {
  Paging paging;
  for (const char* person : {"worker-11", "worker-12"}) {
    v1::Recipient way = TestWayOf(person);
    way.set_channel(channel);
    paging.people.push_back({person, way});
  }
  return paging;
}

v1::Message Page(v1::AlertKind kind, const Duty& duty, v1::ChannelKind channel,
                 const std::string& public_url = "https://porchlight.county.example") {
  v1::Alert alert;
  alert.set_alert_id("yabcdefghijklmnopqrst_a12");
  alert.set_episode_id(kEpisode);
  alert.set_kind(kind);
  alert.set_text(AlertText({.kind = kind,
                            .episode_id = kEpisode,
                            .duty = &duty,
                            .owner = "notification",
                            .subject_id = ""},
                           absl::UTCTimeZone()));
  const Paging paging = TwoPeople(channel);
  return MakePage(
      {.agency_name = "Example County", .public_url = public_url, .link_key = {}, .made_at = kNow},
      alert, paging, paging.people[0]);
}

TEST(PageMessage, FitsATextMessageForEveryRuleAndKind) {
  const PackSet packs = LoadPacks({}).value();
  for (const auto& [id, pack] : packs.packs()) {
    for (const v1::PolicyRule& rule : pack.rules()) {
      for (int kind = v1::ALERT_KIND_PAGE; kind <= v1::ALERT_KIND_WRONG; ++kind) {
        const std::string text =
            Page(static_cast<v1::AlertKind>(kind), DutyOf(rule), v1::CHANNEL_KIND_SMS).text();
        EXPECT_LE(text.size(), 600u) << text;
      }
    }
  }
}

TEST(PageMessage, SaysWhatByWhenByWhichLawAndWhoElseWasWoken) {
  Duty duty;
  duty.duty_key = "police.law_enforcement.1.1";
  duty.title = "Report to police";
  duty.citation = "Example Code 1";
  duty.due_at = kNow;
  const std::string text = Page(v1::ALERT_KIND_MISSED, duty, v1::CHANNEL_KIND_SMS).text();
  EXPECT_THAT(text, HasSubstr("OVERDUE: Report to police"));
  EXPECT_THAT(text, HasSubstr("Example Code 1"));
  EXPECT_THAT(text, HasSubstr("UTC"));
  EXPECT_THAT(text, HasSubstr(absl::StrCat("porchlight file-proof ", kEpisode,
                                           " --about police.law_enforcement.1.1")));
  EXPECT_THAT(text, HasSubstr("Also paged: worker-12."));
  EXPECT_THAT(text, Not(HasSubstr("worker-11")));
  EXPECT_THAT(text, HasSubstr("ACK"));
}

TEST(PageMessage, ItsLinkAcknowledgesThisAlertByThisPersonForAWeek) {
  const std::string text = Page(v1::ALERT_KIND_PAGE, Duty(), v1::CHANNEL_KIND_EMAIL).text();
  const std::string path = "https://porchlight.county.example/acknowledge/";
  const size_t begin = text.find(path);
  ASSERT_NE(begin, std::string::npos);
  const std::string token =
      text.substr(begin + path.size(), text.find('\n', begin) - begin - path.size());
  const absl::StatusOr<SignedLink> link =
      ReadLink({}, kAcknowledgePurpose, token, kNow + absl::Hours(7 * 24) - absl::Seconds(1));
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->subject_id, "yabcdefghijklmnopqrst_a12");
  EXPECT_EQ(link->recipient_id, "worker-11");
}

TEST(PageMessage, IsReadOutWithoutALinkAndTakesAKey) {
  const v1::Message spoken = Page(v1::ALERT_KIND_PAGE, Duty(), v1::CHANNEL_KIND_VOICE);
  EXPECT_THAT(spoken.text(), Not(HasSubstr("http")));
  EXPECT_THAT(spoken.acknowledge_url(), HasSubstr("/callbacks/voice/"));
}

TEST(PageMessage, OfAWarningAsksForNoAnswer) {
  const v1::Message warning = Page(v1::ALERT_KIND_AT_RISK, Duty(), v1::CHANNEL_KIND_SMS);
  EXPECT_THAT(warning.text(), Not(HasSubstr("ACK")));
  EXPECT_THAT(Page(v1::ALERT_KIND_AT_RISK, Duty(), v1::CHANNEL_KIND_VOICE).acknowledge_url(),
              IsEmpty());
}

TEST(PageMessage, HasNoLinkWhereNobodyCouldOpenIt) {
  EXPECT_THAT(Page(v1::ALERT_KIND_PAGE, Duty(), v1::CHANNEL_KIND_EMAIL, "").text(),
              Not(HasSubstr("http")));
}

TEST(PageMessage, HasABodyForAWebhookAndForNoOther) {
  const v1::PolicyRule rule = LoadPacks({}).value().Find("us")->rules(0);
  const v1::Message posted = Page(v1::ALERT_KIND_MISSED, DutyOf(rule), v1::CHANNEL_KIND_WEBHOOK);
  EXPECT_THAT(posted.json(), HasSubstr("yabcdefghijklmnopqrst_a12"));
  EXPECT_THAT(posted.json(), HasSubstr("\"text\":"));
  EXPECT_THAT(Page(v1::ALERT_KIND_MISSED, DutyOf(rule), v1::CHANNEL_KIND_EMAIL).json(), IsEmpty());
}

}  // namespace
}  // namespace porchlight::oncall_message_test
