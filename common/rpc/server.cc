#include "common/rpc/server.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/server_interceptor.h>

#include "absl/base/call_once.h"
#include "absl/strings/str_cat.h"
#include "common/base/limits.h"
#include "common/logger/logger.h"
#include "google/protobuf/stubs/logging.h"

namespace porchlight::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;

constexpr int kIdleThreadsMax = 32;

// gRPC answers a request that it can't parse with INTERNAL and no text, before any method is
// called. Methods never do so: Serve gives every error a text.
class ParseErrors final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      if (status.error_code() == grpc::StatusCode::INTERNAL && status.error_message().empty()) {
        methods->ModifySendStatus(grpc::Status(
            grpc::StatusCode::INVALID_ARGUMENT,
            "the request can't be understood: it isn't the message that this method takes, or a "
            "text in it isn't UTF-8; nothing was kept"));
      }
    }
    methods->Proceed();
  }
};

class ParseErrorsFactory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo*) override {
    return new ParseErrors;  // gRPC owns it
  }
};

void SetUpLibraries() {
  static absl::once_flag once;
  absl::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // What they would write to standard error by themselves becomes lines like all others.
    gpr_set_log_function([](gpr_log_func_args* line) {
      if (line->severity != GPR_LOG_SEVERITY_ERROR) return;
      LogLine(LogLevel::kWarning, "gRPC", {{"message", line->message}});
    });
    google::protobuf::SetLogHandler(
        [](google::protobuf::LogLevel, const char*, int, const std::string& message) {
          LogLine(LogLevel::kWarning, "protobuf", {{"message", message}});
        });
  });
}

void SetLimits(grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(static_cast<int>(kRequestBytesMax));
  builder.SetMaxSendMessageSize(static_cast<int>(kReplyBytesMax));
  grpc::ResourceQuota quota("porchlight");
  // Only a fuse, above what the Gate lets in: gRPC's own limit is inexact.
  quota.SetMaxThreads(2 * kCallsInFlightMax);
  builder.SetResourceQuota(quota);
  // A method waits for its outcome on its thread; fewer, and threads would be made and ended for
  // every few calls.
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, kIdleThreadsMax);
  // Otherwise a second server would share the port and take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  // Our own clients ping every 30 s, also between calls.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

}  // namespace

Server::Server(std::unique_ptr<grpc::Server> server, std::string address, int port)
    : server_(std::move(server)), address_(std::move(address)), port_(port) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const std::string& address,
                                                      const std::vector<grpc::Service*>& services) {
  SetUpLibraries();
  grpc::ServerBuilder builder;
  SetLimits(builder);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<ParseErrorsFactory>());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  int port = 0;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  for (grpc::Service* service : services) builder.RegisterService(service);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat(
        "can't listen on ", address,
        ": another program uses this port, or the address isn't HOST:PORT of this machine. Find "
        "out which program it is with `ss -ltnp` and end it, or choose another address."));
  }
  const std::string host = address.substr(0, address.rfind(':'));
  return std::unique_ptr<Server>(
      new Server(std::move(server), absl::StrCat(host, ":", port), port));
}

Server::~Server() { Stop(absl::ZeroDuration()); }

void Server::SetServing(bool serving) {
  server_->GetHealthCheckService()->SetServingStatus(serving);
}

void Server::Stop(absl::Duration grace) {
  if (stopped_) return;
  stopped_ = true;
  server_->GetHealthCheckService()->Shutdown();
  // A span, not a point in time: it doesn't matter then if the machine's clock is set.
  server_->Shutdown(gpr_time_from_nanos(absl::ToInt64Nanoseconds(grace), GPR_TIMESPAN));
  server_->Wait();
}

}  // namespace porchlight::rpc
