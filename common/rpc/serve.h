// The one wrapper around every method of every service: how many at once, until when, what becomes
// of errors, and one log line. Nothing of a request or reply is ever logged here.
//
//   grpc::Status ReportMissing(ServerContext* context, const Request* request, Reply* reply) {
//     return rpc::Serve(*context, "Intake.ReportMissing", gate_, [&](rpc::Call& call) {
//       return service_.ReportMissing(call, *request, *reply);
//     });
//   }
#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <atomic>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/base/clock.h"
#include "common/base/limits.h"
#include "common/rpc/call.h"

namespace porchlight::rpc {

// Name of the metadata that carries the correlation id.
inline constexpr char kCorrelationHeader[] = "porchlight-correlation-id";

// Counts the calls in progress in one server. Thread-safe.
class Gate {
 public:
  // `clock` must outlive it.
  explicit Gate(const Clock& clock, int calls_max = kCallsInFlightMax)
      : clock_(clock), calls_max_(calls_max) {}

  bool Enter();
  void Leave();
  const Clock& clock() const { return clock_; }
  int calls_max() const { return calls_max_; }

 private:
  const Clock& clock_;
  const int calls_max_;
  std::atomic<int> calls_{0};
};

// Calls `method` and turns what came of it into gRPC's status. Doesn't call it if too many are in
// progress (RESOURCE_EXHAUSTED) or no time is left (DEADLINE_EXCEEDED). An exception becomes
// INTERNAL; its text stays hidden, since it may hold anything. For unary and streaming methods.
grpc::Status Serve(const grpc::ServerContextBase& context, absl::string_view name, Gate& gate,
                   absl::FunctionRef<absl::Status(Call&)> method);

}  // namespace porchlight::rpc
