// See report_stream.h.
#include "tests/support/report_stream.h"

#include <grpcpp/client_context.h>

#include <algorithm>
#include <utility>

#include "common/base/clock.h"
#include "common/rpc/client.h"
#include "tests/support/report_load.h"

namespace porchlight::testing {
namespace {

constexpr absl::Duration kStreamCallLimit = absl::Seconds(10);
// Twice as long after each try: who calls more often while nobody answers keeps it so.
constexpr absl::Duration kSendAgainAfter = absl::Milliseconds(100);
constexpr absl::Duration kSendAgainAfterMax = absl::Seconds(2);
constexpr absl::Duration kLookAfter = absl::Milliseconds(50);

}  // namespace

struct ReportStream::Call {
  size_t number = 0;
  grpc::ClientContext context;
  v1::ReportMissingReply reply;
  grpc::Status status;
  std::unique_ptr<grpc::ClientAsyncResponseReader<v1::ReportMissingReply>> reader;
};

ReportStream::ReportStream(Options options)
    : options_(std::move(options)), start_(SystemClock().Steady()) {
  for (const std::string& address : options_.addresses)
    stubs_.push_back(v1::Intake::NewStub(rpc::NewChannel(address)));
  thread_ = std::thread([this] { Run(); });
}

ReportStream::~ReportStream() {
  {
    absl::MutexLock lock(&mutex_);
    no_more_ = over_ = true;
  }
  thread_.join();
}

void ReportStream::Begin(size_t number) {
  v1::ReportMissingRequest request;
  int tries = 0;
  {
    absl::MutexLock lock(&mutex_);
    ++calling_;
    tries = reports_[number].tries++;
    request = PlantedReport(reports_[number].youth_id);
    options_.fill(number, reports_[number].made_at, request);
  }
  auto call = std::make_unique<Call>();
  call->number = number;
  rpc::PrepareCall(call->context, kStreamCallLimit);
  const size_t to = (number + static_cast<size_t>(tries)) % stubs_.size();
  call->reader = stubs_[to]->AsyncReportMissing(&call->context, request, &queue_);
  Call* const tag = call.release();
  tag->reader->Finish(&tag->reply, &tag->status, tag);
}

void ReportStream::End(std::unique_ptr<Call> call) {
  const absl::Duration now = SystemClock().Steady();
  absl::MutexLock lock(&mutex_);
  --calling_;
  if (SaysAccepted(call->status)) {
    reports_[call->number].accepted = now;
    --not_accepted_;
    return;
  }
  const int doublings = std::min(reports_[call->number].tries - 1, 10);
  again_.insert(
      {now + std::min((1 << doublings) * kSendAgainAfter, kSendAgainAfterMax), call->number});
}

absl::Duration ReportStream::SendDue() {
  const absl::Duration now = SystemClock().Steady();
  std::vector<size_t> due;
  absl::Duration next = now + kLookAfter;
  {
    absl::MutexLock lock(&mutex_);
    while (!no_more_) {
      const absl::Duration scheduled =
          start_ + absl::Seconds(static_cast<double>(reports_.size()) / options_.per_second);
      next = std::min(next, scheduled);
      if (scheduled > now) break;
      due.push_back(reports_.size());
      reports_.push_back({.youth_id = options_.youth_id(reports_.size()),
                          .scheduled = scheduled,
                          .made_at = SystemClock().Now()});
      ++not_accepted_;
    }
    while (!over_ && !again_.empty() && again_.begin()->first <= now) {
      due.push_back(again_.begin()->second);
      again_.erase(again_.begin());
    }
  }
  for (const size_t number : due) Begin(number);
  return next;
}

void ReportStream::Run() {
  while (true) {
    const absl::Duration next = SendDue();
    {
      absl::MutexLock lock(&mutex_);
      if (over_ && calling_ == 0) break;
    }
    void* tag = nullptr;
    bool fine = false;
    const SystemClock clock;
    const auto until = absl::ToChronoTime(clock.Now() + (next - clock.Steady()));
    while (queue_.AsyncNext(&tag, &fine, until) == grpc::CompletionQueue::GOT_EVENT)
      End(std::unique_ptr<Call>(static_cast<Call*>(tag)));
  }
  queue_.Shutdown();
}

std::vector<ReportStream::Report> ReportStream::reports(size_t first) const {
  absl::MutexLock lock(&mutex_);
  return {reports_.begin() + static_cast<int64_t>(first), reports_.end()};
}

bool ReportStream::Finish(absl::Duration longest) {
  const auto all = [this] {
    mutex_.AssertReaderHeld();
    return not_accepted_ == 0;
  };
  absl::MutexLock lock(&mutex_);
  no_more_ = true;
  return mutex_.AwaitWithTimeout(absl::Condition(&all), longest);
}

}  // namespace porchlight::testing
