#include "common/directory/check_rota.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "common/base/time.h"
#include "common/directory/directory.h"
#include "common/directory/rota.h"

namespace porchlight {
namespace {

constexpr size_t kRoleLengthMax = 40;
constexpr int kLevelsMax = 20;
constexpr int kShiftsMax = 50;
constexpr int kPeopleMax = 200;
constexpr uint32_t kEscalateSecondsLeast = 10;
constexpr uint32_t kEscalateSecondsMost = 86'400;
constexpr uint32_t kTurnDaysMost = 365;
constexpr uint32_t kLastMinute = 1439;

using IdList = google::protobuf::RepeatedPtrField<std::string>;

class RotaChecker {
 public:
  RotaChecker(const v1::ChangeDirectoryRequest& change, const v1::Directory& after, absl::Time now,
              Mistakes& mistakes)
      : change_(change), after_(after), now_(now), mistakes_(mistakes) {
    for (const v1::Recipient& recipient : after.recipients()) {
      if (!recipient.person_id().empty()) known_.insert(recipient.person_id());
    }
  }

  void Run() {
    const size_t before = mistakes_.malformed.size() + mistakes_.broken.size();
    const v1::Directory& set = change_.set();
    for (int i = 0; i < set.rotas_size(); ++i) CheckRota(set.rotas(i), i);
    for (int i = 0; i < set.overrides_size(); ++i) CheckOverride(set.overrides(i), i);
    CheckReferences();
    // Who is on call can be asked only of rotas that are right otherwise.
    if (mistakes_.malformed.size() + mistakes_.broken.size() == before) CheckHoles();
  }

 private:
  void CheckRota(const v1::Rota& rota, int place) {
    const std::string entry = EntryName("rota", rota.role(), place);
    const auto wrong = [&](absl::string_view text) { mistakes_.Malformed(entry, text); };
    if (!IsWord(rota.role(), kRoleLengthMax)) {
      wrong("its role is missing or has other characters; use 1 to 40 of a-z, 0-9 and -");
    }
    if (absl::TimeZone zone; !absl::LoadTimeZone(rota.time_zone(), &zone)) {
      wrong("this machine knows no such time zone; expected a name such as America/Chicago");
    }
    if (!rota.jurisdictions().empty()) {
      wrong("it has jurisdictions, but a role has one rota for all of them; leave them out");
    }
    if (rota.levels().empty()) wrong("it has no levels; give at least one with people");
    if (rota.levels_size() > kLevelsMax) wrong("it has more than 20 levels; give at most 20");
    for (int i = 0; i < rota.levels_size(); ++i) {
      CheckLevel(absl::StrCat(entry, ", level ", i + 1), rota.levels(i));
    }
  }

  void CheckLevel(const std::string& entry, const v1::RotaLevel& level) {
    const auto wrong = [&](absl::string_view text) { mistakes_.Malformed(entry, text); };
    if (level.escalate_after_seconds() < kEscalateSecondsLeast ||
        level.escalate_after_seconds() > kEscalateSecondsMost) {
      wrong("escalate_after_seconds must be 10 to 86400");
    }
    if (level.shifts().empty()) wrong("it has no shifts; give at least one with people");
    if (level.shifts_size() > kShiftsMax) wrong("it has more than 50 shifts; give at most 50");
    if (level.acknowledgements_needed() > static_cast<uint32_t>(level.shifts_size())) {
      wrong(
          "it needs more acknowledgements than it has shifts, each with one person at a time; "
          "lower acknowledgements_needed or add a shift");
    }
    for (int i = 0; i < level.shifts_size(); ++i) {
      CheckShift(absl::StrCat(entry, ", shift ", i + 1), level.shifts(i));
    }
  }

  void CheckShift(const std::string& entry, const v1::RotaShift& shift) {
    const auto wrong = [&](absl::string_view text) { mistakes_.Malformed(entry, text); };
    CheckPeople(entry, shift.person_ids());
    absl::CivilDay day;
    if (shift.starts_on().size() != 10 || !absl::ParseCivilTime(shift.starts_on(), &day)) {
      wrong("starts_on isn't a date; write it such as 2026-01-05");
    }
    if (shift.turn_days() < 1 || shift.turn_days() > kTurnDaysMost) {
      wrong("turn_days must be 1 to 365");
    }
    if (shift.hand_off_minute() > kLastMinute || shift.from_minute() > kLastMinute ||
        shift.to_minute() > kLastMinute) {
      wrong("a time of day must be 0 to 1439 minutes after midnight");
    }
    std::set<uint32_t> days;
    for (const uint32_t weekday : shift.weekdays()) {
      if (weekday >= 1 && weekday <= 7 && days.insert(weekday).second) continue;
      wrong("weekdays must be 1 (Monday) to 7 (Sunday), each once");
    }
  }

