// Cases of several services, played against a real server that may die at any call: each is a list
// of calls with request ids of their own, taken up again where it stopped. For tests that ask
// afterwards whether everything that was accepted is still known.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "porchlight/v1/mdt.grpc.pb.h"
#include "porchlight/v1/notification.grpc.pb.h"
#include "porchlight/v1/oncall.grpc.pb.h"
#include "porchlight/v1/screening.grpc.pb.h"

namespace porchlight::testing {

struct Stubs {
  explicit Stubs(const std::string& address);
  std::unique_ptr<v1::Intake::Stub> intake;
  std::unique_ptr<v1::Notification::Stub> notification;
  std::unique_ptr<v1::Screening::Stub> screening;
  std::unique_ptr<v1::Mdt::Stub> mdt;
  std::unique_ptr<v1::Oncall::Stub> oncall;
};

enum class Step { kReport, kAcknowledge, kFile, kReview, kReturn, kScreen, kIdentify, kAnswer };

// What was accepted, to be asked for again.
struct AcceptedCall {
  Step step = Step::kReport;
  std::string request_id;
  std::string alert_id;  // of kAcknowledge
  std::string reply;
};

struct Case {
  std::string youth_id;
  std::string episode_id;
  // When the youth left, as told: what the test's pack counts a minute from.
  absl::Time departed_at;
  std::vector<Step> steps;

  size_t next_step = 0;
  int tries = 0;  // of the next step, each with another request id
  std::vector<AcceptedCall> accepted;
  bool done() const { return next_step == steps.size(); }
};

// Repeats an accepted call; its reply.
absl::StatusOr<std::string> Repeat(const Stubs& stubs, const Case& one, const AcceptedCall& call);

// The alert that policy's wake-up call raised; nothing if there is none yet.
absl::StatusOr<v1::Alert> WakingAlert(const Stubs& stubs, const std::string& episode_id);

// Plays cases with several callers at once.
class CaseLoad {
 public:
  // Begins at once. A caller stops when an answer doesn't come.
  CaseLoad(const std::string& address, std::vector<Case> cases, int callers = 8);
  ~CaseLoad();
  // Until so many calls were accepted, or the callers have stopped. False after a minute.
  bool WaitForAccepted(size_t count) const;
  // Until all callers have stopped: the cases as they stand then.
  std::vector<Case> Finish();
  int unknown() const;

 private:
  void Call(const std::string& address);
  // False: the server is away.
  bool Play(const Stubs& stubs, Case& one);

  mutable absl::Mutex mutex_;
  std::vector<Case> waiting_ ABSL_GUARDED_BY(mutex_);
  std::vector<Case> stopped_ ABSL_GUARDED_BY(mutex_);
  size_t accepted_ ABSL_GUARDED_BY(mutex_) = 0;
  int unknown_ ABSL_GUARDED_BY(mutex_) = 0;
  int calling_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::thread> callers_;
};

}  // namespace porchlight::testing
