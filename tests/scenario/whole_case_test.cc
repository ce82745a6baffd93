// Whole cases under each pack, from the report to the end, by the minute: who is told, who is woken
// and when. Whatever is told or asked of somebody that no step expects fails.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/story.h"

namespace porchlight::whole_case_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kNovember[] = "2026-11-22T02:10:00-06:00";
constexpr absl::Duration kMinute = absl::Minutes(1);
constexpr absl::Duration kHour = absl::Hours(1);
constexpr absl::Duration kDay = absl::Hours(24);

// Police took the report and told their numbers, and NCMEC its own.
void PoliceAndNcmecAreTold(Story& story) {
  story.Until(30 * kMinute);
  story.Files("law_enforcement", "26-1234");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: missing"));
  story.Until(kHour);
  story.Files("ncic-number", "M123456789");
  EXPECT_THAT(story.Told(), ElementsAre("police: facts"));
  story.Until(2 * kHour);
  story.Files("ncmec", "R-77");
  EXPECT_THAT(story.Told(), IsEmpty());
  EXPECT_THAT(story.Woken(), IsEmpty());
}

TEST(Federal, ACaseInWhichEverybodyActs) {
  Story story(kNovember);
  story.Report("us");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  PoliceAndNcmecAreTold(story);

  story.Until(3 * kHour);
  story.Sighted("by the bridge");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: facts", "police: facts"));

  story.Until(6 * kDay - kMinute);
  EXPECT_THAT(story.Woken(), IsEmpty());
  story.Until(6 * kDay);
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon regular-contact.law_enforcement.1.1",
                                         "first: soon regular-contact.ncmec.1.1"));
  story.Until(6 * kDay + 12 * kHour);
  story.Files("regular-contact");

  story.Until(8 * kDay);
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: returned", "police: returned"));
  EXPECT_THAT(story.Open(),
              ElementsAre("return-interview.1.1", "return-photo.1.1", "return-screening.1.1"));
  story.Until(8 * kDay + 20 * kHour);
  story.Photographs();
  story.Until(9 * kDay);
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon return-screening.1.1"));
  story.Until(9 * kDay + 2 * kHour);
  story.Screens(v1::SCREENING_BAND_LOW);
  story.Interviews();
  EXPECT_THAT(story.Open(), IsEmpty());
  story.Until(12 * kDay);
  story.Closes(v1::CLOSE_REASON_RETURNED);
  story.Passes(400 * kDay);
}

TEST(Federal, ACaseInWhichNobodyActsAsksFourTimesAndThenEverybody) {
  Story story(kNovember);
  story.Report("us");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Until(10 * kMinute);
  EXPECT_THAT(story.Woken(), ElementsAre("second: woken page.supervisor.1.1"));
  story.Until(20 * kMinute);
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("second");

  story.Until(4 * kHour);
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon police.law_enforcement.1.1"));
  for (const int hours : {12, 20, 23}) {
    story.Until(hours * kHour - kMinute);
    EXPECT_THAT(story.Woken(), IsEmpty());
    story.Until(hours * kHour);
    EXPECT_THAT(story.Woken(), ElementsAre("first: soon ncmec.ncmec.1.1",
                                           "first: soon police.law_enforcement.1.1"));
  }
  story.Until(24 * kHour);
  EXPECT_THAT(story.Woken(), ElementsAre("first: overdue ncmec.ncmec.1.1",
                                         "first: overdue police.law_enforcement.1.1"));
  story.Until(24 * kHour + 10 * kMinute);
  EXPECT_THAT(story.Woken(), ElementsAre("second: overdue ncmec.ncmec.1.1",
                                         "second: overdue police.law_enforcement.1.1"));
  // Somebody has it now; an hour after it was due, and then daily, it is asked for again.
  story.Acknowledges("second");
  story.Acknowledges("second");
  story.Until(25 * kHour - kMinute);
  EXPECT_THAT(story.Woken(), IsEmpty());
  story.Until(25 * kHour);
  EXPECT_THAT(story.Woken(), ElementsAre("first: overdue ncmec.ncmec.1.1",
                                         "first: overdue police.law_enforcement.1.1"));
  story.Files("law_enforcement", "26-1234");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: facts"));
  story.Files("ncmec", "R-77");
  // Of what has not been done, the number of the NCIC entry is the next to be missed.
  story.Until(27 * kHour);
  EXPECT_THAT(story.Woken(), ElementsAre("first: overdue ncic-number.law_enforcement.1.1"));
  story.Files("ncic-number", "M123456789");
  EXPECT_THAT(story.Told(), ElementsAre("police: facts"));
  story.Until(5 * kDay);
  story.Closes(v1::CLOSE_REASON_AGED_OUT);
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: ended", "police: ended"));
  story.Passes(400 * kDay);
}

