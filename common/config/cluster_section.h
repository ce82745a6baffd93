// The section of the configuration that says where the cluster is.
#pragma once

#include <string>

#include "common/config/config.h"
#include "common/config/yaml_reader.h"

namespace porchlight {

// `map` is that section; `folder`, with a slash at its end, is where relative paths begin.
ClusterConfig ReadClusterSection(YamlMap& map, const std::string& folder, bool has_s3);

// The keys that it has.
const std::vector<absl::string_view>& ClusterKeys();

void WriteClusterSection(YAML::Emitter& out, const ClusterConfig& cluster);

}  // namespace porchlight
