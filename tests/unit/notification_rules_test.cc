// The rules of notification: who is told, and what each may know.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/time.h"
#include "services/notification/rules.h"

namespace porchlight {
namespace {

using testing::HasSubstr;
using testing::Not;

const absl::Time kNow = absl::FromUnixSeconds(1'780'000'000);

v1::Episode FullEpisode() {
  v1::Episode episode;
  episode.set_episode_id("youth-1_e1");
  episode.set_youth_id("youth-1");
  episode.set_state(v1::EPISODE_STATE_MISSING);
  *episode.mutable_received_at() = ToProto(kNow);
  v1::YouthFacts& youth = *episode.mutable_youth();
  youth.set_first_name("identity-marker");
  youth.set_physical_description("description-marker");
  youth.set_endangerment("endangerment-marker");
  youth.set_health("health-marker");
  episode.set_last_seen_place("circumstances-marker");
  episode.set_circumstances("narrative-marker");
  episode.set_reporter_contact("contact-marker");
  return episode;
}

Decision Tell(const google::protobuf::Message& event, const v1::Directory& directory,
              const v1::NotificationState& state = {}) {
  const NotificationRules rules(
      {.agency_name = "Example County", .time_zone = absl::UTCTimeZone()});
  Input input;
  input.kind = v1::INPUT_KIND_EVENT;
  input.input_id = "event-1";
  input.aggregate_id = "youth-1_e1";
  input.payload = &event;
  input.now = kNow;
  return rules.Decide(state, input, directory);
}

v1::Directory Only(v1::RecipientKind kind) {
  v1::Directory directory;
  v1::Recipient& recipient = *directory.add_recipients();
  recipient.set_recipient_id("desk");
  recipient.set_kind(kind);
  recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
  return directory;
}

struct KnowRow {
  v1::RecipientKind recipient;
  std::vector<std::string> told;
  friend void PrintTo(const KnowRow& row, std::ostream* out) {
    *out << v1::RecipientKind_Name(row.recipient);
  }
};

class NeedToKnowTest : public testing::TestWithParam<KnowRow> {};

TEST_P(NeedToKnowTest, TextJsonAndAttachmentSayThisAndNoMore) {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = FullEpisode();
  const Decision decision = Tell(opened, Only(GetParam().recipient));
  ASSERT_EQ(decision.deliveries.size(), 1u);
  const v1::Message& message = decision.deliveries[0].message;
  for (const std::string what : {"identity", "description", "circumstances", "endangerment",
                                 "health", "narrative", "contact"}) {
    const bool told =
        std::find(GetParam().told.begin(), GetParam().told.end(), what) != GetParam().told.end();
    for (const std::string& text :
         {message.text(), message.json(), message.attachments(0).content()}) {
      EXPECT_EQ(text.find(what + "-marker") != std::string::npos, told) << what;
    }
  }
  EXPECT_THAT(message.subject(), Not(HasSubstr("marker")));
}

INSTANTIATE_TEST_SUITE_P(
    Recipients, NeedToKnowTest,
    testing::Values(KnowRow{v1::RECIPIENT_KIND_LAW_ENFORCEMENT,
                            {"identity", "description", "circumstances", "endangerment", "health",
                             "narrative", "contact"}},
                    KnowRow{v1::RECIPIENT_KIND_NCMEC,
                            {"identity", "description", "circumstances", "endangerment", "health",
                             "narrative", "contact"}},
                    KnowRow{v1::RECIPIENT_KIND_SUPERVISOR,
                            {"identity", "description", "circumstances", "endangerment", "health",
                             "narrative", "contact"}},
                    KnowRow{v1::RECIPIENT_KIND_COURT, {"identity", "description", "circumstances"}},
                    KnowRow{v1::RECIPIENT_KIND_ATTORNEY,
                            {"identity", "description", "circumstances"}},
                    KnowRow{v1::RECIPIENT_KIND_TRIBE, {"identity", "description", "circumstances"}},
                    KnowRow{v1::RECIPIENT_KIND_PARENT, {"identity", "circumstances"}},
                    KnowRow{v1::RECIPIENT_KIND_TEAM_MEMBER, {}},
                    KnowRow{v1::RECIPIENT_KIND_UNSPECIFIED, {}}));

TEST(NotificationRules, WordsAreKind) {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = FullEpisode();
  const Decision decision = Tell(opened, Only(v1::RECIPIENT_KIND_LAW_ENFORCEMENT));
  const std::string& text = decision.deliveries[0].message.text();
  for (const char* word : {"AWOL", "runaway", "absconded", "offender"})
    EXPECT_THAT(text, Not(HasSubstr(word)));
  EXPECT_THAT(text, HasSubstr("missing from care"));
}

TEST(NotificationRules, AReportThatTellsNothingNewTellsNobody) {
  v1::EpisodeUpdated updated;
  *updated.mutable_episode() = FullEpisode();
  EXPECT_TRUE(Tell(updated, Only(v1::RECIPIENT_KIND_NCMEC)).events.empty());
  updated.add_changed("clothing");
  EXPECT_EQ(Tell(updated, Only(v1::RECIPIENT_KIND_NCMEC)).deliveries.size(), 1u);
}

TEST(NotificationRules, WithNobodyToTellATimerTriesAgain) {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = FullEpisode();
  const Decision decision = Tell(opened, {});
  ASSERT_EQ(decision.timers_set.size(), 1u);
  EXPECT_EQ(FromProto(decision.timers_set[0].due_at()), kNow + absl::Minutes(1));
  EXPECT_TRUE(static_cast<const v1::NoticesMade&>(*decision.events.at(0).payload).nobody_to_tell());
}

TEST(NotificationRules, ADrillSaysSoBeforeAnythingElse) {
  v1::EpisodeOpened opened;
  *opened.mutable_episode() = FullEpisode();
  opened.mutable_episode()->set_exercise(true);
  v1::Directory directory = Only(v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_TRUE(Tell(opened, directory).deliveries.empty()) << "a live desk is never told of a drill";
  directory.mutable_recipients(0)->set_exercise_only(true);
  const Decision decision = Tell(opened, directory);
  ASSERT_EQ(decision.deliveries.size(), 1u);
  EXPECT_EQ(decision.deliveries[0].message.text().rfind("THIS IS AN EXERCISE", 0), 0u);
}

}  // namespace
}  // namespace porchlight
