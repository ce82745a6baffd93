// What a pack makes of what is known: rows that read like sentences of policy, and the promises of
// duties.h over all packs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/policy/duties.h"
#include "common/policy/loader.h"
#include "common/policy/words.h"

namespace porchlight::policy_duties_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const PackSet& Packs() {
  static const auto& packs =
      *new PackSet(*LoadPacks({SOURCE_DIR "/deploy/policy", SOURCE_DIR "/tests/policy"}));
  return packs;
}

const v1::PolicyPack& Pack(const std::string& id) { return *Packs().Find(id); }

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << text << error;
  return time;
}

// A Sunday, 02:10 in Chicago: the agency hears that a youth of fifteen is missing.
const absl::Time kReceived = At("2026-11-22T02:10:00-06:00");

Facts Missing() {
  Facts facts;
  facts.age_years = 15;
  facts.triggers.push_back({v1::POLICY_TRIGGER_MISSING, kReceived, std::nullopt});
  facts.as_of = kReceived;
  return facts;
}

const Duty* Find(const std::vector<Duty>& duties, const std::string& key) {
  for (const Duty& duty : duties) {
    if (duty.duty_key == key) return &duty;
  }
  return nullptr;
}

Duty One(const v1::PolicyPack& pack, const Facts& facts, const std::string& key) {
  const std::vector<Duty> duties = DutiesOf(pack, facts);
  const Duty* duty = Find(duties, key);
  EXPECT_NE(duty, nullptr) << key << " isn't there";
  return duty == nullptr ? Duty() : *duty;
}

Proof Proved(const std::string& rule, v1::EvidenceKind kind, absl::Time at) {
  return {"", rule, v1::RECIPIENT_KIND_UNSPECIFIED, kind, at};
}

Facts With(Facts facts, v1::Circumstance circumstance, absl::Time since) {
  facts.circumstances[circumstance] = since;
  return facts;
}

Facts Returned(Facts facts, absl::Time at) {
  facts.triggers.push_back({v1::POLICY_TRIGGER_RETURNED, at, std::nullopt});
  return facts;
}

// "due in 24h", "due in 24h from received", "not applicable", "waiting"... after the report.
std::string InWords(const Duty& duty) {
  switch (duty.state) {
    case v1::DUTY_STATE_OPEN:
      return absl::StrCat("due in ", absl::FormatDuration(*duty.due_at - kReceived), " from ",
                          duty.anchor);
    case v1::DUTY_STATE_MET:
      return absl::StrCat("met by ", WordOf(duty.met_by), " after ",
                          absl::FormatDuration(*duty.met_at - kReceived));
    case v1::DUTY_STATE_ENDED:
      return absl::StrCat(*duty.ended_at > *duty.due_at ? "missed, then " : "", duty.reason);
    default:
      return absl::StrCat(WordOf(duty.state), ": ", duty.reason);
  }
}

struct DutyRow {
  const char* says;
  const char* pack;
  Facts facts;
  const char* key;
  const char* expected;
  friend std::ostream& operator<<(std::ostream& out, const DutyRow& row) {
    return out << row.pack << ": " << row.says;
  }
};

class Duties : public ::testing::TestWithParam<DutyRow> {};

TEST_P(Duties, AreWhatTheLawSays) {
  const DutyRow& row = GetParam();
  EXPECT_EQ(InWords(One(Pack(row.pack), row.facts, row.key)), row.expected);
}

Facts Absent(absl::Duration before) {
  Facts facts = Missing();
  facts.anchors[v1::POLICY_ANCHOR_ABSENCE] = kReceived - before;
  return facts;
}

Facts Suspected(Facts facts, absl::Duration before) {
  facts.anchors[v1::POLICY_ANCHOR_SUSPECTED] = kReceived - before;
  return facts;
}

Facts Aged(int years) {
  Facts facts = Missing();
  facts.age_years = years;
  return facts;
}

Facts OfUnknownAge() {
  Facts facts = Missing();
  facts.age_years.reset();
  return facts;
}

Facts And(Facts facts, const Proof& proof) {
  facts.proofs.push_back(proof);
  return facts;
}

