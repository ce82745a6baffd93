#include "common/directory/rota.h"

#include <algorithm>
#include <utility>

#include "absl/time/civil_time.h"
#include "common/base/time.h"
#include "common/directory/directory.h"

namespace porchlight {
namespace {

constexpr absl::Duration kDay = absl::Hours(24);
constexpr absl::Duration kYear = absl::Hours(366 * 24);
constexpr absl::Duration kHolesSoughtFor = absl::Hours(8 * 24);

absl::TimeZone ZoneOf(const v1::Rota& rota) {
  absl::TimeZone zone;  // UTC
  absl::LoadTimeZone(rota.time_zone(), &zone);
  return zone;
}

absl::Time Instant(absl::CivilDay day, uint32_t minute, const absl::TimeZone& zone) {
  const absl::TimeZone::TimeInfo info = zone.At(absl::CivilSecond(absl::CivilMinute(day) + minute));
  return info.kind == absl::TimeZone::TimeInfo::SKIPPED ? info.trans : info.pre;
}

// One shift on its rota's clock.
class Turns {
 public:
  Turns(const v1::RotaShift& shift, const absl::TimeZone& zone) : shift_(shift), zone_(zone) {
    if (!absl::ParseCivilTime(shift.starts_on(), &first_day_) || shift.turn_days() == 0) {
      never_ = true;
    }
  }

  // Null: outside of the shift's hours, or before it starts.
  const std::string* PersonAt(absl::Time at) const {
    if (never_ || shift_.person_ids().empty() || !IsWithinHours(at)) return nullptr;
    const int64_t turn = TurnAt(at);
    if (turn < 0) return nullptr;
    return &shift_.person_ids(static_cast<int>(turn % shift_.person_ids_size()));
  }

  // After `at`, the soonest moment at which a turn or the shift's hours begin or end.
  absl::Time NextChange(absl::Time at) const {
    if (never_) return absl::InfiniteFuture();
    absl::Time next = HandOff(std::max<int64_t>(TurnAt(at) + 1, 0));
    if (AllDay() && shift_.weekdays().empty()) return next;
    const absl::CivilDay today = absl::ToCivilDay(at, zone_);
    for (absl::CivilDay day = today - 1; day <= today + 8; ++day) {
      if (!IsOn(day)) continue;
      for (const absl::Time edge : {Begins(day), Ends(day)}) {
        if (edge > at) next = std::min(next, edge);
      }
    }
    return next;
  }

 private:
  bool AllDay() const { return shift_.from_minute() == 0 && shift_.to_minute() == 0; }
  bool IsOn(absl::CivilDay day) const {
    if (shift_.weekdays().empty()) return true;
    const uint32_t weekday = static_cast<uint32_t>(absl::GetWeekday(day)) + 1;
    const auto& days = shift_.weekdays();
    return std::find(days.begin(), days.end(), weekday) != days.end();
  }
  absl::Time Begins(absl::CivilDay day) const { return Instant(day, shift_.from_minute(), zone_); }
  absl::Time Ends(absl::CivilDay day) const {
    const bool over_midnight = shift_.to_minute() <= shift_.from_minute();
    return Instant(over_midnight ? day + 1 : day, shift_.to_minute(), zone_);
  }
  bool IsWithinHours(absl::Time at) const {
    const absl::CivilDay today = absl::ToCivilDay(at, zone_);
    for (absl::CivilDay day = today - 1; day <= today + 1; ++day) {
      if (IsOn(day) && Begins(day) <= at && at < Ends(day)) return true;
    }
    return false;
  }

  absl::Time HandOff(int64_t turn) const {
    return Instant(first_day_ + turn * shift_.turn_days(), shift_.hand_off_minute(), zone_);
  }
  // From 0; negative before the shift starts.
  int64_t TurnAt(absl::Time at) const {
    int64_t turn = (absl::ToCivilDay(at, zone_) - first_day_) / shift_.turn_days();
    while (HandOff(turn) > at) --turn;
    while (HandOff(turn + 1) <= at) ++turn;
    return turn;
  }

