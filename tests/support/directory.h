// Entries of a directory for tests: people in a word, rotas by the clock of Chicago.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

// Reached by the folder channel, which stands for any.
v1::Recipient TestRecipient(const std::string& id, v1::RecipientKind kind);
// The recipient "way-of-PERSON".
v1::Recipient TestWayOf(const std::string& person_id);

v1::RotaShift TestShift(const std::vector<std::string>& people, const std::string& starts_on,
                        uint32_t turn_days, uint32_t hand_off_minute);
// Of levels, each with its shifts.
v1::Rota TestRota(const std::string& role, const std::vector<std::vector<v1::RotaShift>>& levels);
v1::RotaOverride TestOverride(const std::string& id, const std::string& role, uint32_t level,
                              const std::string& person_id, absl::Time from, absl::Duration length);

v1::Directory DirectoryOf(const v1::Rota& rota);

}  // namespace porchlight