TEST(Federal, ARefusalWakesTheSupervisorUntilPoliceTellANumber) {
  Story story(kNovember);
  story.Report("us");
  EXPECT_THAT(story.Told(), ElementsAre("police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  story.Until(40 * kMinute);
  story.Refuses("law_enforcement");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: missing", "ncmec: please help"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken refused-page.supervisor.1.1"));
  story.Until(50 * kMinute);
  EXPECT_THAT(story.Woken(), ElementsAre("second: woken refused-page.supervisor.1.1"));
  story.Until(55 * kMinute);
  story.Files("law_enforcement", "26-1234");
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: facts"));
  story.Until(2 * kHour);
  EXPECT_THAT(story.Woken(), IsEmpty()) << "the number silences it";
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("ncmec: returned", "police: returned"));
}

TEST(Texas, ACaseOfFourMonths) {
  Story story(kNovember);
  story.Report("us-tx", {v1::CIRCUMSTANCE_PROBATION, v1::CIRCUMSTANCE_PARENT_NOT_FOUND});
  EXPECT_THAT(story.Told(), ElementsAre("attorney: missing", "court: missing", "guardian: missing",
                                        "police: missing", "probation: missing", "unit: missing",
                                        "way-of-first: missing", "way-of-second: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  PoliceAndNcmecAreTold(story);

  // A month from the 22nd of November is the 22nd of December, and three days before it:
  story.Until(27 * kDay - kMinute);
  EXPECT_THAT(story.Woken(), IsEmpty());
  story.Until(27 * kDay);
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon monthly-search.former_caregiver.1.1",
                                         "first: soon monthly-search.relative.1.1",
                                         "first: soon regular-contact.law_enforcement.1.1",
                                         "first: soon regular-contact.ncmec.1.1"));
  story.Files("monthly-search");
  story.Files("regular-contact");
  // January, and a quarter's review a week before the 22nd of February.
  story.Until(58 * kDay);
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon monthly-search.former_caregiver.1.2",
                                         "first: soon monthly-search.relative.1.2",
                                         "first: soon regular-contact.law_enforcement.1.2",
                                         "first: soon regular-contact.ncmec.1.2"));
  story.Files("monthly-search");
  story.Files("regular-contact");
  story.Until(85 * kDay - kMinute);
  EXPECT_THAT(story.Woken(), IsEmpty());
  story.Until(85 * kDay);
  EXPECT_THAT(story.Woken(), ElementsAre("first: soon quarterly-review.1.1"));
  story.Files("quarterly-review");

  story.Until(88 * kDay);
  story.Returns();
  EXPECT_THAT(story.Told(),
              ElementsAre("attorney: returned", "court: returned", "guardian: returned",
                          "ncmec: returned", "police: returned", "probation: returned",
                          "unit: returned", "way-of-first: returned", "way-of-second: returned"));
  story.Photographs();
  story.Interviews();
  story.Screens(v1::SCREENING_BAND_LOW);
  EXPECT_THAT(story.Open(), IsEmpty());
  story.Closes(v1::CLOSE_REASON_RETURNED);
  story.Passes(400 * kDay);
}

