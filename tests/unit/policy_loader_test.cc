// A pack is read as written or refused with file, line, key and what is expected; and whatever a
// pack says, federal ceilings hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "common/policy/loader.h"

namespace porchlight::policy_loader_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kCounty[] = R"(pack: us-zz
extends: us
name: Zed
time_zone: America/Denver
rules:
  - id: parties
    title: Tell the court
    citation: Zed Code 1
    on: missing
    action: notify
    tell: [court, parent]
    except:
      parent: [parent_not_found]
    by: caseworker
    due: 12 hours from received
    proved_by: delivery_receipt
    warn_before: 4 hours
  - id: police
    citation: Zed Code 2
    due: 2 hours from received
)";

std::vector<std::string> Mistakes(const std::vector<PolicySource>& sources) {
  const absl::StatusOr<PackSet> packs = ParsePacks(sources);
  if (packs.ok()) return {};
  EXPECT_EQ(packs.status().code(), absl::StatusCode::kInvalidArgument);
  return absl::StrSplit(packs.status().message(), '\n');
}

// The mistakes after `from` was replaced by `to` in the pack above.
std::vector<std::string> Changed(const std::string& from, const std::string& to) {
  EXPECT_THAT(kCounty, HasSubstr(from));
  return Mistakes({{"zz.yaml", absl::StrReplaceAll(kCounty, {{from, to}})}});
}

std::string Federal() {
  for (const PolicySource& source : BuiltInPolicySources()) {
    if (source.file == "us.yaml") return source.yaml;
  }
  return "";
}

const v1::PolicyRule& Rule(const v1::PolicyPack& pack, const std::string& id) {
  for (const v1::PolicyRule& rule : pack.rules()) {
    if (rule.rule_id() == id) return rule;
  }
  ADD_FAILURE() << "no rule " << id;
  return v1::PolicyRule::default_instance();
}

TEST(PolicyLoader, ResolvesWhatAPackInherits) {
  const absl::StatusOr<PackSet> packs = ParsePacks({{"zz.yaml", kCounty}});
  ASSERT_TRUE(packs.ok()) << packs.status();
  const v1::PolicyPack& pack = *packs->Find("us-zz");
  EXPECT_EQ(pack.jurisdiction(), "us-zz");
  EXPECT_EQ(pack.time_zone(), "America/Denver");
  EXPECT_THAT(pack.extends(), ElementsAre("us"));
  EXPECT_EQ(pack.immediately_minutes(), 30u);
  EXPECT_EQ(pack.business_day_ends_minute(), 17u * 60);
  EXPECT_EQ(pack.holidays_size(), 11);
  const v1::PolicyRule& police = Rule(pack, "police");
  EXPECT_EQ(police.title(), "Report to police for entry in NCIC");
  EXPECT_EQ(police.citation(), "Zed Code 2");
  ASSERT_EQ(police.due_size(), 1);
  EXPECT_EQ(police.due(0).window().count(), 2u);
  ASSERT_EQ(police.ceilings_size(), 1);
  EXPECT_EQ(police.ceilings(0).window().count(), 24u);
  EXPECT_EQ(Rule(pack, "ncmec").citation(), "42 USC 671(a)(35)(B)");
  const v1::PolicyRule& parties = Rule(pack, "parties");
  EXPECT_EQ(parties.escalate_to(), "supervisor");
  EXPECT_THAT(parties.recipients(1).exclude_if(), ElementsAre(v1::CIRCUMSTANCE_PARENT_NOT_FOUND));
}

TEST(PolicyLoader, HashIsOfTheContentOnly) {
  const auto hash = [](const std::string& yaml) {
    const absl::StatusOr<PackSet> packs = ParsePacks({{"any.yaml", yaml}});
    EXPECT_TRUE(packs.ok()) << packs.status();
    return packs.ok() ? packs->Find("us-zz")->content_hash() : "";
  };
  EXPECT_EQ(hash(kCounty).size(), 64u);
  EXPECT_EQ(hash(kCounty), hash(absl::StrCat("# A comment\n", kCounty)));
  EXPECT_NE(hash(kCounty), hash(absl::StrReplaceAll(kCounty, {{"2 hours from", "1 hour from"}})));
  v1::PolicyPack pack = *ParsePacks({{"zz.yaml", kCounty}})->Find("us-zz");
  EXPECT_EQ(ContentHash(pack), pack.content_hash());
}