  const v1::RotaShift& shift_;
  const absl::TimeZone& zone_;
  absl::CivilDay first_day_;
  bool never_ = false;
};

// One level of a rota, with its overrides.
class Level {
 public:
  Level(const v1::Directory& directory, const v1::Rota& rota, uint32_t level)
      : directory_(directory), role_(rota.role()), level_(level), zone_(ZoneOf(rota)) {
    for (const v1::RotaShift& shift : rota.levels(static_cast<int>(level) - 1).shifts()) {
      shifts_.emplace_back(shift, zone_);
    }
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  std::vector<std::string> PeopleAt(absl::Time at) const {
    const auto& overrides = directory_.overrides();
    for (auto newest = overrides.rbegin(); newest != overrides.rend(); ++newest) {
      if (!IsMine(*newest)) continue;
      if (FromProto(newest->from()) <= at && at < FromProto(newest->until())) {
        return {newest->person_ids().begin(), newest->person_ids().end()};
      }
    }
    std::vector<std::string> people;
    for (const Turns& shift : shifts_) {
      const std::string* person = shift.PersonAt(at);
      if (person != nullptr && std::find(people.begin(), people.end(), *person) == people.end()) {
        people.push_back(*person);
      }
    }
    return people;
  }

  // When somebody else may be on call for the first time after `at`.
  absl::Time NextEdge(absl::Time at) const {
    absl::Time next = absl::InfiniteFuture();
    for (const Turns& shift : shifts_) next = std::min(next, shift.NextChange(at));
    for (const v1::RotaOverride& override : directory_.overrides()) {
      if (!IsMine(override)) continue;
      for (const auto& edge : {override.from(), override.until()}) {
        if (FromProto(edge) > at) next = std::min(next, FromProto(edge));
      }
    }
    return next;
  }

  std::optional<absl::Time> FirstEmpty(absl::Time from, absl::Time until) const {
    for (absl::Time at = from; at < until; at = NextEdge(at)) {
      if (PeopleAt(at).empty()) return at;
    }
    return std::nullopt;
  }

 private:
  bool IsMine(const v1::RotaOverride& override) const {
    return override.level() == level_ && override.role() == role_;
  }

  const v1::Directory& directory_;
  const std::string& role_;
  const uint32_t level_;
  const absl::TimeZone zone_;
  std::vector<Turns> shifts_;
};

}  // namespace

std::vector<std::string> PeopleOnCall(const v1::Directory& directory, absl::string_view role,
                                      uint32_t level, absl::Time at) {
  const v1::Rota* rota = RotaFor(directory, role);
  if (rota == nullptr || level == 0 || level > static_cast<uint32_t>(rota->levels_size())) {
    return {};
  }
  return Level(directory, *rota, level).PeopleAt(at);
}

std::vector<v1::OnCallLevel> OnCall(const v1::Directory& directory, absl::string_view role,
                                    absl::Time at) {
  std::vector<v1::OnCallLevel> levels;
  const v1::Rota* rota = RotaFor(directory, role);
  if (rota == nullptr) return levels;
  for (uint32_t number = 1; number <= static_cast<uint32_t>(rota->levels_size()); ++number) {
    const Level level(directory, *rota, number);
    const std::vector<std::string> people = level.PeopleAt(at);
    v1::OnCallLevel& entry = levels.emplace_back();
    entry.set_level(number);
    for (const std::string& person_id : people) entry.add_person_ids(person_id);
    for (absl::Time edge = level.NextEdge(at); edge < at + kYear; edge = level.NextEdge(edge)) {
      if (level.PeopleAt(edge) == people) continue;
      *entry.mutable_until() = ToProto(edge);
      break;
    }
  }
  return levels;
}

std::optional<RotaHole> FirstHole(const v1::Rota& rota, absl::Time now) {
  const v1::Directory no_overrides;
  std::vector<std::pair<absl::Time, absl::Time>> sought = {{now, now + kHolesSoughtFor}};
  const absl::TimeZone zone = ZoneOf(rota);
  absl::TimeZone::CivilTransition change;
  for (absl::Time at = now; zone.NextTransition(at, &change);) {
    at = zone.At(change.to).trans;
    if (at > now + kYear) break;
    sought.emplace_back(std::max(now, at - kDay), at + kDay);
  }
  std::optional<RotaHole> first;
  for (uint32_t number = 1; number <= static_cast<uint32_t>(rota.levels_size()); ++number) {
    const Level level(no_overrides, rota, number);
    for (const auto& [from, until] : sought) {
      const std::optional<absl::Time> empty = level.FirstEmpty(from, until);
      if (!empty.has_value()) continue;
      if (!first.has_value() || *empty < first->at) first = RotaHole{number, *empty};
      break;
    }
  }
  return first;
}

}  // namespace porchlight
