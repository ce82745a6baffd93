// What an evidence file holds, as files that a person can open: the packets that were sent, what
// their recipients answered, the proofs typed in, the rules with their citations, every record, and
// the timeline. It must never name a file by anything but ids, kinds and numbers.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "common/evidence/report.h"

namespace porchlight {

struct ShownFile {
  std::string name;  // with its folder, such as "packets/001-law_enforcement-desk-1.txt"
  std::string content;
};

// Of a report made with Telling::kEverything: `file` of its entries is set. No name comes twice.
std::vector<ShownFile> FilesOf(EvidenceReport& report, absl::TimeZone zone);

// Into a folder that isn't there yet, or is empty; only the caller's user can read it. An error
// names the folder or file: FailedPrecondition where the folder holds something, else what the
// machine says. What was written by then stays.
absl::Status WriteFolder(const std::string& folder, const std::vector<ShownFile>& files);

}  // namespace porchlight
