#include "common/config/directory_file.h"

#include <algorithm>
#include <functional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/channel/address.h"
#include "common/config/config.h"
#include "common/config/words.h"
#include "common/config/yaml_reader.h"

namespace porchlight {
namespace {

using Texts = google::protobuf::RepeatedPtrField<std::string>;

const std::vector<std::string>& WeekdayWords() {
  static const auto& words = *new std::vector<std::string>{
      "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"};
  return words;
}

void ReadTexts(YamlMap& map, absl::string_view key, Presence presence, Texts& values) {
  std::vector<YamlText> texts;
  map.Texts(key, presence, texts);
  for (YamlText& text : texts) *values.Add() = std::move(text.text);
}

void ReadId(YamlMap& map, absl::string_view key, Presence presence, std::string& id) {
  map.Text(key, presence, id);
  if (id.empty() || CheckId(key, id).ok()) return;
  map.Mistake(key, "it is too long or has other characters",
              "expected 1 to 64 characters of A-Z, a-z, 0-9 and -");
}

uint32_t ReadNumber(YamlMap& map, absl::string_view key, int64_t least, int64_t most,
                    int64_t otherwise) {
  map.Integer(key, least, most, otherwise);
  return static_cast<uint32_t>(otherwise);
}

// "08:00" as minutes after midnight; 0 if it isn't given.
uint32_t ReadTimeOfDay(YamlMap& map, absl::string_view key) {
  std::string text;
  map.Text(key, Presence::kOptional, text);
  if (text.empty()) return 0;
  uint32_t hour = 0;
  uint32_t minute = 0;
  if (text.size() == 5 && text[2] == ':' && absl::SimpleAtoi(text.substr(0, 2), &hour) &&
      absl::SimpleAtoi(text.substr(3), &minute) && hour < 24 && minute < 60) {
    return hour * 60 + minute;
  }
  map.Mistake(key, "it is no time of day", "expected such as \"08:00\" or \"20:30\"");
  return 0;
}

void ReadTime(YamlMap& map, absl::string_view key, google::protobuf::Timestamp& value) {
  std::string text;
  map.Text(key, Presence::kRequired, text);
  if (text.empty()) return;
  absl::Time time;
  std::string error;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    value = ToProto(time);
  } else {
    map.Mistake(key, "it is no time", "expected such as 2026-11-22T20:00:00-06:00");
  }
}

class Reader {
 public:
  explicit Reader(absl::string_view file) : mistakes_(file) {}

  absl::StatusOr<v1::Directory> Read(absl::string_view yaml) {
    if (const auto document = ParseYaml(yaml, mistakes_)) {
      YamlMap map(mistakes_, *document, 1, "", {"recipients", "rotas", "overrides", "rosters"});
      ReadRecipients(map);
      ReadRotas(map);
      ReadOverrides(map);
      ReadRosters(map);
    }
    if (!mistakes_.empty()) return mistakes_.ToStatus();
    return std::move(directory_);
  }

 private:
  static void Once(YamlMap& map, absl::string_view key, const std::string& id,
                   std::set<std::string>& ids) {
    if (id.empty() || ids.insert(id).second) return;
    map.Mistake(key, "another entry before it has the same", "expected its own");
  }

  void ReadRecipients(YamlMap& document) {
    std::set<std::string> ids;
    for (YamlMap& map :
         document.Maps("recipients", {"id", "kind", "channel", "address", "name", "exercise_only",
                                      "jurisdictions", "ori", "person"})) {
      v1::Recipient& recipient = *directory_.add_recipients();
      ReadId(map, "id", Presence::kRequired, *recipient.mutable_recipient_id());
      Once(map, "id", recipient.recipient_id(), ids);
      const int kind = map.Word("kind", Presence::kRequired, RecipientKindWords());
      recipient.set_kind(static_cast<v1::RecipientKind>(kind + 1));
      const int channel = map.Word("channel", Presence::kRequired, ChannelKindWords());
      recipient.set_channel(static_cast<v1::ChannelKind>(channel + 1));
      map.Text("address", Presence::kRequired, *recipient.mutable_address());
      if (channel >= 0 && !recipient.address().empty()) {
        const absl::Status address = CheckAddress(recipient.channel(), recipient.address());
        if (!address.ok()) map.Mistake("address", "it can't be used", address.message());
      }
      map.Text("name", Presence::kRequired, *recipient.mutable_display_name());
      bool exercise_only = false;
      map.Boolean("exercise_only", exercise_only);
      recipient.set_exercise_only(exercise_only);
      ReadTexts(map, "jurisdictions", Presence::kOptional, *recipient.mutable_jurisdictions());
      map.Text("ori", Presence::kOptional, *recipient.mutable_ori());
      ReadId(map, "person", Presence::kOptional, *recipient.mutable_person_id());
    }
  }

