#include "common/directory/directory.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "common/policy/jurisdiction.h"

namespace porchlight {
namespace {

template <typename Entry>
using Entries = google::protobuf::RepeatedPtrField<Entry>;
using IdList = Entries<std::string>;

template <typename Entry>
std::map<std::string, const Entry*> ById(const Entries<Entry>& entries) {
  std::map<std::string, const Entry*> by_id;
  for (const Entry& entry : entries) by_id[IdOf(entry)] = &entry;
  return by_id;
}

template <typename Entry>
void Remove(Entries<Entry>& entries, const std::set<std::string>& ids) {
  if (ids.empty()) return;
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [&](const Entry& entry) { return ids.contains(IdOf(entry)); }),
                entries.end());
}

template <typename Entry>
void Change(Entries<Entry>& entries, const IdList& removed, const Entries<Entry>& set) {
  Remove(entries, {removed.begin(), removed.end()});
  std::map<std::string, Entry*> by_id;
  for (Entry& entry : entries) by_id[IdOf(entry)] = &entry;
  for (const Entry& entry : set) {
    Entry*& place = by_id[IdOf(entry)];
    if (place == nullptr) place = entries.Add();
    *place = entry;
  }
}

template <typename Entry>
bool Same(const Entry* a, const Entry& b) {
  return a != nullptr && a->SerializeAsString() == b.SerializeAsString();
}

template <typename Entry>
const Entry* Find(const std::map<std::string, const Entry*>& by_id, const std::string& id) {
  const auto found = by_id.find(id);
  return found == by_id.end() ? nullptr : found->second;
}

template <typename Entry>
void Difference(const Entries<Entry>& in_force, const Entries<Entry>& configured,
                const Entries<Entry>& wanted, Entries<Entry>& set, IdList& removed) {
  const auto before = ById(configured);
  const auto after = ById(wanted);
  const auto now = ById(in_force);
  for (const Entry& entry : wanted) {
    if (!Same(Find(before, IdOf(entry)), entry)) *set.Add() = entry;
  }
  for (const auto& [id, entry] : before) {
    if (Find(after, id) == nullptr && Same(Find(now, id), *entry)) *removed.Add() = id;
  }
}

// A new build brings new packs, but never in the place of an agency's own. None is ever removed.
void DifferenceOfPacks(const v1::Directory& in_force, const v1::Directory& configured,
                       const v1::Directory& wanted, v1::Directory& set) {
  const auto before = ById(configured.packs());
  const auto now = ById(in_force.packs());
  for (const v1::PolicyPack& pack : wanted.packs()) {
    const v1::PolicyPack* last = Find(before, pack.pack_id());
    const v1::PolicyPack* current = Find(now, pack.pack_id());
    const bool is_own = current != nullptr && !Same(last, *current);
    if (!is_own && !Same(last, pack)) *set.add_packs() = pack;
  }
}

// How near the nearest of `jurisdictions` that covers it is; nothing if none does.
std::optional<size_t> Nearness(const IdList& jurisdictions, absl::string_view jurisdiction) {
  if (jurisdictions.empty()) return 0;
  std::optional<size_t> nearest;
  for (const std::string& whole : jurisdictions) {
    if (IsWithin(jurisdiction, whole)) nearest = std::max(nearest.value_or(0), whole.size());
  }
  return nearest;
}

}  // namespace

void Apply(v1::Directory& directory, const v1::ChangeDirectoryRequest& change) {
  const v1::Directory& set = change.set();
  Change(*directory.mutable_recipients(), change.recipients_removed(), set.recipients());
  Change(*directory.mutable_rotas(), change.rotas_removed(), set.rotas());
  Change(*directory.mutable_rosters(), change.rosters_removed(), set.rosters());
  Change(*directory.mutable_packs(), {}, set.packs());
  std::sort(
      directory.mutable_packs()->begin(), directory.mutable_packs()->end(),
      [](const v1::PolicyPack& a, const v1::PolicyPack& b) { return a.pack_id() < b.pack_id(); });
  std::set<std::string> replaced(change.overrides_removed().begin(),
                                 change.overrides_removed().end());
  for (const v1::RotaOverride& newest : set.overrides()) replaced.insert(newest.override_id());
  Remove(*directory.mutable_overrides(), replaced);
  directory.mutable_overrides()->MergeFrom(set.overrides());
}

