// Calls a gRPC server at a given rate, whether or not it keeps up: a call's latency counts from the
// moment at which it should have been sent, so that a server that stalls can't hide it.
#pragma once

#include <grpcpp/generic/generic_stub.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace porchlight::bench {

struct Request {
  std::string method;  // "/porchlight.v1.Intake/ReportMissing"
  std::string bytes;   // the serialized message
};

// By Clock::Steady.
struct Sent {
  absl::Duration scheduled;
  absl::Duration answered;
  grpc::StatusCode code = grpc::StatusCode::UNKNOWN;
};

// Waits until the moment, by Clock::Steady.
void WaitUntil(absl::Duration moment);

class Load {
 public:
  explicit Load(const std::string& address);

  // One call for each request, in order; returns when all are answered.
  std::vector<Sent> AtRate(const std::vector<Request>& requests, double per_second);
  // So many in progress at once; what is refused as one too many is sent again.
  std::vector<Sent> AtOnce(const std::vector<Request>& requests, int in_flight);

 private:
  struct Call;
  void Start(Call& call);

  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  size_t next_stub_ = 0;
  grpc::CompletionQueue queue_;
};

}  // namespace porchlight::bench
