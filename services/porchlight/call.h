// One call of the command line to a running server.
#pragma once

#include "absl/strings/str_cat.h"
#include "common/rpc/client.h"
#include "services/porchlight/client.h"

namespace porchlight {

inline constexpr absl::Duration kCallLimit = absl::Seconds(15);

// Calls one method of a server. The error says what a person can do.
template <typename Stub, typename Request, typename Reply>
absl::Status Call(const ServerOptions& server, Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                  const Request& request, Reply& reply) {
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  const grpc::Status status = (stub.*method)(&context, request, &reply);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      status.error_message().find("connect") != std::string::npos) {
    return absl::UnavailableError(absl::StrCat(
        "no server answers at ", server.address,
        ". Start one with `porchlight serve`, or name it with --server. Nothing was sent."));
  }
  return rpc::ToAbsl(status);
}

}  // namespace porchlight
