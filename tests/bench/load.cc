// See load.h.
#include "tests/bench/load.h"

#include <grpcpp/create_channel.h>
#include <sys/prctl.h>

#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "common/base/clock.h"
#include "common/rpc/client.h"

namespace porchlight::bench {
namespace {

constexpr int kChannels = 4;
constexpr absl::Duration kLimit = absl::Seconds(30);

grpc::ByteBuffer ToBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

struct Load::Call {
  const Request* request = nullptr;
  Sent sent;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer reply;
  grpc::Status status;
};

void WaitUntil(absl::Duration moment) {
  const absl::Duration left = moment - SystemClock().Steady();
  if (left > absl::ZeroDuration()) absl::SleepFor(left);
}

Load::Load(const std::string& address) {
  for (int i = 0; i < kChannels; ++i) {
    stubs_.push_back(std::make_unique<grpc::GenericStub>(rpc::NewChannel(address)));
  }
}

void Load::Start(Call& call) {
  call.context = std::make_unique<grpc::ClientContext>();
  rpc::PrepareCall(*call.context, kLimit);
  call.context->set_wait_for_ready(true);
  call.reader = stubs_[next_stub_++ % stubs_.size()]->PrepareUnaryCall(
      call.context.get(), call.request->method, ToBuffer(call.request->bytes), &queue_);
  call.reader->StartCall();
  call.reader->Finish(&call.reply, &call.status, &call);
}

std::vector<Sent> Load::AtRate(const std::vector<Request>& requests, double per_second) {
  std::vector<Call> calls(requests.size());
  std::thread collector([&] {
    void* tag = nullptr;
    bool fine = false;
    for (size_t i = 0; i < calls.size() && queue_.Next(&tag, &fine); ++i) {
      auto& call = *static_cast<Call*>(tag);
      call.sent.answered = SystemClock().Steady();
      call.sent.code = call.status.error_code();
    }
  });
  prctl(PR_SET_TIMERSLACK, 1000);  // nanoseconds: sent when it should be, not 50 us later
  const absl::Duration start = SystemClock().Steady() + absl::Milliseconds(10);
  for (size_t i = 0; i < calls.size(); ++i) {
    calls[i].request = &requests[i];
    calls[i].sent.scheduled = start + absl::Seconds(static_cast<double>(i) / per_second);
    WaitUntil(calls[i].sent.scheduled);
    Start(calls[i]);
  }
  collector.join();
  std::vector<Sent> sent;
  for (const Call& call : calls) sent.push_back(call.sent);
  return sent;
}

std::vector<Sent> Load::AtOnce(const std::vector<Request>& requests, int in_flight) {
  std::vector<Call> calls(requests.size());
  size_t next = 0;
  size_t answered = 0;
  const auto start_next = [&] {
    calls[next].request = &requests[next];
    calls[next].sent.scheduled = SystemClock().Steady();
    Start(calls[next]);
    ++next;
  };
  while (next < calls.size() && next < static_cast<size_t>(in_flight)) start_next();
  void* tag = nullptr;
  bool fine = false;
  while (answered < calls.size() && queue_.Next(&tag, &fine)) {
    auto& call = *static_cast<Call*>(tag);
    call.sent.answered = SystemClock().Steady();
    call.sent.code = call.status.error_code();
    if (call.sent.code == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      Start(call);
      continue;
    }
    ++answered;
    if (next < calls.size()) start_next();
  }
  std::vector<Sent> sent;
  for (const Call& call : calls) sent.push_back(call.sent);
  return sent;
}

}  // namespace porchlight::bench
