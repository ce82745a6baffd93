// One episode's notifications, driven as the processor would drive them: what is decided is folded,
// and the time to look again is kept. For tests of the rules.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/processor/rules.h"
#include "porchlight/v1/notification.pb.h"
#include "services/notification/rules.h"

namespace porchlight {

inline const absl::Time kReported = absl::FromUnixSeconds(1'780'000'000);

// Reached by the folder channel, which stands for any.
v1::Recipient Desk(const std::string& id, v1::RecipientKind kind);

// "police missing" of each message that this decision sends, in its order.
std::vector<std::string> Told(const Decision& decision);

template <typename Payload>
int Count(const Decision& decision) {
  return static_cast<int>(std::count_if(
      decision.events.begin(), decision.events.end(),
      [](const NewEvent& event) { return As<Payload>(event.payload.get()) != nullptr; }));
}

class NoticeOffice {
 public:
  // Police and NCMEC, in a jurisdiction of the federal pack.
  NoticeOffice();
  // With the packs that this build brings.
  explicit NoticeOffice(const std::vector<v1::Recipient>& recipients,
                        const std::string& jurisdiction = "us");

  // A pack us-zz over the federal one, whose only recipient of a missing notice is this kind,
  // unless that is police or NCMEC.
  void AddPack(v1::RecipientKind kind);

  // A youth each of whose facts is "<class>-marker".
  v1::Episode Robin() const;

  Decision Opened() { return Opened(Robin()); }
  Decision Opened(const v1::Episode& episode);
  Decision Updated(const v1::Episode& episode, const std::vector<std::string>& changed);
  // A sighting.
  Decision Adds(const std::string& text);
  Decision Returned();
  Decision Closed(v1::CloseReason reason);
  Decision Identified();
  Decision Files(const v1::FileProofRequest& request);
  // By telephone.
  Decision Files(const std::string& about, const std::string& number);
  Decision Refuses(const std::string& by, const std::string& reason);
  // What the timer would find.
  Decision LooksAfter(absl::Duration time);
  // Of the delivery of this notice.
  Decision Settles(const std::string& notice_id, v1::DeliveryState state);
  // Of any event, as the log has it.
  void Evolve(const google::protobuf::Message& event);

  const v1::NotificationState& state() const { return state_; }
  const v1::Notice& last_notice() const { return *state_.notices().rbegin(); }
  bool active() const { return rules_.Active(state_); }

  v1::Directory directory;
  absl::Time now = kReported;
  std::optional<absl::Time> look_at;

 private:
  Decision Decide(const google::protobuf::Message* payload, v1::InputKind kind);
  v1::Episode Known() const;

  const NotificationRules rules_{
      {.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}};
  const std::string jurisdiction_;
  v1::NotificationState state_;
  v1::DeliveryStatus settled_;
  int inputs_ = 0;
};

}  // namespace porchlight
