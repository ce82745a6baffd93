// The directory as a file: what is read, and what is refused with file and line.
#include "common/config/directory_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/time.h"
#include "common/directory/check.h"

namespace porchlight::directory_file_test {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kWhole[] = R"(recipients:
  - id: city-police
    kind: law_enforcement
    channel: email
    address: desk@police.example
    name: Example City Police
    jurisdictions: [us-tx-travis, us-tx-hays]
    ori: TX0000000
  - {id: ann, kind: supervisor, channel: folder, address: ann, name: Ann, person: worker-1,
     exercise_only: true}
rotas:
  - role: desk
    time_zone: America/Chicago
    levels:
      - escalate_after_seconds: 300
        acknowledgements_needed: 1
        shifts:
          - people: [worker-1, worker-2]
            starts_on: 2026-01-05
            turn_days: 14
            hand_off: "08:30"
            weekdays: [monday, sunday]
            from: "20:00"
            to: "06:00"
overrides:
  - {id: o-1, role: desk, level: 1, people: worker-2,
     from: 2026-11-22T20:00:00-06:00, until: 2026-11-23T08:00:00-06:00}
rosters:
  - id: team
    answers_needed: 1
    chase_after_minutes: 30
    seats:
      - {role: advocate, kind: survivor_advocate, recipients: ann, required: true}
)";

TEST(DirectoryFile, IsRead) {
  const auto read = ParseDirectoryFile(kWhole, "d.yaml");
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->recipients_size(), 2);
  const v1::Recipient& police = read->recipients(0);
  EXPECT_EQ(police.recipient_id(), "city-police");
  EXPECT_EQ(police.kind(), v1::RECIPIENT_KIND_LAW_ENFORCEMENT);
  EXPECT_EQ(police.channel(), v1::CHANNEL_KIND_EMAIL);
  EXPECT_EQ(police.address(), "desk@police.example");
  EXPECT_THAT(police.jurisdictions(), ElementsAre("us-tx-travis", "us-tx-hays"));
  EXPECT_EQ(police.ori(), "TX0000000");
  EXPECT_EQ(read->recipients(1).person_id(), "worker-1");
  EXPECT_TRUE(read->recipients(1).exercise_only());

  const v1::Rota& rota = read->rotas(0);
  EXPECT_EQ(rota.role(), "desk");
  EXPECT_EQ(rota.levels(0).escalate_after_seconds(), 300u);
  const v1::RotaShift& shift = rota.levels(0).shifts(0);
  EXPECT_THAT(shift.person_ids(), ElementsAre("worker-1", "worker-2"));
  EXPECT_EQ(shift.turn_days(), 14u);
  EXPECT_EQ(shift.hand_off_minute(), 510u);
  EXPECT_THAT(shift.weekdays(), ElementsAre(1u, 7u));
  EXPECT_EQ(shift.from_minute(), 1200u);
  EXPECT_EQ(shift.to_minute(), 360u);

  EXPECT_EQ(FromProto(read->overrides(0).until()) - FromProto(read->overrides(0).from()),
            absl::Hours(12));
  EXPECT_EQ(read->rosters(0).chase_after_minutes(), 30u);
  EXPECT_TRUE(read->rosters(0).seats(0).required());
}

TEST(DirectoryFile, OfTheSampleMayBeImportedIntoAnEmptyDirectory) {
  const auto read = ReadDirectoryFile(absl::StrCat(SOURCE_DIR, "/deploy/sample/directory.yaml"));
  ASSERT_TRUE(read.ok()) << read.status();
  v1::ChangeDirectoryRequest change;
  *change.mutable_set() = *read;
  const auto warnings = CheckChange(v1::Directory(), change, absl::FromUnixSeconds(1'780'000'000));
  ASSERT_TRUE(warnings.ok()) << warnings.status();
  EXPECT_TRUE(warnings->empty()) << warnings->front();
}

struct Row {
  const char* sentence;
  const char* from;
  const char* to;
  const char* says;
};
std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.sentence; }

class RefusedFile : public ::testing::TestWithParam<Row> {};

TEST_P(RefusedFile, WithItsLine) {
  const std::string yaml = absl::StrReplaceAll(kWhole, {{GetParam().from, GetParam().to}});
  ASSERT_NE(yaml, kWhole);
  const auto read = ParseDirectoryFile(yaml, "d.yaml");
  EXPECT_EQ(read.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(read.status().message()),
              AllOf(HasSubstr(GetParam().says), Not(HasSubstr("Secret"))));
}

INSTANTIATE_TEST_SUITE_P(
    Rows, RefusedFile,
    ::testing::Values(
        Row{"an unknown key", "ori:", "orri:", "d.yaml:8: key \"recipients[0].orri\""},
        Row{"an id that may be a name", "id: city-police", "id: Secret Police",
            "d.yaml:2: key \"recipients[0].id\": it is too long or has other characters"},
        Row{"an unknown kind", "kind: law_enforcement", "kind: Secret",
            "d.yaml:3: key \"recipients[0].kind\": its value isn't known"},
        Row{"an address that can't be used", "desk@police.example", "Secret desk",
            "d.yaml:5: key \"recipients[0].address\": it can't be used"},
        Row{"no name", "    name: Example City Police\n", "",
            "d.yaml:2: key \"recipients[0].name\": it is missing"},
        Row{"an id twice", "{id: ann", "{id: city-police", "d.yaml:9: key \"recipients[1].id\""},
        Row{"a clock that there is not", "America/Chicago", "America/Secret",
            "d.yaml:13: key \"rotas[0].time_zone\""},
        Row{"a time of day that is none", "\"08:30\"", "\"25:30\"",
            "d.yaml:21: key \"rotas[0].levels[0].shifts[0].hand_off\": it is no time of day"},
        Row{"a day that is none", "2026-01-05", "2026-02-30",
            "d.yaml:19: key \"rotas[0].levels[0].shifts[0].starts_on\": it is no date"},
        Row{"a weekday that is none", "monday", "moonday",
            "key \"rotas[0].levels[0].shifts[0].weekdays\": one of its values isn't known"},
        Row{"turns that are too long", "turn_days: 14", "turn_days: 366",
            "d.yaml:20: key \"rotas[0].levels[0].shifts[0].turn_days\": it is too large"},
        Row{"a level that never escalates", "        acknowledgements_needed: 1\n",
            "        acknowledgements_needed: 1\n        escalate: never\n",
            "key \"rotas[0].levels[0].escalate\": there is no such key"},
        Row{"a time without its offset", "2026-11-22T20:00:00-06:00", "2026-11-22T20:00:00",
            "d.yaml:27: key \"overrides[0].from\": it is no time"},
        Row{"a team that is chased at once", "chase_after_minutes: 30", "chase_after_minutes: 1",
            "d.yaml:31: key \"rosters[0].chase_after_minutes\": it is too small"},
        Row{"a seat of an unknown kind", "kind: survivor_advocate", "kind: Secret",
            "key \"rosters[0].seats[0].kind\": its value isn't known"},
        Row{"what is no YAML", "rotas:", "rotas: [", "d.yaml:"}));

}  // namespace
}  // namespace porchlight::directory_file_test