TEST(PolicyLoader, BuiltInAndTestPacksAreWithoutMistakes) {
  const absl::StatusOr<PackSet> built_in = LoadPacks({});
  ASSERT_TRUE(built_in.ok()) << built_in.status();
  EXPECT_EQ(built_in->packs().size(), 4u);
  const absl::StatusOr<PackSet> all =
      LoadPacks({SOURCE_DIR "/deploy/policy", SOURCE_DIR "/tests/policy"});
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->packs().size(), 7u);
  for (const auto& [id, pack] : built_in->packs()) {
    EXPECT_EQ(pack.content_hash(), all->Find(id)->content_hash()) << id;
  }
}

struct MistakeRow {
  const char* what;
  const char* from;
  const char* to;
  const char* mistake;
  friend std::ostream& operator<<(std::ostream& out, const MistakeRow& row) {
    return out << row.what;
  }
};

class PackMistakes : public ::testing::TestWithParam<MistakeRow> {};

TEST_P(PackMistakes, AreToldWithFileAndLine) {
  EXPECT_THAT(Changed(GetParam().from, GetParam().to), Contains(HasSubstr(GetParam().mistake)));
}

INSTANTIATE_TEST_SUITE_P(
    OfEachKind, PackMistakes,
    ::testing::Values(
        MistakeRow{"not YAML", "rules:", "rules: ]", "zz.yaml:5: this isn't YAML"},
        MistakeRow{"not text", "name: Zed", "name: \xff\xfe",
                   "zz.yaml:3: it has bytes that are no"},
        MistakeRow{"unknown key", "    on: missing", "    on: missing\n    when: now",
                   "zz.yaml:10: key \"rules[0].when\": there is no such key; expected one of id"},
        MistakeRow{"unknown key of the pack", "name: Zed", "name: Zed\nstate: Zed",
                   "zz.yaml:4: key \"state\": there is no such key"},
        MistakeRow{"key twice", "    on: missing", "    on: missing\n    on: returned",
                   "zz.yaml:10: key \"rules[0].on\": it is given twice, first in line 9"},
        MistakeRow{"no citation", "    citation: Zed Code 1\n", "",
                   "zz.yaml:6: key \"rules[0].citation\": it is missing; it is required"},
        MistakeRow{"no citation of a change", "    citation: Zed Code 2\n", "",
                   "key \"rules[1].citation\": it is missing"},
        MistakeRow{"no proof", "    proved_by: delivery_receipt\n", "",
                   "key \"rules[0].proved_by\": it is missing"},
        MistakeRow{"empty proof", "proved_by: delivery_receipt", "proved_by: []",
                   "zz.yaml:16: key \"rules[0].proved_by\": it is empty"},
        MistakeRow{"bad time zone", "America/Denver", "America/Zed",
                   "zz.yaml:4: key \"time_zone\": this machine knows no such time zone; expected a "
                   "name such as America/Chicago"},
        MistakeRow{"bad window", "12 hours from", "twelve hours from",
                   "zz.yaml:15: key \"rules[0].due\": it can't be understood; expected such as"},
        MistakeRow{"bad anchor", "12 hours from received", "12 hours from tomorrow",
                   "zz.yaml:15: key \"rules[0].due\": it can't be understood"},
        MistakeRow{
            "unknown trigger", "on: missing", "on: awol",
            "zz.yaml:9: key \"rules[0].on\": its value isn't known; expected one of missing, "
            "returned"},
        MistakeRow{"unknown recipient", "[court, parent]", "[court, sheriff]",
                   "zz.yaml:11: key \"rules[0].tell\": one of its values isn't known"},
        MistakeRow{"recipient twice", "[court, parent]", "[court, parent, court]",
                   "key \"rules[0].tell\": court is given twice"},
        MistakeRow{"nobody told",
                   "    tell: [court, parent]\n    except:\n      parent: "
                   "[parent_not_found]\n",
                   "", "key \"rules[0].tell\": nobody is named"},
        MistakeRow{"exception for somebody not told", "[court, parent]", "[court]",
                   "key \"rules[0].except.parent\": this rule doesn't tell them"},
        MistakeRow{"rule twice", "id: police", "id: parties",
                   "zz.yaml:18: key \"rules[1].id\": another rule before it has the same"},
        MistakeRow{"bad rule id", "id: parties", "id: The Parties",
                   "zz.yaml:6: key \"rules[0].id\": it is no id"},
        MistakeRow{"after an unknown rule", "    by: caseworker",
                   "    by: caseworker\n    after: sheriff\n    wait_at_most: 1 hour",
                   "zz.yaml:15: key \"rules[0].after\": it names a rule that isn't in this pack"},
        MistakeRow{"counted from an unknown rule", "12 hours from received",
                   "12 hours from done sheriff", "names a rule that isn't in this pack"},
        MistakeRow{"a wait without end", "    by: caseworker",
                   "    by: caseworker\n    after: police",
                   "key \"rules[0].wait_at_most\": it is missing"},
        MistakeRow{"after itself", "    by: caseworker",
                   "    by: caseworker\n    after: parties\n    wait_at_most: 1 hour",
                   "key \"rules[0].after\": it comes back to this rule"},
        MistakeRow{"in a circle", "    due: 2 hours from received",
                   "    due: 2 hours from received\n    after: ncmec\n    wait_at_most: 1 hour",
                   "key \"rules[1].after\": it comes back to this rule"},
        MistakeRow{"a repetition without end", "    by: caseworker",
                   "    by: caseworker\n    repeat: {every: 7 days}",
                   "key \"rules[0].repeat\": it never ends"},
        MistakeRow{"nobody of such an age", "    by: caseworker",
                   "    by: caseworker\n    age_from: 14\n    age_below: 14",
                   "key \"rules[0].age_below\": nobody is of such an age"},
        MistakeRow{"age too large", "    by: caseworker", "    by: caseworker\n    age_below: 99",
                   "key \"rules[0].age_below\": it is too large"},
        MistakeRow{"bad holiday", "rules:", "holidays:\n  - {name: A, on: 02-30}\nrules:",
                   "zz.yaml:6: key \"holidays[0].on\": it is no day"},
        MistakeRow{"bad weekday",
                   "rules:", "holidays:\n  - {name: A, on: 5th monday of may}\nrules:",
                   "key \"holidays[0].on\": it is no day"},
        MistakeRow{"unknown holiday left out", "rules:", "without_holidays: [Zed Day]\nrules:",
                   "zz.yaml:5: key \"without_holidays\": no holiday of this name is inherited"},
        MistakeRow{
            "a ceiling loosened", "due: 2 hours from", "due: 48 hours from",
            "zz.yaml:20: key \"rules[1].due\": \"48 hours from received\" can be later than "
            "\"24 hours from received\", which is a ceiling (42 USC 671(a)(35)(B)); expected "
            "24 hours or sooner"},
        MistakeRow{"a ceiling in days", "due: 2 hours from", "due: 1 day from",
                   "can be later than \"24 hours from received\""},
        MistakeRow{"a ceiling in business days", "due: 2 hours from", "due: 1 business day from",
                   "can be later than \"24 hours from received\""},
        MistakeRow{"a ceiling removed", "rules:", "without_rules: [ncmec]\nrules:",
                   "zz.yaml:5: key \"without_rules\": rule ncmec is a ceiling"},
        MistakeRow{"a ceiling taken back", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    ceiling: false", "key \"rules[1].ceiling\""},
        MistakeRow{"a ceiling narrowed by age", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    age_below: 16",
                   "key \"rules[1].age_below\": it leaves out ages"},
        MistakeRow{"a ceiling narrowed by circumstance", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    unless: intent_to_leave",
                   "key \"rules[1].unless\": it narrows a rule"},
        MistakeRow{"a ceiling ended by a return", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    ends_when: returned",
                   "key \"rules[1].ends_when\": it ends a duty"},
        MistakeRow{"a ceiling with less proof", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    proved_by: delivery_receipt",
                   "key \"rules[1].proved_by\": it takes less for proof"},
        MistakeRow{"a ceiling put off", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    may_be_deferred: true",
                   "key \"rules[1].may_be_deferred\": nobody may put off"},
        MistakeRow{"a ceiling begun later", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    begins: 4 hours from received",
                   "key \"rules[1].begins\": it puts off"},
        MistakeRow{"a ceiling that tells somebody else", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    tell: court",
                   "key \"rules[1].tell\": it leaves out somebody"},
        MistakeRow{"a ceiling on something else", "citation: Zed Code 2",
                   "citation: Zed Code 2\n    on: returned", "key \"rules[1].on\": it changes"},
        MistakeRow{"a rule left out that another needs", "rules:",
                   "without_rules: [ncic-number]\nrules:\n  - id: more\n    title: More\n"
                   "    citation: Zed Code 3\n    on: missing\n    action: document\n"
                   "    by: caseworker\n    due: 1 hour from done ncic-number\n"
                   "    proved_by: document_id",
                   "key \"rules[0].due\": it names a rule that isn't in this pack"},
        MistakeRow{"no ground", "extends: us\n", "",
                   "key \"extends\": it is missing; every pack stands on the federal one"},
        MistakeRow{"unknown ground", "extends: us\n", "extends: us-yy\n",
                   "zz.yaml:2: key \"extends\": there is no pack of this id; expected one of us"}));