TEST(California, ACaseOfAnIndianChildWhoIsFoundInARiskyPlace) {
  Story story("2027-03-13T23:30:00-08:00");
  story.Report("us-ca", {v1::CIRCUMSTANCE_INDIAN_CHILD, v1::CIRCUMSTANCE_TELLING_IS_UNSAFE});
  EXPECT_THAT(story.Told(), ElementsAre("attorney: missing", "casa: missing", "court: missing",
                                        "police: missing", "tribe: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  PoliceAndNcmecAreTold(story);

  // The clocks go forward that night: a day of 24 hours is 24 hours.
  story.Until(20 * kHour);
  story.Located(v1::CIRCUMSTANCE_UNAPPROVED_RISKY_PLACE);
  EXPECT_THAT(story.Told(),
              ElementsAre("ncmec: facts", "ncmec: news", "police: facts", "police: news"));
  EXPECT_THAT(story.Open(),
              ElementsAre("regular-contact.law_enforcement.1.1", "regular-contact.ncmec.1.1",
                          "risky-place.law_enforcement.1.1", "risky-place.ncmec.1.1"));
  for (const int hours : {32, 40}) {
    story.Until(hours * kHour - kMinute);
    EXPECT_THAT(story.Woken(), IsEmpty());
    story.Until(hours * kHour);
    EXPECT_THAT(story.Woken(), ElementsAre("first: soon risky-place.law_enforcement.1.1",
                                           "first: soon risky-place.ncmec.1.1"));
  }
  story.Files("risky-place");
  story.Until(3 * kDay);
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("attorney: returned", "casa: returned", "court: returned",
                                        "ncmec: returned", "police: returned", "tribe: returned"));
  story.Photographs();
  story.Interviews();
  story.Screens(v1::SCREENING_BAND_LOW);
  EXPECT_THAT(story.Open(), IsEmpty());
  story.Closes(v1::CLOSE_REASON_RETURNED);
  story.Passes(400 * kDay);
}

TEST(LosAngeles, AYouthIsIdentifiedAndTheCountyResponds) {
  Story story("2026-10-31T20:00:00-07:00");
  story.Report("us-ca-los-angeles");
  EXPECT_THAT(story.Told(), ElementsAre("attorney: missing", "casa: missing", "court: missing",
                                        "parent: missing", "police: missing"));
  EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
  story.Acknowledges("first");
  PoliceAndNcmecAreTold(story);
  story.Until(10 * kHour);
  story.Returns();
  EXPECT_THAT(story.Told(), ElementsAre("attorney: returned", "casa: returned", "court: returned",
                                        "ncmec: returned", "parent: returned", "police: returned"));
  story.Photographs();
  story.Screens(v1::SCREENING_BAND_CLEAR);
  EXPECT_THAT(story.Told(), IsEmpty()) << "a result identifies nobody";

  story.Until(12 * kHour);
  story.Identifies();
  EXPECT_THAT(story.Told(), ElementsAre("advocate: team", "clinic: team", "police: identified"));
  EXPECT_THAT(story.Open(),
              ElementsAre("advocate-on-scene.survivor_advocate.1.1",
                          "medical-evaluation.health_provider.1.1", "return-interview.1.1",
                          "specialised-services.1.1", "team.team_member.1.1",
                          "trafficking-police.law_enforcement.1.1"));
  // 90 minutes for an advocate on scene, by the county's protocol.
  for (const int minutes : {30, 60}) {
    story.Until(12 * kHour + minutes * kMinute);
    EXPECT_THAT(story.Woken(), ElementsAre("first: soon advocate-on-scene.survivor_advocate.1.1"));
    if (minutes == 30) story.TeamAnswers("clinic");
  }
  EXPECT_THAT(story.Told(), ElementsAre("advocate: team again"));
  story.TeamAnswers("advocate");
  story.Until(12 * kHour + 89 * kMinute);
  EXPECT_THAT(story.Woken(), IsEmpty());
  story.Until(12 * kHour + 90 * kMinute);
  EXPECT_THAT(story.Woken(), ElementsAre("first: overdue advocate-on-scene.survivor_advocate.1.1"));
  story.Files("advocate-on-scene");
  story.Until(14 * kHour);
  story.Files("trafficking-police", "26-2000");
  story.Offers("medical-evaluation");
  story.Interviews();
  story.Files("specialised-services");
  story.TeamMeets();
  EXPECT_THAT(story.Open(), IsEmpty());
  story.Closes(v1::CLOSE_REASON_RETURNED);
  story.Passes(400 * kDay);
}

TEST(EveryPack, AReportInErrorIsTakenBackFromWhoeverHeardItAndNothingFollows) {
  for (const char* jurisdiction : {"us", "us-tx", "us-ca", "us-ca-los-angeles", "us-zz"}) {
    SCOPED_TRACE(jurisdiction);
    Story story(kNovember);
    story.Report(jurisdiction);
    std::vector<std::string> told = story.Told();
    EXPECT_THAT(story.Woken(), ElementsAre("first: woken page.supervisor.1.1"));
    story.Until(kHour / 6);
    EXPECT_THAT(story.Woken(), ElementsAre("second: woken page.supervisor.1.1"));
    story.Closes(v1::CLOSE_REASON_REPORTED_IN_ERROR);
    told.push_back("ncmec: missing");
    for (const std::string& line : story.Told()) {
      const std::string who = line.substr(0, line.find(':'));
      EXPECT_THAT(told, ::testing::Contains(who + ": missing")) << line;
    }
    EXPECT_THAT(story.Open(), IsEmpty());
    story.Passes(400 * kDay);
  }
}

TEST(EveryPack, MedicalWindowsCountFromTheExposureAndAreOffered) {
  for (const char* jurisdiction : {"us", "us-tx", "us-ca", "us-ca-los-angeles"}) {
    SCOPED_TRACE(jurisdiction);
    Story story(kNovember);
    story.Report(jurisdiction);
    story.Acknowledges("first");
    story.Returns();
    story.Told();
    story.Woken();
    story.Photographs();
    story.Interviews();
    story.Screens(v1::SCREENING_BAND_LOW);
    EXPECT_THAT(story.Open(), ElementsAre("police.law_enforcement.1.1"));
    // 72, 96 and 120 hours from it; 30 of them are over.
    story.ExposedAt(30 * kHour);
    EXPECT_THAT(story.Open(), ElementsAre("medical-contraception.1.1", "medical-exam.1.1",
                                          "medical-hiv.1.1", "police.law_enforcement.1.1"));
    story.Until(18 * kHour - kMinute);
    for (const std::string& line : story.Woken())
      EXPECT_EQ(line.find("medical"), std::string::npos) << line;
    story.Until(18 * kHour + kMinute);
    EXPECT_THAT(story.Woken(), ::testing::Contains("first: soon medical-hiv.1.1"));
    for (const char* rule : {"medical-hiv", "medical-exam", "medical-contraception"})
      story.Offers(rule);
    // A return doesn't undo that both must hear of it; NCMEC's has waited four hours for police.
    EXPECT_THAT(story.Open(), ElementsAre("ncmec.ncmec.1.1", "police.law_enforcement.1.1"));
    story.Closes(v1::CLOSE_REASON_RETURNED);
    story.Told();
    story.Woken();
  }
}

}  // namespace
}  // namespace porchlight::whole_case_test
