#include "services/porchlight/drill.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/time.h"
#include "common/policy/in_force.h"
#include "common/policy/loader.h"
#include "services/porchlight/drill_case.h"

namespace porchlight {
namespace {

constexpr char kMissingAt[] = " 02:10:00";

absl::TimeZone ZoneNamed(const std::string& name) {
  absl::TimeZone zone;
  return absl::LoadTimeZone(name, &zone) ? zone : absl::UTCTimeZone();
}

std::string At(const google::protobuf::Timestamp& time, const absl::TimeZone& zone) {
  return absl::FormatTime("%a %H:%M", FromProto(time), zone);
}

void AddMessage(const v1::DrillMessage& message, const absl::TimeZone& zone, std::string& text) {
  absl::StrAppend(&text, At(message.sent_at(), zone), "    -> ", message.recipient_name(), ": ",
                  message.subject(), "\n");
  if (message.text().empty()) return;
  for (absl::string_view line : absl::StrSplit(message.text(), '\n'))
    absl::StrAppend(&text, line.empty() ? "" : "             | ", line, "\n");
}

}  // namespace

absl::StatusOr<v1::DrillPlayed> PlayDrill(const std::vector<ServiceModule>& modules,
                                          const DrillOptions& options) {
  const absl::StatusOr<PackSet> packs = LoadPacks(options.policy_packs);
  if (!packs.ok()) return absl::InvalidArgumentError(packs.status().message());
  v1::Directory directory = DrillDirectory();
  for (const auto& [id, pack] : packs->packs()) *directory.add_packs() = pack;
  const v1::PolicyPack& pack = PolicyPackFor(directory, options.jurisdiction);
  const absl::TimeZone zone = ZoneNamed(pack.time_zone());
  absl::Time begins;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%S", options.date + kMissingAt, zone, &begins, &error))
    return absl::InvalidArgumentError("--date can't be read as a date; write it as 2026-03-03");
  Play play(modules, {.begins = begins, .zone = zone, .brief = options.brief});
  if (absl::Status set = play.SetDirectory(directory); !set.ok()) return set;
  if (absl::Status played = PlayCase(options.jurisdiction, play); !played.ok()) return played;
  v1::DrillPlayed played = play.played();
  played.set_jurisdiction(options.jurisdiction);
  played.set_pack_id(pack.pack_id());
  played.set_pack_name(pack.name());
  played.set_time_zone(pack.time_zone());
  played.set_note(packs->For(options.jurisdiction).warning);
  return played;
}

std::string ToText(const v1::DrillPlayed& played) {
  const absl::TimeZone zone = ZoneNamed(played.time_zone());
  std::string text;
  if (!played.note().empty()) absl::StrAppend(&text, "Note: ", played.note(), "\n");
  absl::StrAppend(&text,
                  "EXERCISE: invented people, and messages to nobody. Rules: ", played.pack_name(),
                  " (", played.pack_id(), "), times in ", played.time_zone(), ".\n");
  int messages = 0;
  for (const v1::DrillScene& scene : played.scenes()) {
    absl::StrAppend(&text, "\n", At(scene.at(), zone), "  ", scene.what(), "\n");
    for (const v1::DrillMessage& message : scene.messages()) AddMessage(message, zone, text);
    messages += scene.messages_size();
  }
  absl::StrAppend(&text, "\n", messages, " messages were written, and none was sent.\n");
  return text;
}

}  // namespace porchlight
