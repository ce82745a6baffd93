// A gRPC server: sync API, the standard health service, reflection, explicit limits.
//
// What callers get for a request that never reaches a method:
//   RESOURCE_EXHAUSTED  larger than kRequestBytesMax; the text has both sizes
//   INVALID_ARGUMENT    not the method's message, or a text in it that isn't UTF-8
#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/server.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace porchlight::rpc {

class Server {
 public:
  // `address`: "127.0.0.1:7000"; port 0 takes any that is free. Build the server last: it answers
  // at once, and its health is "serving". The services must outlive it. Unavailable: the address
  // can't be used; the text says what to do.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const std::string& address,
                                                       const std::vector<grpc::Service*>& services);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Where it listens, with the port that was taken.
  const std::string& address() const { return address_; }
  int port() const { return port_; }

  // What the health service says; for good "not serving" after Stop.
  void SetServing(bool serving);

  // No new calls; those in progress have `grace` to end and are cancelled then. Returns when all
  // have ended: methods must bound themselves. Never from within a signal handler.
  void Stop(absl::Duration grace);

 private:
  Server(std::unique_ptr<grpc::Server> server, std::string address, int port);

  std::unique_ptr<grpc::Server> server_;
  const std::string address_;
  const int port_;
  bool stopped_ = false;
};

}  // namespace porchlight::rpc
