// Need to know: what no kind of recipient ever sees, and what the record of a disclosure says.
#include "common/privacy/disclosure.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "google/protobuf/generated_enum_reflection.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight::disclosure_test {
namespace {

using ::testing::ElementsAre;

TEST(Disclosure, NoRecipientSeesEducationRecordsOrWhatHasNoClass) {
  for (int kind = v1::RecipientKind_MIN; kind <= v1::RecipientKind_MAX; ++kind) {
    EXPECT_FALSE(MayKnow(static_cast<v1::RecipientKind>(kind), v1::SENSITIVITY_EDUCATION)) << kind;
    EXPECT_FALSE(MayKnow(static_cast<v1::RecipientKind>(kind), v1::SENSITIVITY_UNSPECIFIED))
        << kind;
  }
}

TEST(Disclosure, AKindThatNobodyThoughtOfSeesNothingOfTheYouth) {
  for (const auto kind : {v1::RECIPIENT_KIND_UNSPECIFIED, v1::RECIPIENT_KIND_TEAM_MEMBER,
                          v1::RECIPIENT_KIND_RELATIVE, static_cast<v1::RecipientKind>(999)}) {
    for (int sensitivity = 2; sensitivity <= v1::Sensitivity_MAX; ++sensitivity)
      EXPECT_FALSE(MayKnow(kind, static_cast<v1::Sensitivity>(sensitivity))) << sensitivity;
  }
}

TEST(Disclosure, AnAdvocateLearnsWhatToCallTheYouthAndNoMore) {
  v1::Episode episode;
  episode.mutable_youth()->set_first_name("Robin");
  episode.mutable_youth()->set_preferred_name("Rob");
  episode.mutable_youth()->set_pronouns("they");
  episode.mutable_youth()->set_last_name("Sample");
  episode.mutable_youth()->set_date_of_birth("2011-03-04");
  KeepOnlyKnowable(v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE, episode);
  EXPECT_EQ(episode.youth().first_name(), "Robin");
  EXPECT_EQ(episode.youth().preferred_name(), "Rob");
  EXPECT_EQ(episode.youth().pronouns(), "they");
  EXPECT_EQ(episode.youth().last_name(), "");
  EXPECT_EQ(episode.youth().date_of_birth(), "");
}

TEST(Disclosure, TheRecordNamesClassesOnceInOrderAndNoneThatWasNotThere) {
  v1::Episode episode;
  episode.set_episode_id("youth-1_e1");
  episode.set_placement("Maple House");
  episode.set_last_seen_place("the bus stop");
  episode.mutable_youth()->set_health("asthma");
  episode.mutable_youth()->set_first_name("Robin");
  v1::Disclosure disclosure;
  KeepOnlyKnowable(v1::RECIPIENT_KIND_COURT, episode, &disclosure);
  EXPECT_THAT(disclosure.disclosed(),
              ElementsAre(v1::SENSITIVITY_IDENTITY, v1::SENSITIVITY_CIRCUMSTANCES));
  EXPECT_THAT(disclosure.withheld(), ElementsAre(v1::SENSITIVITY_HEALTH));
}

TEST(Disclosure, ListsAreCutElementByElement) {
  v1::Episode episode;
  v1::AddedFact& fact = *episode.add_facts();
  fact.set_place("the mall");
  fact.set_text("with a friend");
  episode.add_facts()->set_text("told nothing but words");
  episode.add_circumstances_known()->set_circumstance(v1::CIRCUMSTANCE_SUICIDAL);
  v1::Episode for_police = episode;
  KeepOnlyKnowable(v1::RECIPIENT_KIND_LAW_ENFORCEMENT, for_police);
  EXPECT_EQ(for_police.SerializeAsString(), episode.SerializeAsString());
  v1::Disclosure disclosure;
  KeepOnlyKnowable(v1::RECIPIENT_KIND_COURT, episode, &disclosure);
  ASSERT_EQ(episode.facts_size(), 1) << "of the other nothing is left to tell";
  EXPECT_EQ(episode.facts(0).place(), "the mall");
  EXPECT_EQ(episode.facts(0).text(), "");
  EXPECT_EQ(episode.circumstances_known_size(), 0);
  EXPECT_THAT(disclosure.withheld(),
              ElementsAre(v1::SENSITIVITY_ENDANGERMENT, v1::SENSITIVITY_NARRATIVE));
}

}  // namespace
}  // namespace porchlight::disclosure_test
