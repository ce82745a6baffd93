// One decision of oncall under way: raises alerts, pages people for them level by level, ends them,
// and keeps the state in step with the events that it adds. Pure. What it ends pages nobody any
// more: timers are removed and pages that are still pending are taken back.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/keys/keys.h"
#include "common/policy/duties.h"
#include "common/processor/rules.h"
#include "porchlight/v1/oncall.pb.h"

namespace porchlight {

struct OncallSettings {
  std::string agency_name;
  // Where no rota says by whose clock.
  absl::TimeZone time_zone = absl::UTCTimeZone();
  // Of links in pages; empty: none.
  std::string public_url = {};
  Key link_key = {};
  // A page that no far end took for this long is given up: others were paged since.
  absl::Duration give_up_after = absl::Hours(1);
};

// What an alert is raised about.
struct Cause {
  v1::AlertKind kind = v1::ALERT_KIND_UNSPECIFIED;
  std::string episode_id = {};  // empty: of none
  const Duty* duty = nullptr;   // null: of none that is known
  std::string duty_key = {};    // where `duty` is null and its key is known all the same
  std::string owner = {};       // the service whose duty it is
  std::string subject_id = {};  // a notice's or command's id
};

class Alarm {
 public:
  // All but `state` outlive it.
  Alarm(v1::OncallState state, const Input& input, const v1::Directory& directory,
        const OncallSettings& settings);

  // As it is after what was added.
  const v1::OncallState& state() const { return state_; }
  Decision& decision() { return decision_; }
  // Whether it is a drill: of the episode or alert that the input is about.
  void SetExercise(bool exercise) { exercise_ = exercise; }

  template <typename Payload>
  void Add(Payload payload, const std::string& episode_id) {
    AddEvent(std::make_unique<Payload>(std::move(payload)), episode_id);
  }
  void SetTimer(const std::string& timer_id, absl::Time at, const std::string& episode_id);
  void RemoveTimer(std::string timer_id);

  // Nothing where an alert says the same already.
  void Raise(const Cause& cause);
  // Whoever is next; who is on call changes with time.
  void PageNext(absl::string_view alert_id);
  void Silence(absl::string_view alert_id, const std::string& why);
  // The answer is kept, and ends the alert if it was the last one needed. Returns the alert.
  v1::Alert TakeAnswer(v1::Alert alert, v1::AlertAnswer answer);

  Decision Take();

 private:
  void AddEvent(std::unique_ptr<google::protobuf::Message> payload, const std::string& episode_id);
  bool IsSaid(const Cause& cause) const;
  v1::Alert Make(const Cause& cause) const;
  void SilenceWarnings(const Cause& cause);
  void End(v1::AlertState state, const std::string& why, v1::Alert& alert);
  void Withdraw(v1::Alert& alert, absl::FunctionRef<bool(const v1::AlertPage&)> which);
  void AddPage(const v1::Recipient& recipient, const std::string& person_id, v1::Message message,
               v1::Alert& alert);
  void ForgetOldPages(v1::Alert& alert);

  v1::OncallState state_;
  const Input& input_;
  const v1::Directory& directory_;
  const OncallSettings& settings_;
  const google::protobuf::Timestamp now_;
  bool exercise_;
  Decision decision_;
};

}  // namespace porchlight