TEST(PolicyLoader, TellsAllMistakesAtOnceInOrderOfLines) {
  EXPECT_THAT(
      Mistakes({{"zz.yaml", absl::StrReplaceAll(kCounty, {{"America/Denver", "Nowhere"},
                                                          {"on: missing", "on: late"},
                                                          {"12 hours from", "12 from"}})}}),
      ElementsAre(HasSubstr("zz.yaml:4: "), HasSubstr("zz.yaml:9: "), HasSubstr("zz.yaml:15: ")));
}

TEST(PolicyLoader, PacksThatExtendEachOtherAreACircle) {
  const auto pack = [](const std::string& id, const std::string& over) {
    return PolicySource{id + ".yaml",
                        absl::StrCat("pack: ", id, "\nextends: ", over, "\nname: A\n")};
  };
  EXPECT_THAT(Mistakes({pack("us-a", "us-b"), pack("us-b", "us-c"), pack("us-c", "us-a")}),
              Contains(HasSubstr(":2: key \"extends\": it comes back to this pack")));
  EXPECT_THAT(Mistakes({pack("us-a", "us-a")}),
              Contains(HasSubstr("us-a.yaml:2: key \"extends\": it comes back to this pack")));
}

TEST(PolicyLoader, TwoPacksOfOneIdOrJurisdictionAreRefused) {
  EXPECT_THAT(
      Mistakes({{"a.yaml", kCounty}, {"b.yaml", kCounty}}),
      ElementsAre(HasSubstr("b.yaml:1: key \"pack\": another file gives a pack of the same")));
  const std::string other = "pack: zed-agency\nextends: us\njurisdiction: us-zz\nname: Agency\n";
  EXPECT_THAT(Mistakes({{"a.yaml", kCounty}, {"b.yaml", other}}),
              ElementsAre(HasSubstr("b.yaml:3: key \"jurisdiction\": pack us-zz is for the same")));
}