  void ReadRotas(YamlMap& document) {
    std::set<std::string> roles;
    for (YamlMap& map : document.Maps("rotas", {"role", "time_zone", "levels"})) {
      v1::Rota& rota = *directory_.add_rotas();
      ReadId(map, "role", Presence::kRequired, *rota.mutable_role());
      Once(map, "role", rota.role(), roles);
      map.Text("time_zone", Presence::kRequired, *rota.mutable_time_zone());
      if (absl::TimeZone zone;
          !rota.time_zone().empty() && !absl::LoadTimeZone(rota.time_zone(), &zone)) {
        map.Mistake("time_zone", "this machine knows no such time zone",
                    "expected a name such as America/Chicago");
      }
      map.Find("levels", Presence::kRequired);
      for (YamlMap& level :
           map.Maps("levels", {"escalate_after_seconds", "acknowledgements_needed", "shifts"})) {
        ReadLevel(level, *rota.add_levels());
      }
    }
  }

  static void ReadLevel(YamlMap& map, v1::RotaLevel& level) {
    map.Find("escalate_after_seconds", Presence::kRequired);
    level.set_escalate_after_seconds(ReadNumber(map, "escalate_after_seconds", 10, 86'400, 600));
    level.set_acknowledgements_needed(ReadNumber(map, "acknowledgements_needed", 1, 50, 1));
    map.Find("shifts", Presence::kRequired);
    for (YamlMap& entry : map.Maps("shifts", {"people", "starts_on", "turn_days", "hand_off",
                                              "weekdays", "from", "to"})) {
      v1::RotaShift& shift = *level.add_shifts();
      ReadTexts(entry, "people", Presence::kRequired, *shift.mutable_person_ids());
      entry.Text("starts_on", Presence::kRequired, *shift.mutable_starts_on());
      if (absl::CivilDay day;
          !shift.starts_on().empty() && !absl::ParseCivilTime(shift.starts_on(), &day)) {
        entry.Mistake("starts_on", "it is no date", "expected such as 2026-01-05");
      }
      shift.set_turn_days(ReadNumber(entry, "turn_days", 1, 365, 7));
      shift.set_hand_off_minute(ReadTimeOfDay(entry, "hand_off"));
      std::vector<int> weekdays;
      entry.Words("weekdays", Presence::kOptional, WeekdayWords(), weekdays);
      for (const int day : weekdays) shift.add_weekdays(static_cast<uint32_t>(day + 1));
      shift.set_from_minute(ReadTimeOfDay(entry, "from"));
      shift.set_to_minute(ReadTimeOfDay(entry, "to"));
    }
  }

  void ReadOverrides(YamlMap& document) {
    std::set<std::string> ids;
    for (YamlMap& map :
         document.Maps("overrides", {"id", "role", "level", "people", "from", "until"})) {
      v1::RotaOverride& override = *directory_.add_overrides();
      ReadId(map, "id", Presence::kRequired, *override.mutable_override_id());
      Once(map, "id", override.override_id(), ids);
      ReadId(map, "role", Presence::kRequired, *override.mutable_role());
      override.set_level(ReadNumber(map, "level", 1, 20, 1));
      ReadTexts(map, "people", Presence::kRequired, *override.mutable_person_ids());
      ReadTime(map, "from", *override.mutable_from());
      ReadTime(map, "until", *override.mutable_until());
    }
  }

  void ReadRosters(YamlMap& document) {
    std::set<std::string> ids;
    for (YamlMap& map : document.Maps("rosters", {"id", "jurisdictions", "answers_needed",
                                                  "chase_after_minutes", "seats"})) {
      v1::TeamRoster& roster = *directory_.add_rosters();
      ReadId(map, "id", Presence::kRequired, *roster.mutable_roster_id());
      Once(map, "id", roster.roster_id(), ids);
      ReadTexts(map, "jurisdictions", Presence::kOptional, *roster.mutable_jurisdictions());
      roster.set_answers_needed(ReadNumber(map, "answers_needed", 0, 1000, 0));
      roster.set_chase_after_minutes(ReadNumber(map, "chase_after_minutes", 5, 10'080, 60));
      map.Find("seats", Presence::kRequired);
      for (YamlMap& entry : map.Maps("seats", {"role", "kind", "recipients", "required"})) {
        v1::TeamSeat& seat = *roster.add_seats();
        ReadId(entry, "role", Presence::kRequired, *seat.mutable_role());
        const int kind = entry.Word("kind", Presence::kRequired, RecipientKindWords());
        seat.set_kind(static_cast<v1::RecipientKind>(kind + 1));
        ReadTexts(entry, "recipients", Presence::kOptional, *seat.mutable_recipient_ids());
        bool required = false;
        entry.Boolean("required", required);
        seat.set_required(required);
      }
    }
  }

  YamlMistakes mistakes_;
  v1::Directory directory_;
};

}  // namespace

absl::StatusOr<v1::Directory> ParseDirectoryFile(absl::string_view yaml, absl::string_view file) {
  return Reader(file).Read(yaml);
}

absl::StatusOr<v1::Directory> ReadDirectoryFile(const std::string& file) {
  const absl::StatusOr<std::string> yaml = ReadYamlFile("directory file", file);
  if (!yaml.ok()) return yaml.status();
  return ParseDirectoryFile(*yaml, file);
}

}  // namespace porchlight
