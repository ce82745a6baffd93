// What a change of the directory is refused for, row by row: the text names the entry and says what
// to do, and holds nobody's name or address.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/base/time.h"
#include "common/directory/check.h"
#include "common/directory/directory.h"
#include "common/policy/loader.h"
#include "tests/support/directory.h"

namespace porchlight::directory_check_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

absl::Time Now() { return absl::FromUnixSeconds(1'767'700'000); }  // 6 January 2026

v1::Rota Rota() {
  return TestRota("desk", {{TestShift({"ann", "ben"}, "2026-01-05", 7, 480)},
                           {TestShift({"ben"}, "2026-01-05", 7, 480)}});
}

v1::TeamRoster Roster() {
  v1::TeamRoster roster;
  roster.set_roster_id("team");
  roster.set_chase_after_minutes(60);
  v1::TeamSeat& seat = *roster.add_seats();
  seat.set_role("advocate");
  seat.set_kind(v1::RECIPIENT_KIND_SURVIVOR_ADVOCATE);
  seat.add_recipient_ids("police");
  return roster;
}

// A police desk, ann and ben on call, a team.
v1::Directory Whole() {
  v1::Directory directory;
  *directory.add_recipients() = TestRecipient("police", v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  *directory.add_recipients() = TestWayOf("ann");
  *directory.add_recipients() = TestWayOf("ben");
  *directory.add_rotas() = Rota();
  *directory.add_rosters() = Roster();
  return directory;
}

struct Row {
  const char* sentence;
  std::function<void(v1::ChangeDirectoryRequest&)> change;
  absl::StatusCode code;
  const char* entry;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.sentence; }

constexpr absl::StatusCode kMalformed = absl::StatusCode::kInvalidArgument;
constexpr absl::StatusCode kBroken = absl::StatusCode::kFailedPrecondition;

class Refused : public ::testing::TestWithParam<Row> {};

TEST_P(Refused, WithTheEntryAndWhatToDo) {
  v1::ChangeDirectoryRequest change;
  GetParam().change(change);
  const auto checked = CheckChange(Whole(), change, Now());
  EXPECT_EQ(checked.status().code(), GetParam().code);
  EXPECT_THAT(std::string(checked.status().message()),
              AllOf(HasSubstr(absl::StrCat(GetParam().entry, ": ")), HasSubstr(GetParam().says),
                    Not(HasSubstr("Secret")), HasSubstr("Nothing was changed.")));
}

v1::Recipient& Add(v1::ChangeDirectoryRequest& change) {
  return *change.mutable_set()->add_recipients() = TestRecipient("court", v1::RECIPIENT_KIND_COURT);
}

INSTANTIATE_TEST_SUITE_P(
    Recipients, Refused,
    ::testing::Values(
        Row{"without an address", [](auto& change) { Add(change).clear_address(); }, kMalformed,
            "recipient court", "it has no address"},
        Row{"with one that its channel can't use",
            [](auto& change) {
              Add(change).set_channel(v1::CHANNEL_KIND_SMS);
              change.mutable_set()->mutable_recipients(0)->set_address("Secret number");
            },
            kMalformed, "recipient court", "+12025550123"},
        Row{"without a channel",
            [](auto& change) { Add(change).set_channel(v1::CHANNEL_KIND_UNSPECIFIED); }, kMalformed,
            "recipient court", "use webhook, email"},
        Row{"without a kind",
            [](auto& change) { Add(change).set_kind(v1::RECIPIENT_KIND_UNSPECIFIED); }, kMalformed,
            "recipient court", "its kind is missing"},
        Row{"of a kind of a later version",
            [](auto& change) { Add(change).set_kind(static_cast<v1::RecipientKind>(999)); },
            kMalformed, "recipient court", "its kind is missing"},
        Row{"with an id that may be a name",
            [](auto& change) { Add(change).set_recipient_id("Secret Person"); }, kMalformed,
            "recipient number 1", "use 1 to 64"},
        Row{"without a name", [](auto& change) { Add(change).clear_display_name(); }, kMalformed,
            "recipient court", "its name is missing"},
        Row{"with a name of two lines",
            [](auto& change) { Add(change).set_display_name("Secret\nCourt"); }, kMalformed,
            "recipient court", "can't be shown"},
        Row{"with half an ORI", [](auto& change) { Add(change).set_ori("TX1234"); }, kMalformed,
            "recipient court", "9 characters"},
        Row{"with a jurisdiction that is none",
            [](auto& change) { Add(change).add_jurisdictions("Secret County"); }, kMalformed,
            "recipient court", "such as us-tx"},
        Row{"with a person's name for an id",
            [](auto& change) { Add(change).set_person_id("Secret Person"); }, kMalformed,
            "recipient court", "never a name"},
        Row{"twice in one change",
            [](auto& change) {
              Add(change);
              Add(change);
            },
            kMalformed, "recipient court", "give it once"},
        Row{"set and removed at once",
            [](auto& change) {
              Add(change);
              change.add_recipients_removed("court");
            },
            kMalformed, "recipient court", "give it once"},
        Row{"removed, though a team needs it",
            [](auto& change) { change.add_recipients_removed("police"); }, kBroken, "roster team",
            "take it out of the roster first"},
        Row{"removed, though it is the only way of somebody on call",
            [](auto& change) { change.add_recipients_removed("way-of-ann"); }, kBroken, "rota desk",
            "person ann has no recipient"},
        Row{"nothing at all", [](auto&) {}, kMalformed, "the change", "sets and removes nothing"}));

v1::Rota& AddRota(v1::ChangeDirectoryRequest& change) {
  return *change.mutable_set()->add_rotas() = Rota();
}
v1::RotaLevel& LevelOf(v1::ChangeDirectoryRequest& change) {
  return *AddRota(change).mutable_levels(0);
}
v1::RotaShift& ShiftOf(v1::ChangeDirectoryRequest& change) {
  return *LevelOf(change).mutable_shifts(0);
}

INSTANTIATE_TEST_SUITE_P(
    Rotas, Refused,
    ::testing::Values(
        Row{"with a time zone that there is not",
            [](auto& change) { AddRota(change).set_time_zone("America/Nowhere"); }, kMalformed,
            "rota desk", "America/Chicago"},
        Row{"with a role of other characters",
            [](auto& change) { AddRota(change).set_role("Secret Desk"); }, kMalformed,
            "rota number 1", "use 1 to 40"},
        Row{"without levels", [](auto& change) { AddRota(change).clear_levels(); }, kMalformed,
            "rota desk", "it has no levels"},
        Row{"of some jurisdictions only",
            [](auto& change) { AddRota(change).add_jurisdictions("us-tx"); }, kMalformed,
            "rota desk", "one rota for all"},
        Row{"with a level without shifts", [](auto& change) { LevelOf(change).clear_shifts(); },
            kMalformed, "rota desk, level 1", "it has no shifts"},
        Row{"that escalates at once",
            [](auto& change) { LevelOf(change).set_escalate_after_seconds(9); }, kMalformed,
            "rota desk, level 1", "10 to 86400"},
        Row{"that needs more answers than people",
            [](auto& change) { LevelOf(change).set_acknowledgements_needed(2); }, kMalformed,
            "rota desk, level 1", "more acknowledgements"},
        Row{"with a shift of nobody", [](auto& change) { ShiftOf(change).clear_person_ids(); },
            kMalformed, "rota desk, level 1, shift 1", "it has nobody"},
        Row{"with a name for an id",
            [](auto& change) { ShiftOf(change).set_person_ids(0, "Secret Person"); }, kMalformed,
            "rota desk, level 1, shift 1", "never a name"},
        Row{"with somebody who can't be reached",
            [](auto& change) { ShiftOf(change).set_person_ids(0, "eve"); }, kBroken, "rota desk",
            "person eve has no recipient"},
        Row{"with a day that is none",
            [](auto& change) { ShiftOf(change).set_starts_on("2026-02-30"); }, kMalformed,
            "rota desk, level 1, shift 1", "such as 2026-01-05"},
        Row{"with turns of no days", [](auto& change) { ShiftOf(change).set_turn_days(0); },
            kMalformed, "rota desk, level 1, shift 1", "1 to 365"},
        Row{"with a time after the day's last",
            [](auto& change) { ShiftOf(change).set_hand_off_minute(1440); }, kMalformed,
            "rota desk, level 1, shift 1", "0 to 1439"},
        Row{"with an eighth weekday", [](auto& change) { ShiftOf(change).add_weekdays(8); },
            kMalformed, "rota desk, level 1, shift 1", "1 (Monday) to 7"},
        Row{"that begins only tomorrow",
            [](auto& change) { ShiftOf(change).set_starts_on("2026-01-07"); }, kBroken,
            "rota desk, level 1", "nobody is on call on 2026-01-06 at 05:46 CST"},
        Row{"with a hole on Sundays",
            [](auto& change) {
              v1::RotaShift& shift = ShiftOf(change);
              for (uint32_t day = 1; day <= 6; ++day) shift.add_weekdays(day);
            },
            kBroken, "rota desk, level 1", "on 2026-01-11 at 00:00 CST"},
        Row{"with a hole at noon", [](auto& change) { ShiftOf(change).set_to_minute(720); },
            kBroken, "rota desk, level 1", "on 2026-01-06 at 12:00 CST"}));

v1::RotaOverride& AddOverride(v1::ChangeDirectoryRequest& change) {
  return *change.mutable_set()->add_overrides() =
             TestOverride("o-1", "desk", 1, "ann", Now(), absl::Hours(6));
}
v1::TeamRoster& AddRoster(v1::ChangeDirectoryRequest& change) {
  return *change.mutable_set()->add_rosters() = Roster();
}

INSTANTIATE_TEST_SUITE_P(
    OverridesAndTeams, Refused,
    ::testing::Values(
        Row{"an override of a rota that there is not",
            [](auto& change) { AddOverride(change).set_role("night"); }, kBroken, "override o-1",
            "there is no rota night"},
        Row{"of a level that there is not", [](auto& change) { AddOverride(change).set_level(3); },
            kBroken, "override o-1", "the levels 1 to 2"},
        Row{"by somebody who can't be reached",
            [](auto& change) { AddOverride(change).set_person_ids(0, "eve"); }, kBroken,
            "override o-1", "person eve has no recipient"},
        Row{"by nobody", [](auto& change) { AddOverride(change).clear_person_ids(); }, kMalformed,
            "override o-1", "name at least one"},
        Row{"that ends before it begins",
            [](auto& change) {
              v1::RotaOverride& override = AddOverride(change);
              override.mutable_until()->CopyFrom(override.from());
            },
            kMalformed, "override o-1", "a later until"},
        Row{"without an end", [](auto& change) { AddOverride(change).clear_until(); }, kMalformed,
            "override o-1", "a later until"},
        Row{"a team without seats", [](auto& change) { AddRoster(change).clear_seats(); },
            kMalformed, "roster team", "it has no seats"},
        Row{"a seat without a role",
            [](auto& change) { AddRoster(change).mutable_seats(0)->clear_role(); }, kMalformed,
            "roster team", "the role of one of its seats"},
        Row{"a seat of nobody known",
            [](auto& change) { AddRoster(change).mutable_seats(0)->add_recipient_ids("gone"); },
            kBroken, "roster team", "it has recipient gone, who isn't in the directory"},
        Row{"more answers than seats",
            [](auto& change) { AddRoster(change).set_answers_needed(2); }, kMalformed,
            "roster team", "lower answers_needed"},
        Row{"one that is never chased",
            [](auto& change) { AddRoster(change).set_chase_after_minutes(0); }, kMalformed,
            "roster team", "5 to 10080"},
        Row{"a rota removed, though somebody stands in on it",
            [](auto& change) {
              AddOverride(change);
              change.add_rotas_removed("desk");
            },
            kBroken, "override o-1", "there is no rota desk"}));

v1::PolicyPack& AddPack(v1::ChangeDirectoryRequest& change, const char* id) {
  return *change.mutable_set()->add_packs() = *LoadPacks({})->Find(id);
}
void Rehash(v1::PolicyPack& pack) { pack.set_content_hash(ContentHash(pack)); }

INSTANTIATE_TEST_SUITE_P(
    Packs, Refused,
    ::testing::Values(Row{"a state's without the federal one",
                          [](auto& change) { AddPack(change, "us-tx"); }, kBroken, "packs",
                          "set it too"},
                      Row{"one that isn't what its hash says",
                          [](auto& change) { AddPack(change, "us").set_immediately_minutes(5000); },
                          kMalformed, "pack us", "content_hash"},
                      Row{"one that leaves out a federal rule",
                          [](auto& change) {
                            v1::PolicyPack& pack = AddPack(change, "us");
                            pack.clear_rules();
                            Rehash(pack);
                          },
                          kMalformed, "pack us", "which no pack may remove"},
                      Row{"one that loosens a federal rule",
                          [](auto& change) {
                            v1::PolicyPack& pack = AddPack(change, "us");
                            for (v1::PolicyRule& rule : *pack.mutable_rules()) {
                              for (v1::PolicyLimit& due : *rule.mutable_due()) {
                                due.mutable_window()->set_unit(v1::WINDOW_UNIT_HOURS);
                                due.mutable_window()->set_count(1000);
                              }
                            }
                            Rehash(pack);
                          },
                          kMalformed, "pack us", "can be later than"},
                      Row{"one without a clock",
                          [](auto& change) {
                            v1::PolicyPack& pack = AddPack(change, "us");
                            pack.set_time_zone("Nowhere");
                            Rehash(pack);
                          },
                          kMalformed, "pack us", "time zone"}));

TEST(CheckChange, TellsAllThatIsWrongAtOnce) {
  v1::ChangeDirectoryRequest change;
  Add(change).clear_address();
  AddRota(change).set_time_zone("Nowhere");
  AddOverride(change).clear_person_ids();
  const std::string text(CheckChange(Whole(), change, Now()).status().message());
  EXPECT_THAT(text, AllOf(HasSubstr("recipient court: "), HasSubstr("rota desk: "),
                          HasSubstr("override o-1: ")));
}

TEST(CheckChange, TakesEveryPackThatIsBuiltIn) {
  v1::ChangeDirectoryRequest change;
  const auto packs = LoadPacks({});
  ASSERT_TRUE(packs.ok());
  for (const auto& [id, pack] : packs->packs()) *change.mutable_set()->add_packs() = pack;
  const auto checked = CheckChange(v1::Directory(), change, Now());
  EXPECT_TRUE(checked.ok()) << checked.status();
}

TEST(CheckChange, TellsOnlySoMuchAtOnce) {
  v1::ChangeDirectoryRequest change;
  for (int i = 0; i < 60; ++i) {
    Add(change).set_recipient_id(absl::StrCat("court-", i));
    change.mutable_set()->mutable_recipients(i)->clear_address();
  }
  EXPECT_THAT(std::string(CheckChange(Whole(), change, Now()).status().message()),
              HasSubstr("and 10 more"));
}

TEST(CheckChange, HasRoomForSoManyEntriesAndNoMore) {
  v1::Directory directory = Whole();
  while (directory.recipients_size() + directory.rotas_size() + directory.rosters_size() <
         static_cast<int>(kDirectoryEntriesMax)) {
    *directory.add_recipients() =
        TestRecipient(absl::StrCat("n-", directory.recipients_size()), v1::RECIPIENT_KIND_RELATIVE);
  }
  v1::ChangeDirectoryRequest change;
  Add(change);
  EXPECT_EQ(CheckChange(directory, change, Now()).status().code(), kBroken);
  change.add_recipients_removed("n-5");
  EXPECT_TRUE(CheckChange(directory, change, Now()).ok());
}

// A change of something else never fails for what is over.
TEST(CheckChange, LeavesWhatIsOverAlone) {
  v1::Directory directory = Whole();
  *directory.add_overrides() =
      TestOverride("o-1", "gone", 7, "gone", Now() - absl::Hours(6), absl::Hours(6));
  v1::ChangeDirectoryRequest change;
  Add(change);
  const auto warnings = CheckChange(directory, change, Now());
  ASSERT_TRUE(warnings.ok()) << warnings.status();
  EXPECT_THAT(*warnings, IsEmpty());
}

struct WarningRow {
  const char* sentence;
  std::function<void(v1::ChangeDirectoryRequest&)> change;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const WarningRow& row) { return out << row.sentence; }

class Warned : public ::testing::TestWithParam<WarningRow> {};

TEST_P(Warned, OfWhatLooksOdd) {
  v1::ChangeDirectoryRequest change;
  GetParam().change(change);
  const auto warnings = CheckChange(Whole(), change, Now());
  ASSERT_TRUE(warnings.ok()) << warnings.status();
  EXPECT_THAT(*warnings, ::testing::Contains(HasSubstr(GetParam().says)));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Warned,
    ::testing::Values(
        WarningRow{"removing what there is not",
                   [](auto& change) { change.add_recipients_removed("gone"); },
                   "there was no recipient gone to remove"},
        WarningRow{"a webhook without a secret",
                   [](auto& change) {
                     Add(change).set_channel(v1::CHANNEL_KIND_WEBHOOK);
                     change.mutable_set()->mutable_recipients(0)->set_address(
                         "https://court.example/in");
                   },
                   "secret_file"},
        WarningRow{"a channel that may not be there",
                   [](auto& change) {
                     Add(change).set_channel(v1::CHANNEL_KIND_EMAIL);
                     change.mutable_set()->mutable_recipients(0)->set_address(
                         "clerk@court.example");
                   },
                   "section email"},
        WarningRow{"an override that is over",
                   [](auto& change) {
                     *change.mutable_set()->add_overrides() = TestOverride(
                         "o-1", "desk", 1, "ann", Now() - absl::Hours(6), absl::Hours(6));
                   },
                   "override o-1 is over already"},
        WarningRow{"a seat that is required and empty",
                   [](auto& change) {
                     v1::TeamSeat& seat = *AddRoster(change).mutable_seats(0);
                     seat.set_required(true);
                     seat.clear_recipient_ids();
                   },
                   "requires advocate"},
        WarningRow{"somebody on call who can be reached in drills only",
                   [](auto& change) {
                     AddRota(change);
                     *change.mutable_set()->add_recipients() = TestWayOf("ann");
                     change.mutable_set()->mutable_recipients(0)->set_exercise_only(true);
                   },
                   "person ann can be reached in drills only"},
        WarningRow{"a role of a pack that no rota has", [](auto& change) { AddPack(change, "us"); },
                   "no rota has the role "}));

}  // namespace
}  // namespace porchlight::directory_check_test
