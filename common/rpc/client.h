// The calling side: one channel for each server for the life of the process, and a deadline on
// every call.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace porchlight::rpc {

// Connects when first used, and again by itself, at least every 2 s, after the server was away.
std::shared_ptr<grpc::Channel> NewChannel(const std::string& address);

// Before every call. It fails at once while the server is away. `correlation_id` may be empty.
void PrepareCall(grpc::ClientContext& context, absl::Duration limit,
                 absl::string_view correlation_id = "");

absl::Status ToAbsl(const grpc::Status& status);

}  // namespace porchlight::rpc