TEST(PolicyLoader, AFederalPackOfOnesOwnIsMeasuredByTheBuiltInOne) {
  EXPECT_THAT(Mistakes({{"us.yaml", Federal()}}), IsEmpty());
  EXPECT_THAT(Mistakes({{"us.yaml", absl::StrReplaceAll(Federal(), {{"due: 24 hours from received\n"
                                                                     "    ceiling: true\n"
                                                                     "    after:",
                                                                     "due: 48 hours from received\n"
                                                                     "    ceiling: true\n"
                                                                     "    after:"}})}}),
              ElementsAre(HasSubstr("\"48 hours from received\" can be later")));
  EXPECT_THAT(Mistakes({{"us.yaml", absl::StrReplaceAll(Federal(), {{"  - id: trafficking-police",
                                                                     "  - id: something-else"}})}}),
              ElementsAre(HasSubstr("rule trafficking-police is missing")));
}

// A ceiling holds also where the pack's own limit counts from something else.
TEST(PolicyLoader, CeilingsStayBesideLimitsOfOtherStarts) {
  const absl::StatusOr<PackSet> packs = ParsePacks(
      {{"zz.yaml", absl::StrReplaceAll(kCounty, {{"due: 2 hours from received",
                                                  "due: 24 hours from determined_missing"}})}});
  ASSERT_TRUE(packs.ok()) << packs.status();
  const v1::PolicyRule& police = Rule(*packs->Find("us-zz"), "police");
  EXPECT_EQ(police.due(0).from(0).anchor(), v1::POLICY_ANCHOR_DETERMINED_MISSING);
  EXPECT_EQ(police.ceilings(0).from(0).anchor(), v1::POLICY_ANCHOR_RECEIVED);
}

TEST(PolicyLoader, StateCeilingsBindCounties) {
  EXPECT_THAT(Mistakes({{"x.yaml",
                         "pack: us-tx-x\nextends: us-tx\nname: X\nrules:\n  - id: parties\n"
                         "    citation: County 1\n    due: 72 hours from received\n"}}),
              ElementsAre(HasSubstr("x.yaml:7: key \"rules[0].due\": \"72 hours from received\"")));
}

