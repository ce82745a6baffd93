// How commands call a server: one deadline for all, errors that say what to do, and times in the
// agency's zone.
#pragma once

#include <grpcpp/client_context.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/edge/check.h"
#include "common/rpc/client.h"
#include "services/porchlight/client.h"

namespace porchlight {

inline constexpr absl::Duration kCallLimit = absl::Seconds(15);

// From then on times are read and shown in the agency's zone, or in this machine's if no server
// answers.
std::shared_ptr<grpc::Channel> Connect(const ServerOptions& server, absl::string_view service);

// Where that service is called, as ServerOptions.address has it; kNoAddress where it has none.
inline constexpr char kNoAddress[] = "no-address.invalid";
std::string AddressOf(const ServerOptions& server, absl::string_view service);

// Calls one method. Nothing is sent that the server couldn't read.
template <typename Stub, typename Request, typename Reply>
absl::Status Call(const ServerOptions& server, Stub& stub,
                  grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Reply*),
                  const Request& request, Reply& reply) {
  if (absl::Status checked = CheckFields(request); !checked.ok()) return checked;
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  const grpc::Status status = (stub.*method)(&context, request, &reply);
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      status.error_message().find(kNoAddress) != std::string::npos) {
    return absl::UnavailableError(absl::StrCat(
        "--server names no address of the service that this needs: ", server.address,
        ". Add SERVICE=HOST:PORT for it (directory, intake, notification, screening, mdt, oncall). "
        "Nothing was sent."));
  }
  if (status.error_code() == grpc::StatusCode::UNAVAILABLE &&
      status.error_message().find("connect") != std::string::npos) {
    return absl::UnavailableError(absl::StrCat(
        "no server answers at ", server.address,
        ". Start one with `porchlight serve`, or name it with --server. Nothing was sent."));
  }
  return rpc::ToAbsl(status);
}

}  // namespace porchlight
