// How commands call a server: one deadline for all, and errors that say what to do.
#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/rpc/client.h"
#include "services/porchlight/client.h"

namespace porchlight {

inline std::shared_ptr<grpc::Channel> Connect(const ServerOptions& server) {
  return rpc::NewChannel(server.address);
}

// Calls one method.
template <typename Stub, typename Request, typename Reply>
absl::Status Call(const ServerOptions& server, Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                  const Request& request, Reply& reply) {
  grpc::ClientContext context;
  rpc::PrepareCall(context, absl::Seconds(15));
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
