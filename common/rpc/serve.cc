#include "common/rpc/serve.h"

#include <exception>
#include <typeinfo>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/base/ids.h"
#include "common/logger/logger.h"

namespace porchlight::rpc {
namespace {

constexpr absl::Duration kDefaultLimit = absl::Seconds(10);
// What the reply needs to get back to the caller.
constexpr absl::Duration kWayBack = absl::Milliseconds(20);
constexpr absl::Duration kLeastLeft = absl::Milliseconds(50);
// The text travels as metadata, which callers accept up to 8 KiB in all; escaping may triple it.
constexpr size_t kErrorBytesMax = 2000;

std::string CorrelationId(const grpc::ServerContextBase& context) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(kCorrelationHeader);
  if (found == metadata.end()) return "";
  std::string id(found->second.data(), found->second.size());
  return CheckId("correlation id", id).ok() ? id : "";
}

absl::Time DeadlineOf(const grpc::ServerContextBase& context, absl::Time now) {
  const auto given = context.deadline();
  if (given == std::chrono::system_clock::time_point::max()) return now + kDefaultLimit;
  return absl::FromChrono(given) - kWayBack;
}

LogLevel LevelOf(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return LogLevel::kError;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
      return LogLevel::kWarning;
    default:
      return LogLevel::kInfo;
  }
}

absl::Status Unexpected(absl::string_view name, absl::string_view type) {
  LogLine(LogLevel::kError, "a method threw an exception",
          {{"method", std::string(name)}, {"type", std::string(type)}});
  return absl::InternalError(
      "unexpected error; whether the request was kept is not known; calling again with the same "
      "request id is safe");
}

// Nothing that a method throws may reach gRPC, which would answer UNKNOWN and log nothing.
absl::Status CallCatching(absl::string_view name, absl::FunctionRef<absl::Status(Call&)> method,
                          Call& call) {
  try {
    return method(call);
  } catch (const std::exception& error) {
    return Unexpected(name, typeid(error).name());
  } catch (...) {
    return Unexpected(name, "unknown");
  }
}

absl::Status Admit(absl::string_view name, Gate& gate,
                   absl::FunctionRef<absl::Status(Call&)> method, Call& call) {
  if (!gate.Enter()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("too many calls at once (", gate.calls_max(),
                     "); nothing was kept; call again with the same request id"));
  }
  const auto leave = absl::MakeCleanup([&gate] { gate.Leave(); });
  if (call.deadline - call.received_at < kLeastLeft) {
    return absl::DeadlineExceededError(
        "the deadline is too near to begin; nothing was kept; call again with the same request id "
        "and wait for a few seconds");
  }
  return CallCatching(name, method, call);
}

}  // namespace

bool Gate::Enter() {
  if (calls_.fetch_add(1) < calls_max_) return true;
  calls_.fetch_sub(1);
  return false;
}

void Gate::Leave() { calls_.fetch_sub(1); }

grpc::Status Serve(const grpc::ServerContextBase& context, absl::string_view name, Gate& gate,
                   absl::FunctionRef<absl::Status(Call&)> method) {
  const absl::Duration started = gate.clock().Steady();
  Call call;
  call.received_at = gate.clock().Now();
  call.deadline = DeadlineOf(context, call.received_at);
  call.correlation_id = CorrelationId(context);
  call.cancelled = [&context] { return context.IsCancelled(); };
  const absl::Status status = Admit(name, gate, method, call);
  const absl::Duration latency = gate.clock().Steady() - started;
  LogLine(LevelOf(status.code()), "call",
          {{"method", std::string(name)},
           {"code", absl::StatusCodeToString(status.code())},
           {"latency_ms", absl::StrCat(absl::ToDoubleMilliseconds(latency))},
           {"correlation_id", call.correlation_id},
           {"error", std::string(status.message())}});
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()),
                      std::string(status.message().substr(0, kErrorBytesMax)));
}

}  // namespace porchlight::rpc
