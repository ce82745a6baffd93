#include "services/porchlight/drill.h"

#include "absl/strings/str_cat.h"
#include "common/policy/in_force.h"
#include "common/policy/loader.h"
#include "services/porchlight/drill_case.h"

namespace porchlight {
namespace {

constexpr char kMissingAt[] = " 02:10:00";

}  // namespace

absl::Status PlayDrill(const std::vector<ServiceModule>& modules, const DrillOptions& options,
                       std::ostream& out) {
  const absl::StatusOr<PackSet> packs = LoadPacks(options.policy_packs);
  if (!packs.ok()) return absl::InvalidArgumentError(packs.status().message());
  v1::Directory directory = DrillDirectory();
  for (const auto& [id, pack] : packs->packs()) *directory.add_packs() = pack;
  const v1::PolicyPack& pack = PolicyPackFor(directory, options.jurisdiction);
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(pack.time_zone(), &zone)) zone = absl::UTCTimeZone();
  absl::Time begins;
  std::string error;
  if (!absl::ParseTime("%Y-%m-%d %H:%M:%S", options.date + kMissingAt, zone, &begins, &error)) {
    return absl::InvalidArgumentError("--date can't be read as a date; write it as 2026-03-03");
  }
  if (const PackChoice choice = packs->For(options.jurisdiction); !choice.warning.empty())
    out << "Note: " << choice.warning << "\n";
  out << "EXERCISE: invented people, and messages to nobody. Rules: " << pack.name() << " ("
      << pack.pack_id() << "), times in " << pack.time_zone() << ".\n";
  Play play(modules, {.begins = begins, .zone = zone, .brief = options.brief}, out);
  if (absl::Status set = play.SetDirectory(directory); !set.ok()) return set;
  if (absl::Status played = PlayCase(options.jurisdiction, play); !played.ok()) return played;
  out << "\n" << play.messages() << " messages were written, and none was sent.\n";
  return absl::OkStatus();
}

}  // namespace porchlight
