// What stands beside a record on a cluster, in clear, for other programs: the key, and CloudEvents
// 1.0 headers in binary mode. Taken from what the record itself has in clear; says nothing about a
// person.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace porchlight {

struct RecordLabels {
  // The youth's opaque id, by which the partition is chosen (PartitionOf); empty where the record
  // is about no youth.
  std::string key;
  std::vector<std::pair<std::string, std::string>> headers;
};

// Without headers for what isn't a record of ours.
RecordLabels LabelsOf(absl::string_view topic, absl::string_view record);

}  // namespace porchlight