  void CheckPeople(const std::string& entry, const IdList& person_ids) {
    if (person_ids.empty()) mistakes_.Malformed(entry, "it has nobody; name at least one person");
    if (person_ids.size() > kPeopleMax) {
      mistakes_.Malformed(entry, "it has more than 200 people; name at most 200");
    }
    if (std::all_of(person_ids.begin(), person_ids.end(), IsOpaqueId)) return;
    mistakes_.Malformed(entry,
                        "one of its people is no id; use 1 to 64 of A-Z, a-z, 0-9 and -, never a "
                        "name");
  }

  void CheckOverride(const v1::RotaOverride& override, int place) {
    const std::string entry = EntryName("override", override.override_id(), place);
    if (!IsOpaqueId(override.override_id())) {
      mistakes_.Malformed(
          entry, "its id is missing or has other characters; use 1 to 64 of A-Z, a-z, 0-9 and -");
    }
    CheckPeople(entry, override.person_ids());
    if (!override.has_from() || !override.has_until() ||
        FromProto(override.until()) <= FromProto(override.from())) {
      mistakes_.Malformed(entry, "it ends before it begins; give from, and a later until");
    }
  }

  // Overrides that are over are left as they were.
  void CheckReferences() {
    for (int i = 0; i < after_.rotas_size(); ++i) {
      const v1::Rota& rota = after_.rotas(i);
      const std::string entry = EntryName("rota", rota.role(), i);
      std::set<std::string> people;
      for (const v1::RotaLevel& level : rota.levels()) {
        for (const v1::RotaShift& shift : level.shifts()) {
          people.insert(shift.person_ids().begin(), shift.person_ids().end());
        }
      }
      CheckKnown(entry, people);
    }
    for (int i = 0; i < after_.overrides_size(); ++i) {
      const v1::RotaOverride& override = after_.overrides(i);
      if (FromProto(override.until()) <= now_) continue;
      const std::string entry = EntryName("override", override.override_id(), i);
      CheckKnown(entry, {override.person_ids().begin(), override.person_ids().end()});
      const v1::Rota* rota = RotaFor(after_, override.role());
      if (rota == nullptr) {
        mistakes_.Broken(entry, absl::StrCat("there is no ", EntryName("rota", override.role(), 0),
                                             "; add the rota, or remove the override first"));
      } else if (override.level() < 1 ||
                 override.level() > static_cast<uint32_t>(rota->levels_size())) {
        mistakes_.Broken(entry, absl::StrCat("rota ", rota->role(), " has the levels 1 to ",
                                             rota->levels_size(), "; name one of them"));
      }
    }
  }

  void CheckKnown(const std::string& entry, const std::set<std::string>& people) {
    for (const std::string& person_id : people) {
      if (known_.contains(person_id) || !IsOpaqueId(person_id)) continue;
      mistakes_.Broken(entry, absl::StrCat("person ", person_id,
                                           " has no recipient, so nobody can reach them; add a "
                                           "recipient with that person, or take the person out"));
    }
  }

  void CheckHoles() {
    std::set<std::string> touched;
    for (const v1::Rota& rota : change_.set().rotas()) touched.insert(rota.role());
    for (const std::string& role : touched) {
      const v1::Rota* rota = RotaFor(after_, role);
      const std::optional<RotaHole> hole = FirstHole(*rota, now_);
      if (!hole.has_value()) continue;
      absl::TimeZone zone;
      absl::LoadTimeZone(rota->time_zone(), &zone);
      mistakes_.Broken(absl::StrCat("rota ", role, ", level ", hole->level),
                       absl::StrCat("nobody is on call on ",
                                    absl::FormatTime("%Y-%m-%d at %H:%M %Z", hole->at, zone),
                                    "; let its shifts start earlier or cover that time"));
    }
  }

  const v1::ChangeDirectoryRequest& change_;
  const v1::Directory& after_;
  const absl::Time now_;
  Mistakes& mistakes_;
  std::set<std::string> known_;
};

}  // namespace

void CheckRotas(const v1::ChangeDirectoryRequest& change, const v1::Directory& after,
                absl::Time now, Mistakes& mistakes) {
  RotaChecker(change, after, now, mistakes).Run();
}

std::set<std::string> PeopleOf(const v1::Directory& directory) {
  std::set<std::string> people;
  for (const v1::Rota& rota : directory.rotas()) {
    for (const v1::RotaLevel& level : rota.levels()) {
      for (const v1::RotaShift& shift : level.shifts()) {
        people.insert(shift.person_ids().begin(), shift.person_ids().end());
      }
    }
  }
  for (const v1::RotaOverride& override : directory.overrides()) {
    people.insert(override.person_ids().begin(), override.person_ids().end());
  }
  return people;
}

}  // namespace porchlight
