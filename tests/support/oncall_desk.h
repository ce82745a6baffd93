// The on-call rules alone, driven as the processor would: time passes timer by timer, and every
// page is noted. What sentences of policy are tested with.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "services/oncall/rules.h"

namespace porchlight {

inline constexpr char kDeskEpisode[] = "youth-1_e1";

// One rule with nothing but these; due so many minutes after the trigger was received.
v1::PolicyRule DeskRule(const std::string& rule_id, v1::PolicyTrigger trigger,
                        v1::DutyAction action, uint32_t due_minutes, v1::EvidenceKind proved_by);
// In force everywhere, with the rules given.
v1::PolicyPack DeskPack(const std::vector<v1::PolicyRule>& rules);
// Supervisors: "first" for ten minutes, then "second", each by their own way; and the pack.
v1::Directory DeskDirectory(const std::vector<v1::PolicyRule>& rules);

class OncallDesk {
 public:
  explicit OncallDesk(v1::Directory with);

  v1::Episode Robin(v1::EpisodeState as = v1::EPISODE_STATE_MISSING) const;
  Decision Opened();
  Decision Returned();
  // An event of another service on the episode.
  Decision Hear(const google::protobuf::Message& event);
  // A report that is half a minute old.
  Decision HearReport(const std::string& record_id);
  Decision Proved(const std::string& duty_key, v1::EvidenceKind kind);
  Decision Begun(const std::string& duty_key);
  Decision Acknowledge(const std::string& alert_id, const std::string& person_id,
                       v1::ReachedBy how = v1::REACHED_BY_PHONE);
  Decision LookAgain();
  Decision Settle(const std::string& delivery_id, v1::DeliveryState state);

  // Timers fire when they are due.
  void Advance(absl::Duration by);
  // Time passes and nothing decides; then what is due fires, late.
  void SleepThrough(absl::Duration by);
  // As many others are due too: all is decided without a pause, and what is due here fires late.
  void WaitBehindOthers(absl::Duration by);
  // "who: kind" of each page since the last call.
  std::vector<std::string> TakePages();
  // "kind duty-or-subject" of the alerts that are open.
  std::vector<std::string> Open() const;

  v1::Directory directory;
  OncallRules rules;
  absl::Time now = absl::FromUnixSeconds(1'780'000'000);
  v1::OncallState state;
  std::map<std::string, v1::Timer> timers;
  std::vector<NewDelivery> deliveries;
  std::vector<std::string> withdrawn;
  bool exercise = false;
  std::string jurisdiction;

 private:
  Decision Decide(Input input);
  void FireDue();

  absl::Time deciding_since_ = absl::InfiniteFuture();
  int inputs_ = 0;
  size_t pages_seen_ = 0;
};

}  // namespace porchlight