Facts Happened(v1::PolicyTrigger trigger, absl::Duration after) {
  Facts facts = Missing();
  facts.triggers.push_back({trigger, kReceived + after, std::nullopt});
  return facts;
}

const Proof kPoliceTold =
    Proved("police", v1::EVIDENCE_KIND_POLICE_CASE_NUMBER, kReceived + absl::Hours(1));

INSTANTIATE_TEST_SUITE_P(
    Federal, Duties,
    ::testing::Values(
        DutyRow{"police are told within 24 hours of when the agency knew", "us", Missing(),
                "police.law_enforcement.1.1", "due in 24h from received"},
        DutyRow{"NCMEC is told apart from that within 24 hours", "us", Missing(), "ncmec.ncmec.1.1",
                "due in 24h from received"},
        DutyRow{"the supervisor on call is woken", "us", Missing(), "page.supervisor.1.1",
                "due in 15m from received"},
        DutyRow{"a case number proves the police report", "us", And(Missing(), kPoliceTold),
                "police.law_enforcement.1.1", "met by police_case_number after 1h"},
        DutyRow{"that a machine took the message proves no police report", "us",
                And(Missing(), Proved("police", v1::EVIDENCE_KIND_DELIVERY_RECEIPT, kReceived)),
                "police.law_enforcement.1.1", "due in 24h from received"},
        DutyRow{"the NCIC number is asked for two hours after police were told", "us",
                And(Missing(), kPoliceTold), "ncic-number.law_enforcement.1.1",
                "due in 3h from done police"},
        DutyRow{"nobody asks for it before", "us", Missing(), "ncic-number.law_enforcement.1.1",
                "waiting: not known yet when: done police"},
        DutyRow{"a return doesn't undo the duty to have told police", "us",
                Returned(Missing(), kReceived + absl::Hours(2)), "police.law_enforcement.1.1",
                "due in 24h from received"},
        DutyRow{"a return silences the page", "us",
                Returned(Missing(), kReceived + absl::Minutes(5)), "page.supervisor.1.1",
                "ended by: returned"},
        DutyRow{"a page that nobody took stays missed after the return", "us",
                Returned(Missing(), kReceived + absl::Hours(2)), "page.supervisor.1.1",
                "missed, then ended by: returned"},
        DutyRow{"a public alert is asked for where the youth was taken", "us",
                With(Missing(), v1::CIRCUMSTANCE_TAKEN, kReceived),
                "public-alert.law_enforcement.1.1", "due in 30m from received"},
        DutyRow{"and only there", "us", Missing(), "public-alert.law_enforcement.1.1",
                "not_applicable: not known: taken or lured"},
        DutyRow{"an identified victim is reported within 24 hours of that", "us",
                Happened(v1::POLICY_TRIGGER_IDENTIFIED, absl::Hours(10)),
                "trafficking-police.law_enforcement.1.1", "due in 34h from received"},
        DutyRow{"every return is screened, by practice within 72 hours", "us",
                Returned(Missing(), kReceived + absl::Hours(1)), "return-screening.1.1",
                "due in 73h from received"},
        DutyRow{"NCMEC, once told, is told a police number that comes later", "us",
                And(Happened(v1::POLICY_TRIGGER_POLICE_NUMBERED, absl::Hours(6)),
                    Proved("ncmec", v1::EVIDENCE_KIND_NCMEC_REFERENCE, kReceived + absl::Hours(5))),
                "ncmec-police-number.ncmec.1.1", "due in 30h from received"},
        DutyRow{"but not where its own report already had it", "us",
                And(Happened(v1::POLICY_TRIGGER_POLICE_NUMBERED, absl::Hours(4)),
                    Proved("ncmec", v1::EVIDENCE_KIND_NCMEC_REFERENCE, kReceived + absl::Hours(5))),
                "ncmec-police-number.ncmec.1.1", "not_applicable: rule ncmec was not met before"},
        DutyRow{"a refusal by police wakes the supervisor", "us",
                Happened(v1::POLICY_TRIGGER_POLICE_REFUSED, absl::Hours(1)),
                "refused-page.supervisor.1.1", "due in 1h15m from received"}));

