// The rules of notification: who is told of an episode, what each may know, and what came of it. A
// notice is done only when the far end said yes. Pure: no clock, no chance, no I/O.
#pragma once

#include <string>
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
  std::vector<std::string> sources() const override { return {"intake"}; }
  bool Hears(absl::string_view type) const override;
  std::string AggregateId(const v1::RecordHeader& header,
                          const google::protobuf::Message& payload) const override;
  std::unique_ptr<google::protobuf::Message> NewState() const override;
  Decision Decide(const google::protobuf::Message& state, const Input& input,
                  const v1::Directory& directory) const override;
  void Evolve(google::protobuf::Message& state, const Event& event) const override;
  bool Active(const google::protobuf::Message& state) const override;

 private:
  void Tell(v1::NoticeKind kind, const v1::NotificationState& state, const v1::Episode& episode,
            const Input& input, const v1::Directory& directory, Decision& decision) const;
  v1::Message MakeMessage(const v1::NoticePacket& packet) const;

  const NotificationSettings settings_;
};

}  // namespace porchlight
