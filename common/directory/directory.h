// The directory as a value: who can be told and how, who takes turns on call, what teams are made
// of, which packs are in force. Pure: every fold of the same changes gives the same directory, so
// nothing here may read a clock or the machine.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// The one aggregate of the directory. No youth's id begins so, and YouthOf() of it is empty: it is
// sealed with the agency's key.
inline constexpr char kDirectoryAggregate[] = "_directory";
// Who makes the changes that follow from the configuration; nobody else may call themselves so.
inline constexpr char kConfigurationActor[] = "configuration";

// What each kind of entry is told apart by.
inline const std::string& IdOf(const v1::Recipient& entry) { return entry.recipient_id(); }
inline const std::string& IdOf(const v1::Rota& entry) { return entry.role(); }
inline const std::string& IdOf(const v1::RotaOverride& entry) { return entry.override_id(); }
inline const std::string& IdOf(const v1::TeamRoster& entry) { return entry.roster_id(); }
inline const std::string& IdOf(const v1::PolicyPack& entry) { return entry.pack_id(); }

// Must take every change that any version ever wrote. An override that is set is the newest of
// all; other entries keep the place of the one that they replace. Packs stand by their id.
void Apply(v1::Directory& directory, const v1::ChangeDirectoryRequest& change);

// What makes a directory follow a configuration that changed: `configured` is what it set before,
// `wanted` what it says now. An entry that the configuration left as it was isn't touched, so what
// people set by command stays; one that it no longer has is removed unless people changed it. Packs
// that people set always stay.
v1::ChangeDirectoryRequest ConfigurationChange(const v1::Directory& directory,
                                               const v1::Directory& configured,
                                               const v1::Directory& wanted);
bool ChangesNothing(const v1::ChangeDirectoryRequest& change);

// Null: there is none.
const v1::Recipient* FindRecipient(const v1::Directory& directory, absl::string_view recipient_id);
const v1::Rota* RotaFor(const v1::Directory& directory, absl::string_view role);

// Who hears of an episode in this jurisdiction: of those of the kind whose jurisdictions cover it,
// the ones that name the nearest. In a drill those for drills, otherwise the others. In the
// directory's order; valid as long as it is.
std::vector<const v1::Recipient*> RecipientsFor(const v1::Directory& directory,
                                                v1::RecipientKind kind,
                                                absl::string_view jurisdiction, bool exercise);
// The ways of one person, such as of one on call.
std::vector<const v1::Recipient*> WaysOf(const v1::Directory& directory,
                                         absl::string_view person_id, bool exercise);
// The roster of the nearest jurisdiction; of several the first. Null: none covers it.
const v1::TeamRoster* RosterFor(const v1::Directory& directory, absl::string_view jurisdiction);

// As PackSet::For, without making a set: "us-ca-los-angeles", or "us-ca", or "us". Null only where
// no pack is in force at all.
const v1::PolicyPack* PackInForce(const v1::Directory& directory, absl::string_view jurisdiction);

}  // namespace porchlight
