// Fills a data folder with open episodes, through the workers of all services on their own files:
// only the way in (gRPC) and the way out (the channel, which always says yes) are left out.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/keys/keys.h"
#include "common/log/log.h"
#include "porchlight/v1/directory.pb.h"
#include "porchlight/v1/intake.pb.h"
#include "tests/bench/require.h"

namespace porchlight::bench {

// A report with all that is usually known.
v1::ReportMissingRequest ReportOf(const std::string& youth_id, const std::string& placement,
                                  const std::string& request_id);

// The youths of the episodes that Fill opens, from 0 on.
std::string HeldYouth(size_t number);

// Makes the directory of a log that has none.
void SetDirectory(const std::string& data, Log& log, Keys& keys, const std::string& agency_id,
                  const v1::Directory& directory);

// Much quicker than one after the other.
void MakeKeys(Keys& keys, const std::vector<std::string>& names);

void Fill(const std::string& data, const std::string& config_file, size_t episodes);

}  // namespace porchlight::bench