struct JurisdictionRow {
  const char* asked;
  const char* pack;
  bool federal_only;
  const char* warning;
  friend std::ostream& operator<<(std::ostream& out, const JurisdictionRow& row) {
    return out << '"' << row.asked << '"';
  }
};

class Jurisdictions : public ::testing::TestWithParam<JurisdictionRow> {};

TEST_P(Jurisdictions, FallBackToWhatTheyArePartOf) {
  const absl::StatusOr<PackSet> packs = LoadPacks({});
  ASSERT_TRUE(packs.ok());
  const PackChoice choice = packs->For(GetParam().asked);
  EXPECT_EQ(choice.pack->pack_id(), GetParam().pack);
  EXPECT_EQ(choice.federal_only, GetParam().federal_only);
  EXPECT_EQ(choice.warning, GetParam().warning);
}

INSTANTIATE_TEST_SUITE_P(
    Names, Jurisdictions,
    ::testing::Values(
        JurisdictionRow{"us", "us", false, ""}, JurisdictionRow{"us-tx", "us-tx", false, ""},
        JurisdictionRow{" US_TX ", "us-tx", false, ""},
        JurisdictionRow{"us-ca-los-angeles", "us-ca-los-angeles", false, ""},
        JurisdictionRow{"us-ca-san-mateo", "us-ca", false,
                        "there is no policy pack for \"us-ca-san-mateo\": that of us-ca is used"},
        JurisdictionRow{"us-ny", "us", true,
                        "there is no policy pack for \"us-ny\": that of us is used, without any "
                        "state's law"},
        JurisdictionRow{"elsewhere", "us", true,
                        "there is no policy pack for \"elsewhere\": that of us is used, without "
                        "any state's law"},
        JurisdictionRow{"", "us", true,
                        "no jurisdiction was given: that of us is used, without any state's law"}));

TEST(PolicyLoader, AnAgencysPackIsInForceOverTheStates) {
  const absl::StatusOr<PackSet> packs = ParsePacks(
      {{"a.yaml", "pack: agency-zed\nextends: us-tx\njurisdiction: us-tx\nname: Zed agency\n"}});
  ASSERT_TRUE(packs.ok()) << packs.status();
  EXPECT_EQ(packs->For("us-tx").pack->pack_id(), "agency-zed");
  EXPECT_EQ(packs->For("us-tx-travis").pack->pack_id(), "agency-zed");
}

TEST(PolicyLoader, FilesThatCannotBeReadAreNamed) {
  EXPECT_THAT(LoadPacks({"no/such/pack.yaml"}).status().message(),
              HasSubstr("can't read the policy pack no/such/pack.yaml"));
  const std::filesystem::path empty = std::filesystem::path(::testing::TempDir()) / "no_packs";
  std::filesystem::create_directories(empty);
  EXPECT_THAT(LoadPacks({empty.string()}).status().message(), HasSubstr("has no policy packs"));
}

// Whatever the bytes, the loader answers: packs, or mistakes with a file and a line.
TEST(PolicyLoader, RandomBytesNeverBreakIt) {
  std::mt19937 draw(20261122);
  const std::string federal = Federal();
  const auto check = [](const std::string& yaml) {
    const absl::StatusOr<PackSet> packs = ParsePacks({{"f.yaml", yaml}});
    if (packs.ok()) return;
    EXPECT_EQ(packs.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(packs.status().message()), ::testing::StartsWith("f.yaml:"));
  };
  for (int round = 0; round < 100; ++round) {
    std::string noise(draw() % 200, '\0');
    for (char& c : noise) c = static_cast<char>(draw());
    check(noise);
    std::string words;
    static const char* const kWords[] = {
        "pack", ": ", "us", "\n", "  ",  "- ", "rules", "[", "]", "{", "}",   "&a",   "*a",
        "!!",   "|",  "id", "on", "due", "\"", "'",     "#", "?", "%", "---", "due: "};
    for (int i = 0; i < 40; ++i) words += kWords[draw() % std::size(kWords)];
    check(words);
  }
  for (int round = 0; round < 100; ++round) {
    std::string bent = kCounty;
    for (int i = 0; i < 3; ++i) {
      const size_t at = draw() % bent.size();
      if (draw() % 2 == 0) {
        bent[at] = static_cast<char>(draw());
      } else {
        bent.erase(at, draw() % 20);
      }
    }
    check(bent);
  }
}

}  // namespace
}  // namespace porchlight::policy_loader_test