INSTANTIATE_TEST_SUITE_P(
    States, Duties,
    ::testing::Values(
        DutyRow{"the court is told within 24 hours", "us-tx", Missing(), "parties.court.1.1",
                "due in 24h from received"},
        DutyRow{"a parent whose rights were terminated is not told", "us-tx",
                With(Missing(), v1::CIRCUMSTANCE_PARENTAL_RIGHTS_TERMINATED, kReceived),
                "parties.parent.1.1", "not_applicable: excluded: parental rights terminated"},
        DutyRow{"which excludes nobody else", "us-tx",
                With(Missing(), v1::CIRCUMSTANCE_PARENTAL_RIGHTS_TERMINATED, kReceived),
                "parties.attorney.1.1", "due in 24h from received"},
        DutyRow{"the search of a youth of 15 is reviewed each quarter", "us-tx", Missing(),
                "quarterly-review.1.1", "due in 2208h from received"},
        DutyRow{"and of one of 16 is not", "us-tx", Aged(16), "quarterly-review.1.1",
                "not_applicable: for ages below 16"},
        DutyRow{"an age that isn't known exempts from nothing", "us-tx", OfUnknownAge(),
                "quarterly-review.1.1", "due in 2208h from received"},
        DutyRow{"the same people hear of the return within 24 hours", "us-tx",
                Returned(Missing(), kReceived + absl::Hours(2)), "return-parties.court.1.1",
                "due in 26h from received"},
        DutyRow{"a tribe is told of an Indian child", "us-ca",
                With(Missing(), v1::CIRCUMSTANCE_INDIAN_CHILD, kReceived), "tribe.tribe.1.1",
                "due in 24h from received"},
        DutyRow{"a youth found in a risky place counts as missing", "us-ca",
                With(Happened(v1::POLICY_TRIGGER_LOCATED, absl::Hours(5)),
                     v1::CIRCUMSTANCE_UNAPPROVED_RISKY_PLACE, kReceived),
                "risky-place.law_enforcement.1.1", "due in 29h from received"},
        DutyRow{"an advocate is on scene within 90 minutes", "us-ca-los-angeles",
                Happened(v1::POLICY_TRIGGER_IDENTIFIED, absl::Hours(5)),
                "advocate-on-scene.survivor_advocate.1.1", "due in 6h30m from received"},
        DutyRow{"the county inherits the state's duty to tell the tribe", "us-ca-los-angeles",
                With(Missing(), v1::CIRCUMSTANCE_INDIAN_CHILD, kReceived), "tribe.tribe.1.1",
                "due in 24h from received"},
        DutyRow{"up to four hours of search come first", "us-fl",
                Suspected(Missing(), absl::Hours(1)), "police.law_enforcement.1.1",
                "due in 3h from suspected"},
        DutyRow{"from the report where nobody told since when", "us-fl", Missing(),
                "police.law_enforcement.1.1", "due in 4h from received"},
        DutyRow{"none for a child of 12", "us-fl", Aged(12), "police.law_enforcement.1.1",
                "due in 30m from received"},
        DutyRow{"nor where the age isn't known", "us-fl", OfUnknownAge(),
                "police.law_enforcement.1.1", "due in 30m from received"},
        DutyRow{"a risk that is learned later removes the wait from then on", "us-fl",
                With(Missing(), v1::CIRCUMSTANCE_TRAFFICKING_VICTIM, kReceived + absl::Hours(2)),
                "police.law_enforcement.1.1", "due in 2h30m from trafficking victim"},
        DutyRow{
            "one that is learned at the last minute doesn't lengthen it", "us-fl",
            With(Missing(), v1::CIRCUMSTANCE_TRAFFICKING_VICTIM, kReceived + absl::Minutes(235)),
            "police.law_enforcement.1.1", "due in 4h from received"},
        DutyRow{"the search passes on after 30 days", "us-fl", Missing(),
                "handover.special_unit.1.1", "due in 744h from received"},
        DutyRow{"and doesn't after a return before", "us-fl",
                Returned(Missing(), kReceived + absl::Hours(24 * 29)), "handover.special_unit.1.1",
                "not_applicable: it would have begun later"},
        DutyRow{"the attorney is told of a youth missing overnight", "us-wa", Missing(),
                "attorney-overnight.attorney.1.1", "due in 24h from received"},
        DutyRow{"and not of one who is back before the morning", "us-wa",
                Returned(Missing(), kReceived + absl::Hours(3)), "attorney-overnight.attorney.1.1",
                "not_applicable: it would have begun later"},
        // Sunday 00:10 in Seattle: the second business day is Tuesday, which ends at 17:00.
        DutyRow{"two days without weekends to staff the case", "us-wa", Missing(), "staffing.1.1",
                "due in 64h50m from received"},
        DutyRow{"what the caregiver told police counts", "us-wa",
                And(Missing(), Proved("police", v1::EVIDENCE_KIND_FILING_TYPED_IN,
                                      kReceived - absl::Hours(1))),
                "police.law_enforcement.1.1", "met by filing_typed_in after -1h"},
        DutyRow{"police at once", "us-mi", Missing(), "police.law_enforcement.1.1",
                "due in 30m from received"},
        DutyRow{"NCMEC within 24 hours of the absence", "us-mi", Absent(absl::Hours(9)),
                "ncmec.ncmec.1.1", "due in 15h from absence"},
        DutyRow{"and of the report where the absence isn't known", "us-mi", Missing(),
                "ncmec.ncmec.1.1", "due in 24h from received"},
        // Sunday 04:10 in Detroit when police were told: until Monday, 17:00.
        DutyRow{"the NCIC number on the next business day", "us-mi", And(Missing(), kPoliceTold),
                "ncic-number.law_enforcement.1.1", "due in 37h50m from done police"}));

