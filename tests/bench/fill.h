// Fills a data folder with open episodes, through the product's own workers on its own files: only
// the way in (gRPC) and the way out (the channel, which always says yes) are left out.
#pragma once

#include <cstddef>
#include <string>

#include "porchlight/v1/intake.pb.h"

namespace porchlight::bench {

// A report with all that is usually known.
v1::ReportMissingRequest ReportOf(const std::string& youth_id, const std::string& placement,
                                  const std::string& request_id);

// The youths of the episodes that Fill opens, from 0 on.
std::string HeldYouth(size_t number);

// Ends the bench with a message if it fails.
void Fill(const std::string& data, const std::string& config_file, size_t episodes);

}  // namespace porchlight::bench
