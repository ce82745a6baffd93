// The rules of notification: whom policy wants told of an episode and when, what each may know, and
// the proof that they were: what a far end said, or what a person typed in. Each duty is told of
// once. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/processor/rules.h"
#include "porchlight/v1/notification.pb.h"

namespace porchlight {

struct NotificationSettings {
  std::string agency_name;
  absl::TimeZone time_zone;
  // A notice that nobody accepted for this long becomes a dead letter.
  absl::Duration give_up_after = absl::Hours(24);
};

class NotificationRules final : public Rules {
 public:
  explicit NotificationRules(NotificationSettings settings) : settings_(std::move(settings)) {}

  absl::string_view service() const override { return "notification"; }
  std::vector<std::string> sources() const override { return {"intake", "screening", "mdt"}; }
  bool Hears(absl::string_view type) const override;
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;

 private:
  const NotificationSettings settings_;
};

}  // namespace porchlight
