// What a service brings to the program that runs it, and what it is given: the same in every world.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/blob/blob.h"
#include "common/config/config.h"
#include "common/edge/commands.h"
#include "common/edge/directory_view.h"
#include "common/edge/states.h"
#include "common/http/http_router.h"
#include "common/keys/keys.h"
#include "common/metrics/gauges.h"
#include "common/processor/rules.h"

namespace grpc {
class Service;
}

namespace porchlight {

namespace rpc {
class Gate;
}

// What rules are made with.
struct RulesOptions {
  const Config& config;
  // Of links in messages (common/edge/signed_link.h).
  Key link_key;
};

// What an edge works with; all of it outlives the edge.
struct EdgePorts {
  Commands& commands;
  const States& states;
  Keys& keys;
  Blob& blob;
  Ids& ids;
  const Clock& clock;
  rpc::Gate& gate;
  const RulesOptions& options;
  DirectoryView& directory;
  Gauges& gauges;
};

struct ServiceModule {
  std::string name;
  // Of its topics. All have the same number but the directory's, which every service folds whole.
  int32_t partitions = kPartitions;
  std::function<std::unique_ptr<Rules>(const RulesOptions&)> make_rules;
  std::function<std::shared_ptr<grpc::Service>(const EdgePorts&)> make_edge;
  // What it answers by HTTP, where that is configured; null: nothing.
  std::function<void(const EdgePorts&, HttpRouter&)> add_routes = nullptr;
  // What it does beside deciding, until what this gives is destroyed; null: nothing.
  std::function<std::shared_ptr<void>(const EdgePorts&)> start_background = nullptr;
};

}  // namespace porchlight
