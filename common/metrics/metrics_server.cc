#include "common/metrics/metrics_server.h"

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/metrics/gauges.h"

namespace porchlight {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

struct Described {
  const char* name;
  MetricType type;
  const char* help;
  // Null: a gauge that only some services set.
  double (*value)(const ServiceFigures&);
};

constexpr Described kDescribed[] = {
    {"ready", MetricType::Gauge,
     "1 while it has caught up and nothing waits for a part that is away",
     [](const ServiceFigures& of) { return of.ready ? 1.0 : 0.0; }},
    {"waiting", MetricType::Gauge,
     "1 while some input waits because a part is away; the log says which",
     [](const ServiceFigures& of) { return of.waiting ? 1.0 : 0.0; }},
    {"step_age_seconds", MetricType::Gauge,
     "Since the service's thread last came round; a second at most",
     [](const ServiceFigures& of) { return absl::ToDoubleSeconds(of.step_age); }},
    {"partitions", MetricType::Gauge, "Partitions that this process decides",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.partitions); }},
    {"lag_records", MetricType::Gauge, "Inputs that are there and not decided yet",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.lag_records); }},
    {"oldest_input_age_seconds", MetricType::Gauge, "Since the oldest of them was first seen here",
     [](const ServiceFigures& of) { return absl::ToDoubleSeconds(of.figures.oldest_input_age); }},
    {"oldest_delivery_age_seconds", MetricType::Gauge,
     "Since the oldest message was made that is neither delivered nor given up",
     [](const ServiceFigures& of) {
       return absl::ToDoubleSeconds(of.figures.oldest_delivery_age);
     }},
    {"oldest_timer_late_seconds", MetricType::Gauge,
     "Since the oldest timer was due that hasn't fired",
     [](const ServiceFigures& of) { return absl::ToDoubleSeconds(of.figures.oldest_timer_late); }},
    {"transitions_total", MetricType::Counter, "Decisions that this process had accepted",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.transitions); }},
    {"lost_races_total", MetricType::Counter, "Times that another process had decided first",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.lost_races); }},
    {"dead_letters", MetricType::Gauge, "Messages given up and not sent again by anybody yet",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.dead_letters); }},
    {"breakers_open", MetricType::Gauge,
     "Recipients that are called seldom, since they failed in a row",
     [](const ServiceFigures& of) { return static_cast<double>(of.figures.recipients_resting); }},
    {"last_clean_sweep_timestamp_seconds", MetricType::Gauge,
     "When a look at every open duty last found each to be watched; 0: never since the start",
     nullptr},
    {"duties_overdue", MetricType::Gauge, "Duties whose time has passed and that nobody has met",
     nullptr},
};

class Scrape final : public prometheus::Collectable {
 public:
  explicit Scrape(std::function<std::vector<ServiceFigures>()> services)
      : services_(std::move(services)) {}

  std::vector<MetricFamily> Collect() const override {
    const std::vector<ServiceFigures> services = services_();
    std::vector<MetricFamily> families;
    for (const Described& described : kDescribed) {
      MetricFamily& family = families.emplace_back();
      family.name = absl::StrCat("porchlight_", described.name);
      family.type = described.type;
      family.help = described.help;
      for (const ServiceFigures& service : services) Add(described, service, family);
      if (family.metric.empty()) families.pop_back();
    }
    return families;
  }

 private:
  static void Add(const Described& described, const ServiceFigures& service, MetricFamily& family) {
    double value = 0;
    if (described.value != nullptr) {
      value = described.value(service);
    } else {
      const std::map<std::string, double> gauges = service.gauges->All();
      const auto found = gauges.find(described.name);
      if (found == gauges.end()) return;
      value = found->second;
    }
    ClientMetric& metric = family.metric.emplace_back();
    metric.label.push_back({"service", service.service});
    (described.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  }

  const std::function<std::vector<ServiceFigures>()> services_;
};

}  // namespace

// In the order of construction; gone in the reverse.
struct MetricsServer::Parts {
  std::shared_ptr<Scrape> scrape;
  std::unique_ptr<prometheus::Exposer> exposer;
  std::string address;
};

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& listen, std::function<std::vector<ServiceFigures>()> services) {
  auto parts = std::make_unique<Parts>();
  parts->scrape = std::make_shared<Scrape>(std::move(services));
  try {
    parts->exposer = std::make_unique<prometheus::Exposer>(listen, 1);
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(
        absl::StrCat("metrics can't be served at ", listen, " (", error.what(),
                     "): is the port taken, or metrics.listen not an address of this machine?"));
  }
  parts->exposer->RegisterCollectable(parts->scrape);
  parts->address = absl::StrCat(listen.substr(0, listen.rfind(':')), ":",
                                parts->exposer->GetListeningPorts().at(0));
  return std::unique_ptr<MetricsServer>(new MetricsServer(std::move(parts)));
}

MetricsServer::MetricsServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

MetricsServer::~MetricsServer() = default;

const std::string& MetricsServer::address() const { return parts_->address; }

}  // namespace porchlight
