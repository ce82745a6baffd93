// rebuild: makes a service's store again from the log and tells how far it is.
#include <iostream>
#include <memory>

#include "common/base/signal.h"
#include "porchlight/v1/admin.grpc.pb.h"
#include "services/porchlight/call.h"
#include "services/porchlight/client.h"
#include "services/porchlight/output.h"

namespace porchlight {
namespace {

constexpr absl::Duration kAskEvery = absl::Milliseconds(250);

struct RebuildOptions {
  ServerOptions server;
  v1::RebuildStoreRequest request;
};

int Rebuild(const RebuildOptions& options) {
  const auto stub = v1::Admin::NewStub(Connect(options.server, options.request.service()));
  v1::RebuildStoreReply begun;
  absl::Status status =
      Call(options.server, *stub, &v1::Admin::Stub::RebuildStore, options.request, begun);
  if (!status.ok()) return Fail(status);
  v1::GetStoreProgressRequest ask;
  ask.set_service(options.request.service());
  v1::GetStoreProgressReply progress;
  Signal never;
  int told = -1;
  while (true) {
    progress.Clear();
    status = Call(options.server, *stub, &v1::Admin::Stub::GetStoreProgress, ask, progress);
    if (!status.ok()) return Fail(status);
    // What is decided meanwhile need not be in it: the store then is as near as it always is.
    if (progress.stored() >= begun.records()) break;
    const int percent = static_cast<int>(100 * progress.stored() / begun.records());
    if (percent != told) std::cerr << percent << " % of " << begun.records() << " records\n";
    told = percent;
    never.Wait(kAskEvery);
  }
  if (options.server.json) {
    PrintJson(progress);
  } else {
    std::cout << "The store of " << ask.service() << " was made again from " << begun.records()
              << " records of the log.\n";
  }
  return kDone;
}

}  // namespace

void AddAdminCommands(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<RebuildOptions>();
  CLI::App* rebuild =
      app.add_subcommand("rebuild", "Make a service's store again from the log, while it goes on");
  AddServerOptions(*rebuild, options->server);
  rebuild->add_option("service", *options->request.mutable_service(), "Such as intake")->required();
  rebuild->footer("Example: porchlight rebuild notification");
  rebuild->callback([options, &exit_code] { exit_code = Rebuild(*options); });
}

}  // namespace porchlight
