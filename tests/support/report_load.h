// Many reports at once from many callers, as a busy evening brings them, and what each caller was
// told. Every text of a report is planted: it must turn up at the recipients and nowhere else.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"
#include "porchlight/v1/intake.grpc.pb.h"

namespace porchlight::testing {

// In every planted text, and in nothing else.
inline constexpr char kPlanted[] = "Planted";

// A report of youth `youth_id`, whose request id is made from that.
v1::ReportMissingRequest PlantedReport(const std::string& youth_id);

// True if nobody may lose it any more: OK, or "accepted" in the text of an error.
bool SaysAccepted(const grpc::Status& status);
bool SaysNotAccepted(const grpc::Status& status);

class ReportLoad {
 public:
  struct Outcome {
    std::vector<v1::ReportMissingRequest> accepted;
    // Refused, unknown or not begun: to be sent again with the same request id.
    std::vector<v1::ReportMissingRequest> again;
    int unknown = 0;  // of those: sent, and no answer came
    std::vector<std::string> refusals;
  };

  // Begins at once. A caller stops when an answer doesn't come.
  ReportLoad(const std::string& address, std::vector<v1::ReportMissingRequest> reports,
             int callers = 16, absl::Duration call_limit = absl::Seconds(20));
  ~ReportLoad();
  // Until so many are accepted, or the callers have stopped. False after a minute.
  bool WaitForAccepted(size_t count) const;
  // Until all callers have stopped.
  Outcome Finish();

 private:
  void CallAll(const std::string& address);

  const absl::Duration call_limit_;
  mutable absl::Mutex mutex_;
  std::vector<v1::ReportMissingRequest> waiting_ ABSL_GUARDED_BY(mutex_);
  int calling_ ABSL_GUARDED_BY(mutex_) = 0;
  Outcome outcome_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> callers_;
};

// As callers should: what was not accepted is sent again with the same request id, until nothing is
// left or, on a server that doesn't take it, for ten times.
ReportLoad::Outcome ReportUntilAccepted(const std::string& address,
                                        std::vector<v1::ReportMissingRequest> reports);

// All episodes of the server, ended ones too.
std::vector<v1::Episode> ListAllEpisodes(const std::string& address);

}  // namespace porchlight::testing
