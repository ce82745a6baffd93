// Shows services to Prometheus: GET /metrics. Each scrape asks anew; nothing is kept. All names are
// listed, with what to make of them, in deploy/prometheus/metrics.txt. The only label is the
// service: no id, name or address of anybody is ever one.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/processor/figures.h"

namespace porchlight {

class Gauges;

// One service at the moment of a scrape.
struct ServiceFigures {
  std::string service;
  bool ready = false;
  bool waiting = false;     // some input waits, because a port is away
  absl::Duration step_age;  // since its thread last came round
  Figures figures;
  const Gauges* gauges = nullptr;
};

class MetricsServer {
 public:
  // `listen` is "127.0.0.1:9464"; port 0 takes any that is free. `services` is called by threads of
  // this server, until it is destroyed. FailedPrecondition: it can't listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(
      const std::string& listen, std::function<std::vector<ServiceFigures>()> services);
  ~MetricsServer();

  const std::string& address() const;

 private:
  struct Parts;
  explicit MetricsServer(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

}  // namespace porchlight