std::vector<std::string> Keys(const std::vector<Duty>& duties, const std::string& rule) {
  std::vector<std::string> keys;
  for (const Duty& duty : duties) {
    if (duty.rule_id == rule) keys.push_back(duty.duty_key);
  }
  return keys;
}

TEST(DutyOrder, NcmecWaitsForPoliceButNotForLong) {
  const Duty waiting = One(Pack("us"), Missing(), "ncmec.ncmec.1.1");
  EXPECT_THAT(waiting.waits_for, ElementsAre("police"));
  EXPECT_EQ(waiting.start_after, kReceived + absl::Hours(4));
  EXPECT_EQ(waiting.due_at, kReceived + absl::Hours(24));
  const Duty after = One(Pack("us"), And(Missing(), kPoliceTold), "ncmec.ncmec.1.1");
  EXPECT_THAT(after.waits_for, IsEmpty());
  EXPECT_EQ(after.start_after, std::nullopt);
  const Duty refused = One(Pack("us"), Happened(v1::POLICY_TRIGGER_POLICE_REFUSED, absl::Hours(1)),
                           "ncmec.ncmec.1.1");
  EXPECT_THAT(refused.waits_for, IsEmpty());
  EXPECT_EQ(refused.start_after, std::nullopt);
}

TEST(DutyRepetition, TheNextOneIsAlwaysThere) {
  Facts facts = Missing();
  EXPECT_THAT(Keys(DutiesOf(Pack("us-fl"), facts), "weekly-search"),
              ElementsAre("weekly-search.1.1", "weekly-search.1.2"));
  facts.as_of = kReceived + absl::Hours(24 * 15);
  const std::vector<Duty> later = DutiesOf(Pack("us-fl"), facts);
  EXPECT_THAT(Keys(later, "weekly-search"), ElementsAre("weekly-search.1.1", "weekly-search.1.2",
                                                        "weekly-search.1.3", "weekly-search.1.4"));
  EXPECT_EQ(Find(later, "weekly-search.1.2")->start_after,
            Find(later, "weekly-search.1.1")->due_at);
  facts.as_of = kReceived + absl::Hours(24 * 400);
  EXPECT_EQ(Keys(DutiesOf(Pack("us-fl"), facts), "weekly-search").size(), 4u) << "four in all";
  facts.as_of = absl::InfiniteFuture();
  EXPECT_LE(DutiesOf(Pack("us-tx"), facts).size(), 10'000u);
}

TEST(DutyRepetition, ALateContactMeetsWhatWasMissedAndNotWhatIsToCome) {
  Facts facts = Missing();
  facts.as_of = kReceived + absl::Hours(24 * 16);
  facts.proofs.push_back(
      Proved("weekly-search", v1::EVIDENCE_KIND_SEARCH_LOG, kReceived + absl::Hours(24 * 15)));
  const std::vector<Duty> duties = DutiesOf(Pack("us-fl"), facts);
  for (const char* key : {"weekly-search.1.1", "weekly-search.1.2", "weekly-search.1.3"}) {
    EXPECT_EQ(Find(duties, key)->state, v1::DUTY_STATE_MET) << key;
  }
  EXPECT_GT(*Find(duties, "weekly-search.1.1")->met_at, *Find(duties, "weekly-search.1.1")->due_at);
  EXPECT_LT(*Find(duties, "weekly-search.1.3")->met_at, *Find(duties, "weekly-search.1.3")->due_at);
  EXPECT_EQ(Find(duties, "weekly-search.1.4")->state, v1::DUTY_STATE_OPEN);
}

TEST(DutyRepetition, NoneBeginsAfterTheReturn) {
  Facts facts = Returned(Missing(), kReceived + absl::Hours(24 * 8));
  facts.as_of = kReceived + absl::Hours(24 * 60);
  const std::vector<Duty> duties = DutiesOf(Pack("us-fl"), facts);
  EXPECT_THAT(Keys(duties, "weekly-search"), ElementsAre("weekly-search.1.1", "weekly-search.1.2"));
  EXPECT_GT(*Find(duties, "weekly-search.1.1")->ended_at,
            *Find(duties, "weekly-search.1.1")->due_at);
}

TEST(DutyRepetition, EndsWithTheAge) {
  Facts facts = Missing();
  facts.birth_date = absl::CivilDay(2008, 12, 10);  // 18 in eighteen days
  facts.as_of = kReceived + absl::Hours(24 * 30);
  const std::vector<Duty> duties = DutiesOf(Pack("us-wa"), facts);
  EXPECT_EQ(Find(duties, "regular-contact.ncmec.1.3")->state, v1::DUTY_STATE_OPEN);
  EXPECT_EQ(Find(duties, "regular-contact.ncmec.1.4")->reason, "for ages below 18");
}

TEST(DutyOccurrences, EachFactIsADutyOfItsOwn) {
  Facts facts = Missing();
  for (int hours : {5, 9}) {
    facts.triggers.push_back(
        {v1::POLICY_TRIGGER_NEW_FACT, kReceived + absl::Hours(hours), std::nullopt});
  }
  facts.proofs.push_back(
      Proved("new-facts", v1::EVIDENCE_KIND_ACKNOWLEDGEMENT, kReceived + absl::Hours(6)));
  const std::vector<Duty> duties = DutiesOf(Pack("us"), facts);
  EXPECT_EQ(InWords(*Find(duties, "new-facts.ncmec.1.1")), "met by acknowledgement after 6h");
  EXPECT_EQ(InWords(*Find(duties, "new-facts.ncmec.2.1")), "due in 33h from received");
}

TEST(DutyProof, OfOneRecipientIsOfNoOther) {
  Facts facts = Missing();
  Proof told = Proved("parties", v1::EVIDENCE_KIND_DELIVERY_RECEIPT, kReceived + absl::Hours(1));
  told.recipient = v1::RECIPIENT_KIND_COURT;
  facts.proofs.push_back(told);
  facts.proofs.push_back({"parties.attorney.1.1", "", v1::RECIPIENT_KIND_UNSPECIFIED,
                          v1::EVIDENCE_KIND_DELIVERY_RECEIPT, kReceived + absl::Hours(2)});
  const std::vector<Duty> duties = DutiesOf(Pack("us-tx"), facts);
  EXPECT_EQ(Find(duties, "parties.court.1.1")->state, v1::DUTY_STATE_MET);
  EXPECT_EQ(Find(duties, "parties.attorney.1.1")->state, v1::DUTY_STATE_MET);
  EXPECT_EQ(Find(duties, "parties.parent.1.1")->state, v1::DUTY_STATE_OPEN);
}

TEST(DutyProof, TheFirstCounts) {
  const Facts facts = And(And(Missing(), Proved("police", v1::EVIDENCE_KIND_FILING_TYPED_IN,
                                                kReceived + absl::Hours(9))),
                          kPoliceTold);
  EXPECT_EQ(One(Pack("us"), facts, "police.law_enforcement.1.1").met_at, kPoliceTold.at);
}

TEST(DutyDeferral, MovesAScreeningAndNeverAReport) {
  Facts facts = Returned(Missing(), kReceived + absl::Hours(1));
  const absl::Time until = kReceived + absl::Hours(200);
  facts.deferrals = {{"return-screening.1.1", until}, {"police.law_enforcement.1.1", until}};
  EXPECT_EQ(One(Pack("us"), facts, "return-screening.1.1").due_at, until);
  EXPECT_EQ(One(Pack("us"), facts, "police.law_enforcement.1.1").due_at,
            kReceived + absl::Hours(24));
}

TEST(DutyWarnings, ComeBeforeItIsDueAndAfterItIsKnown) {
  EXPECT_THAT(One(Pack("us"), Missing(), "police.law_enforcement.1.1").warn_at,
              ElementsAre(kReceived + absl::Hours(4), kReceived + absl::Hours(12),
                          kReceived + absl::Hours(20), kReceived + absl::Hours(23)));
  EXPECT_THAT(One(Pack("us-mi"), Missing(), "police.law_enforcement.1.1").warn_at,
              ElementsAre(kReceived + absl::Minutes(15)));
  EXPECT_THAT(One(Pack("us-fl"), Aged(12), "police.law_enforcement.1.1").warn_at, IsEmpty());
}

TEST(DutyTimes, CountOverTheChangeOfTheClock) {
  Facts facts;
  facts.age_years = 15;
  const absl::Time saturday = At("2026-10-31T12:00:00-05:00");
  facts.triggers.push_back({v1::POLICY_TRIGGER_MISSING, saturday, std::nullopt});
  facts.as_of = saturday;
  EXPECT_EQ(One(Pack("us-tx"), facts, "police.law_enforcement.1.1").due_at,
            At("2026-11-01T11:00:00-06:00"));
}

// The number of duties that a case of each pack gives: a rule that is lost or doubled shows here.
TEST(DutiesOfPacks, OnAFixedCase) {
  Facts facts = With(Missing(), v1::CIRCUMSTANCE_INDIAN_CHILD, kReceived);
  facts.triggers.push_back({v1::POLICY_TRIGGER_RETURNED, kReceived + absl::Hours(30), {}});
  facts.triggers.push_back({v1::POLICY_TRIGGER_IDENTIFIED, kReceived + absl::Hours(40), {}});
  const auto applying = [&](const std::string& pack) {
    std::set<std::string> rules;
    for (const Duty& duty : DutiesOf(Pack(pack), facts)) {
      if (duty.state != v1::DUTY_STATE_NOT_APPLICABLE) rules.insert(duty.rule_id);
    }
    return absl::StrJoin(rules, " ");
  };
  const std::string federal =
      "ncic-number ncmec page police regular-contact return-interview return-notice return-photo "
      "return-screening team trafficking-police";
  EXPECT_EQ(applying("us"), federal);
  EXPECT_EQ(applying("us-tx"),
            "agency-told monthly-search ncic-number ncmec page parties police quarterly-review "
            "regular-contact return-interview return-notice return-parties return-photo "
            "return-screening team trafficking-police");
  EXPECT_EQ(applying("us-ca"),
            "ncic-number ncmec page parties police regular-contact return-interview return-notice "
            "return-photo return-screening team trafficking-police tribe");
  EXPECT_EQ(applying("us-ca-los-angeles"),
            "advocate-on-scene medical-evaluation ncic-number ncmec page parties police "
            "regular-contact return-interview return-notice return-photo return-screening "
            "specialised-services team trafficking-police tribe");
  EXPECT_EQ(applying("us-fl"),
            "active-search missing-child-report ncic-number ncmec page police recovery-staffing "
            "regular-contact return-interview return-notice return-photo return-screening team "
            "trafficking-police weekly-search");
  EXPECT_EQ(applying("us-wa"),
            "attorney-overnight caregiver-police important-persons ncic-number ncmec page police "
            "regular-contact return-interview return-notice return-photo return-screening staffing "
            "team trafficking-police tribal-police");
  EXPECT_EQ(applying("us-mi"),
            "ncic-number ncmec page parties police regular-contact return-interview return-notice "
            "return-photo return-screening system-updated team trafficking-police");
}

Facts Drawn(std::mt19937& draw) {
  const auto hours = [&] { return kReceived + absl::Hours(static_cast<int>(draw() % 2000) - 100); };
  Facts facts = Missing();
  if (draw() % 2 == 0) facts.age_years.reset();
  for (uint32_t i = draw() % 4; i > 0; --i) {
    facts.circumstances[static_cast<v1::Circumstance>(1 + draw() % 30)] = hours();
    facts.anchors[static_cast<v1::PolicyAnchor>(3 + draw() % 6)] = hours();
    facts.triggers.push_back({static_cast<v1::PolicyTrigger>(2 + draw() % 10), hours(), {}});
    facts.proofs.push_back(
        Proved("police", static_cast<v1::EvidenceKind>(1 + draw() % 19), hours()));
  }
  facts.as_of = hours();
  return facts;
}

// Over all packs and drawn facts: each key once, the federal ceilings kept, the answer the same
// again, and no duty lost by asking later.
TEST(DutiesOfPacks, KeepTheirPromises) {
  std::mt19937 draw(671);
  for (int round = 0; round < 40; ++round) {
    Facts facts = Drawn(draw);
    for (const auto& [id, pack] : Packs().packs()) {
      SCOPED_TRACE(absl::StrCat(id, " in round ", round));
      const std::vector<Duty> duties = DutiesOf(pack, facts);
      std::set<std::string> keys;
      for (const Duty& duty : duties) {
        ASSERT_TRUE(keys.insert(duty.duty_key).second) << duty.duty_key;
        ASSERT_FALSE(duty.citation.empty());
        if (duty.due_at.has_value() && duty.start_after.has_value()) {
          ASSERT_LE(*duty.start_after, *duty.due_at) << duty.duty_key;
        }
        if (duty.rule_id != "police" && duty.rule_id != "ncmec") continue;
        ASSERT_NE(duty.state, v1::DUTY_STATE_NOT_APPLICABLE) << duty.reason;
        ASSERT_LE(*duty.due_at, kReceived + absl::Hours(24));
      }
      ASSERT_EQ(duties, DutiesOf(pack, facts));
      Facts later = facts;
      later.as_of = facts.as_of + absl::Hours(1000);
      const std::vector<Duty> then = DutiesOf(pack, later);
      for (const Duty& duty : duties) {
        const Duty* same = Find(then, duty.duty_key);
        ASSERT_NE(same, nullptr) << duty.duty_key;
        ASSERT_EQ(*same, duty) << duty.duty_key;
      }
    }
  }
}

// Police and NCMEC are never due later for something that becomes known.
TEST(DutiesOfPacks, ARiskNeverMovesADutyLater) {
  for (const auto& [id, pack] : Packs().packs()) {
    const std::vector<Duty> before = DutiesOf(pack, Missing());
    for (int number = 1; v1::Circumstance_IsValid(number); ++number) {
      const auto circumstance = static_cast<v1::Circumstance>(number);
      const std::vector<Duty> after =
          DutiesOf(pack, With(Missing(), circumstance, kReceived + absl::Hours(1)));
      ASSERT_EQ(before.size(), after.size()) << "the same duties, whatever is known";
      for (size_t i = 0; i < before.size(); ++i) {
        ASSERT_EQ(before[i].duty_key, after[i].duty_key);
        if (!before[i].due_at.has_value() || !after[i].due_at.has_value()) continue;
        ASSERT_LE(*after[i].due_at, *before[i].due_at) << id << " " << before[i].duty_key;
      }
    }
  }
}

}  // namespace
}  // namespace porchlight::policy_duties_test