v1::ChangeDirectoryRequest ConfigurationChange(const v1::Directory& directory,
                                               const v1::Directory& configured,
                                               const v1::Directory& wanted) {
  v1::ChangeDirectoryRequest change;
  v1::Directory& set = *change.mutable_set();
  Difference(directory.recipients(), configured.recipients(), wanted.recipients(),
             *set.mutable_recipients(), *change.mutable_recipients_removed());
  Difference(directory.rotas(), configured.rotas(), wanted.rotas(), *set.mutable_rotas(),
             *change.mutable_rotas_removed());
  Difference(directory.overrides(), configured.overrides(), wanted.overrides(),
             *set.mutable_overrides(), *change.mutable_overrides_removed());
  Difference(directory.rosters(), configured.rosters(), wanted.rosters(), *set.mutable_rosters(),
             *change.mutable_rosters_removed());
  DifferenceOfPacks(directory, configured, wanted, set);
  return change;
}

bool ChangesNothing(const v1::ChangeDirectoryRequest& change) {
  return change.set().ByteSizeLong() == 0 && change.recipients_removed().empty() &&
         change.rotas_removed().empty() && change.overrides_removed().empty() &&
         change.rosters_removed().empty();
}

const v1::Recipient* FindRecipient(const v1::Directory& directory, absl::string_view recipient_id) {
  for (const v1::Recipient& recipient : directory.recipients()) {
    if (recipient.recipient_id() == recipient_id) return &recipient;
  }
  return nullptr;
}

const v1::Rota* RotaFor(const v1::Directory& directory, absl::string_view role) {
  for (const v1::Rota& rota : directory.rotas()) {
    if (rota.role() == role) return &rota;
  }
  return nullptr;
}

std::vector<const v1::Recipient*> RecipientsFor(const v1::Directory& directory,
                                                v1::RecipientKind kind,
                                                absl::string_view jurisdiction, bool exercise) {
  const std::string where = NormalJurisdiction(jurisdiction);
  std::vector<const v1::Recipient*> nearest;
  size_t nearness = 0;
  for (const v1::Recipient& recipient : directory.recipients()) {
    if (recipient.kind() != kind || recipient.exercise_only() != exercise) continue;
    const std::optional<size_t> near = Nearness(recipient.jurisdictions(), where);
    if (!near.has_value() || *near < nearness) continue;
    if (*near > nearness) nearest.clear();
    nearness = *near;
    nearest.push_back(&recipient);
  }
  return nearest;
}

std::vector<const v1::Recipient*> WaysOf(const v1::Directory& directory,
                                         absl::string_view person_id, bool exercise) {
  std::vector<const v1::Recipient*> ways;
  for (const v1::Recipient& recipient : directory.recipients()) {
    if (recipient.person_id() == person_id && recipient.exercise_only() == exercise) {
      ways.push_back(&recipient);
    }
  }
  return ways;
}

const v1::TeamRoster* RosterFor(const v1::Directory& directory, absl::string_view jurisdiction) {
  const std::string where = NormalJurisdiction(jurisdiction);
  const v1::TeamRoster* nearest = nullptr;
  size_t nearness = 0;
  for (const v1::TeamRoster& roster : directory.rosters()) {
    const std::optional<size_t> near = Nearness(roster.jurisdictions(), where);
    if (!near.has_value() || (nearest != nullptr && *near <= nearness)) continue;
    nearness = *near;
    nearest = &roster;
  }
  return nearest;
}

const v1::PolicyPack* PackInForce(const v1::Directory& directory, absl::string_view jurisdiction) {
  std::string name = NormalJurisdiction(jurisdiction);
  while (true) {
    const v1::PolicyPack* in_force = nullptr;
    for (const v1::PolicyPack& pack : directory.packs()) {
      if (pack.jurisdiction() != name) continue;
      const bool over_it =
          in_force != nullptr && std::find(pack.extends().begin(), pack.extends().end(),
                                           in_force->pack_id()) != pack.extends().end();
      if (in_force == nullptr || over_it) in_force = &pack;
    }
    if (in_force != nullptr || name == kFederalJurisdiction) return in_force;
    name = JurisdictionAbove(name);
  }
}

}  // namespace porchlight
