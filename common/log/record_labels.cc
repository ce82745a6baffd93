#include "common/log/record_labels.h"

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {
namespace {

struct Event {
  std::string id;
  std::string type;
  std::string agency_id;
  absl::string_view topic;
  google::protobuf::Timestamp time;
  std::string correlation_id;
};

// W3C trace context: the same trace for all that follows from one command, a span for each record.
std::string TraceParent(const Event& event) {
  const std::string trace = Sha256({"trace/", event.correlation_id}).substr(0, 16);
  const std::string span = Sha256({"span/", event.id}).substr(0, 8);
  return absl::StrCat("00-", absl::BytesToHexString(trace), "-", absl::BytesToHexString(span),
                      "-01");
}

void AddHeaders(const Event& event, RecordLabels& labels) {
  labels.headers = {{"ce_specversion", "1.0"},
                    {"ce_id", event.id},
                    {"ce_type", event.type},
                    {"ce_source", absl::StrCat("/", event.agency_id, "/", event.topic)},
                    {"ce_time", absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromProto(event.time),
                                                 absl::UTCTimeZone())},
                    {"content-type", "application/protobuf"}};
  if (!event.correlation_id.empty()) labels.headers.emplace_back("traceparent", TraceParent(event));
}

// Of what the transition says, whatever says it first: all of it follows from one command.
std::string CorrelationOf(const v1::Transition& transition) {
  v1::RecordHeader header;
  for (const v1::Record& event : transition.events()) {
    if (header.ParseFromString(event.header())) return header.correlation_id();
  }
  for (const v1::Delivery& delivery : transition.deliveries()) return delivery.correlation_id();
  if (transition.has_outcome() && header.ParseFromString(transition.outcome().body().header()))
    return header.correlation_id();
  for (const v1::Timer& timer : transition.timers_set()) return timer.correlation_id();
  return "";
}

RecordLabels LabelsOfTransition(absl::string_view topic, absl::string_view bytes) {
  RecordLabels labels;
  v1::TransitionRecord record;
  v1::Transition transition;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      record.hash().empty() || !transition.ParseFromString(record.content())) {
    return labels;
  }
  labels.key = transition.youth_id();
  AddHeaders({.id = absl::BytesToHexString(record.hash()),
              .type = v1::Transition::descriptor()->full_name(),
              .agency_id = transition.agency_id(),
              .topic = topic,
              .time = transition.decided_at(),
              .correlation_id = CorrelationOf(transition)},
             labels);
  return labels;
}

RecordLabels LabelsOfCommand(absl::string_view topic, absl::string_view bytes) {
  RecordLabels labels;
  v1::Record record;
  v1::RecordHeader header;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())) ||
      !header.ParseFromString(record.header()) || header.record_id().empty()) {
    return labels;
  }
  labels.key = header.youth_id();
  AddHeaders({.id = header.record_id(),
              .type = header.type(),
              .agency_id = header.agency_id(),
              .topic = topic,
              .time = header.received_at(),
              .correlation_id =
                  header.correlation_id().empty() ? header.record_id() : header.correlation_id()},
             labels);
  return labels;
}

}  // namespace

RecordLabels LabelsOf(absl::string_view topic, absl::string_view record) {
  return absl::EndsWith(topic, ".events") ? LabelsOfTransition(topic, record)
                                          : LabelsOfCommand(topic, record);
}

}  // namespace porchlight
