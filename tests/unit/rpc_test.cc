// The wrapper, the server and the client together, over a real connection.
#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/client_unary_call.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <stdexcept>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "common/base/clock.h"
#include "common/logger/logger.h"
#include "common/rpc/client.h"
#include "common/rpc/serve.h"
#include "common/rpc/server.h"
#include "porchlight/v1/evidence.grpc.pb.h"
#include "porchlight/v1/intake.grpc.pb.h"

namespace porchlight::rpc_test {
namespace {

using grpc::StatusCode;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr absl::Duration kPatience = absl::Seconds(30);

using Handler = std::function<absl::Status(rpc::Call&)>;

// Answers as the test says.
class Intake final : public v1::Intake::Service {
 public:
  explicit Intake(rpc::Gate& gate) : gate_(gate) {}
  grpc::Status ReportMissing(grpc::ServerContext* context, const v1::ReportMissingRequest* request,
                             v1::ReportMissingReply* reply) override {
    return rpc::Serve(*context, "Intake.ReportMissing", gate_, [&](rpc::Call& call) {
      reply->set_request_id(request->request_id());
      return handler(call);
    });
  }
  Handler handler = [](rpc::Call&) { return absl::OkStatus(); };

 private:
  rpc::Gate& gate_;
};

// Streams until the caller goes away, unless told how often.
class Evidence final : public v1::Evidence::Service {
 public:
  explicit Evidence(rpc::Gate& gate) : gate_(gate) {}
  grpc::Status Export(grpc::ServerContext* context, const v1::ExportEvidenceRequest*,
                      grpc::ServerWriter<v1::ExportEvidencePart>* writer) override {
    return rpc::Serve(*context, "Evidence.Export", gate_, [&](rpc::Call& call) {
      for (int i = 0; i < parts && !call.cancelled(); ++i) {
        v1::ExportEvidencePart part;
        part.set_content(absl::StrCat("part ", i));
        if (!writer->Write(part)) return absl::CancelledError("the caller went away");
      }
      return result;
    });
  }
  int parts = 3;
  absl::Status result;

 private:
  rpc::Gate& gate_;
};

class RpcTest : public ::testing::Test {
 protected:
  explicit RpcTest(int calls_max = kCallsInFlightMax)
      : gate_(clock_, calls_max), intake_(gate_), evidence_(gate_) {
    auto started = rpc::Server::Start("127.0.0.1:0", {&intake_, &evidence_});
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel_ = rpc::NewChannel(server_->address());
    stub_ = v1::Intake::NewStub(channel_);
  }

  grpc::Status Report(const v1::ReportMissingRequest& request = {},
                      absl::Duration limit = kPatience) {
    grpc::ClientContext context;
    rpc::PrepareCall(context, limit, "correlation-1");
    v1::ReportMissingReply reply;
    return stub_->ReportMissing(&context, request, &reply);
  }

  // Of services whose messages aren't ours: bytes there and back.
  std::string RawCall(const char* path, const std::string& request) {
    const grpc::internal::RpcMethod method(path, grpc::internal::RpcMethod::NORMAL_RPC, channel_);
    grpc::ClientContext context;
    rpc::PrepareCall(context, kPatience);
    const grpc::Slice sent(request);
    grpc::ByteBuffer reply;
    const grpc::Status status =
        grpc::internal::BlockingUnaryCallImpl<grpc::ByteBuffer, grpc::ByteBuffer>(
            channel_.get(), method, &context, grpc::ByteBuffer(&sent, 1), &reply)
            .status();
    EXPECT_TRUE(status.ok()) << status.error_message();
    grpc::Slice got;
    EXPECT_TRUE(reply.DumpToSingleSlice(&got).ok());
    return std::string(got.begin(), got.end());
  }

  SystemClock clock_;
  rpc::Gate gate_;
  Intake intake_;
  Evidence evidence_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Intake::Stub> stub_;
};

TEST_F(RpcTest, AnswersAndLogsOneLineWithoutTheRequest) {
  LogCapture capture;
  rpc::Call seen;
  intake_.handler = [&](rpc::Call& call) {
    seen = call;
    return absl::OkStatus();
  };
  v1::ReportMissingRequest request;
  request.set_placement("Planted House");
  const absl::Time before = clock_.Now();
  EXPECT_TRUE(Report(request).ok());
  EXPECT_GE(seen.received_at, before);
  EXPECT_EQ(seen.correlation_id, "correlation-1");
  EXPECT_GT(seen.deadline, before);
  EXPECT_LE(seen.deadline, clock_.Now() + kPatience);
  // Written before the answer is sent, so it is there now.
  const std::string lines = capture.Lines();
  EXPECT_THAT(lines, HasSubstr(R"("text":"call","method":"Intake.ReportMissing","code":"OK")"));
  EXPECT_THAT(lines, HasSubstr(R"("correlation_id":"correlation-1")"));
  EXPECT_THAT(lines, Not(HasSubstr("Planted")));
}

TEST_F(RpcTest, EveryCodeAndTextReachesTheCaller) {
  for (int code = 1; code <= 16; ++code) {
    intake_.handler = [code](rpc::Call&) {
      return absl::Status(static_cast<absl::StatusCode>(code), absl::StrCat("reason ", code));
    };
    const grpc::Status status = Report();
    EXPECT_EQ(status.error_code(), code);
    EXPECT_EQ(status.error_message(), absl::StrCat("reason ", code));
    EXPECT_EQ(rpc::ToAbsl(status).code(), static_cast<absl::StatusCode>(code));
  }
}

TEST_F(RpcTest, ALongErrorTextIsCutRatherThanLost) {
  intake_.handler = [](rpc::Call&) { return absl::NotFoundError(std::string(100'000, '\n')); };
  const grpc::Status status = Report();
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_GT(status.error_message().size(), 1000u);
}

TEST_F(RpcTest, AnExceptionIsHiddenAndSurvived) {
  LogCapture capture;
  intake_.handler = [](rpc::Call&) -> absl::Status { throw std::runtime_error("Planted"); };
  const grpc::Status status = Report();
  EXPECT_EQ(status.error_code(), StatusCode::INTERNAL);
  EXPECT_THAT(status.error_message(), HasSubstr("calling again with the same request id is safe"));
  EXPECT_THAT(status.error_message(), Not(HasSubstr("Planted")));
  intake_.handler = [](rpc::Call&) -> absl::Status { throw 7; };
  EXPECT_EQ(Report().error_code(), StatusCode::INTERNAL);
  EXPECT_THAT(capture.Lines(), HasSubstr("a method threw an exception"));
  EXPECT_THAT(capture.Lines(), Not(HasSubstr("Planted")));
  intake_.handler = [](rpc::Call&) { return absl::OkStatus(); };
  EXPECT_TRUE(Report().ok());
}

TEST_F(RpcTest, ACorrelationIdThatIsNoIdIsIgnored) {
  std::string seen = "not called";
  intake_.handler = [&](rpc::Call& call) {
    seen = call.correlation_id;
    return absl::OkStatus();
  };
  grpc::ClientContext context;
  rpc::PrepareCall(context, kPatience, "Planted name, with spaces");
  v1::ReportMissingReply reply;
  EXPECT_TRUE(stub_->ReportMissing(&context, {}, &reply).ok());
  EXPECT_EQ(seen, "");
}

TEST_F(RpcTest, WithoutADeadlineThereIsOne) {
  rpc::Call seen;
  intake_.handler = [&](rpc::Call& call) {
    seen = call;
    return absl::OkStatus();
  };
  grpc::ClientContext context;
  v1::ReportMissingReply reply;
  EXPECT_TRUE(stub_->ReportMissing(&context, {}, &reply).ok());
  EXPECT_EQ(seen.deadline, seen.received_at + absl::Seconds(10));
}

TEST_F(RpcTest, ACallEndsAtItsDeadlineAndTheMethodIsTold) {
  absl::Notification told;
  intake_.handler = [&](rpc::Call& call) {
    while (!call.cancelled() && clock_.Now() < call.received_at + kPatience) {
      std::this_thread::yield();
    }
    if (call.cancelled()) told.Notify();
    return absl::OkStatus();
  };
  EXPECT_EQ(Report({}, absl::Milliseconds(300)).error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_TRUE(told.WaitForNotificationWithTimeout(kPatience));
}

TEST_F(RpcTest, StreamsThroughTheSameWrapper) {
  const auto evidence = v1::Evidence::NewStub(channel_);
  evidence_.result = absl::NotFoundError("after three parts");
  LogCapture capture;
  grpc::ClientContext context;
  rpc::PrepareCall(context, kPatience);
  const auto reader = evidence->Export(&context, {});
  v1::ExportEvidencePart part;
  int parts = 0;
  while (reader->Read(&part)) EXPECT_EQ(part.content(), absl::StrCat("part ", parts++));
  EXPECT_EQ(parts, 3);
  const grpc::Status status = reader->Finish();
  EXPECT_EQ(status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_EQ(status.error_message(), "after three parts");
  EXPECT_THAT(capture.Lines(), HasSubstr(R"("method":"Evidence.Export","code":"NOT_FOUND")"));
}

TEST_F(RpcTest, AStreamEndsWhenItsCallerGoesAway) {
  evidence_.parts = std::numeric_limits<int>::max();
  const auto evidence = v1::Evidence::NewStub(channel_);
  grpc::ClientContext context;
  rpc::PrepareCall(context, kPatience);
  const auto reader = evidence->Export(&context, {});
  v1::ExportEvidencePart part;
  ASSERT_TRUE(reader->Read(&part));
  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), StatusCode::CANCELLED);
  server_->Stop(kPatience);  // returns only when the method has
}

TEST_F(RpcTest, ATooLargeRequestIsRefusedWithBothSizes) {
  v1::ReportMissingRequest request;
  request.set_circumstances(std::string(kRequestBytesMax, 'x'));
  const grpc::Status status = Report(request);
  EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_message(), HasSubstr(absl::StrCat(kRequestBytesMax)));
  request.set_circumstances(std::string(kRequestBytesMax - 100, 'x'));
  EXPECT_TRUE(Report(request).ok());
}

TEST_F(RpcTest, TextThatIsNotUtf8IsRefusedWithAClearError) {
  bool called = false;
  intake_.handler = [&](rpc::Call&) {
    called = true;
    return absl::OkStatus();
  };
  v1::ReportMissingRequest request;
  request.set_placement("Planted \xff");
  const grpc::Status status = Report(request);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("UTF-8"));
  EXPECT_THAT(status.error_message(), HasSubstr("nothing was kept"));
  EXPECT_FALSE(called);
}

TEST_F(RpcTest, HealthFollowsWhatItIsTold) {
  const std::string serving = "\x08\x01";
  EXPECT_EQ(RawCall("/grpc.health.v1.Health/Check", ""), serving);
  server_->SetServing(false);
  EXPECT_NE(RawCall("/grpc.health.v1.Health/Check", ""), serving);
  server_->SetServing(true);
  EXPECT_EQ(RawCall("/grpc.health.v1.Health/Check", ""), serving);
}

TEST_F(RpcTest, ReflectionListsTheServices) {
  const std::string list_services("\x3a\0", 2);
  const std::string reply =
      RawCall("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", list_services);
  EXPECT_THAT(reply, HasSubstr("porchlight.v1.Intake"));
  EXPECT_THAT(reply, HasSubstr("porchlight.v1.Evidence"));
}

TEST_F(RpcTest, StopLetsCallsInProgressEnd) {
  absl::Notification entered;
  absl::Notification leave;
  intake_.handler = [&](rpc::Call&) {
    if (!entered.HasBeenNotified()) entered.Notify();
    leave.WaitForNotificationWithTimeout(kPatience);
    return absl::OkStatus();
  };
  grpc::Status status(StatusCode::UNKNOWN, "not answered");
  std::jthread caller([&] { status = Report(); });
  ASSERT_TRUE(entered.WaitForNotificationWithTimeout(kPatience));
  std::jthread stopper([&] { server_->Stop(kPatience); });
  // The listener is closed early in Stop: then a new connection is refused.
  const absl::Time give_up = clock_.Now() + kPatience;
  while (clock_.Now() < give_up) {
    const auto stub = v1::Intake::NewStub(rpc::NewChannel(server_->address()));
    grpc::ClientContext context;
    rpc::PrepareCall(context, absl::Milliseconds(200));
    v1::ReportMissingReply reply;
    if (stub->ReportMissing(&context, {}, &reply).error_code() == StatusCode::UNAVAILABLE) break;
  }
  leave.Notify();
  caller.join();
  stopper.join();
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(Report().error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(RpcTest, StopCancelsWhatIsStillInProgressAfterTheGrace) {
  absl::Notification entered;
  intake_.handler = [&](rpc::Call& call) {
    entered.Notify();
    while (!call.cancelled() && clock_.Now() < call.deadline) std::this_thread::yield();
    return absl::OkStatus();
  };
  grpc::Status status;
  std::jthread caller([&] { status = Report(); });
  ASSERT_TRUE(entered.WaitForNotificationWithTimeout(kPatience));
  server_->Stop(absl::Milliseconds(50));
  caller.join();
  EXPECT_EQ(status.error_code(), StatusCode::UNAVAILABLE);
}

TEST_F(RpcTest, ATakenPortIsSaidSo) {
  const auto second = rpc::Server::Start(server_->address(), {&intake_});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server_->address()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("ss -ltnp"));
  EXPECT_FALSE(rpc::Server::Start("nonsense", {&intake_}).ok());
  EXPECT_TRUE(Report().ok());
}

TEST_F(RpcTest, TheClientFindsTheServerAgain) {
  EXPECT_TRUE(Report().ok());
  const std::string address = server_->address();
  server_->Stop(kPatience);
  server_ = nullptr;
  EXPECT_EQ(Report().error_code(), StatusCode::UNAVAILABLE);
  auto again = rpc::Server::Start(address, {&intake_});
  ASSERT_TRUE(again.ok()) << again.status();
  server_ = *std::move(again);
  const absl::Time give_up = clock_.Now() + kPatience;
  bool found = false;
  while (!found && clock_.Now() < give_up) found = Report().ok();
  EXPECT_TRUE(found);
}

class OneCallAtATime : public RpcTest {
 protected:
  OneCallAtATime() : RpcTest(1) {}
};

TEST_F(OneCallAtATime, MoreAreRefusedAtOnce) {
  absl::Notification entered;
  absl::Notification leave;
  intake_.handler = [&](rpc::Call&) {
    entered.Notify();
    leave.WaitForNotificationWithTimeout(kPatience);
    return absl::OkStatus();
  };
  grpc::Status first(StatusCode::UNKNOWN, "not answered");
  std::jthread caller([&] { first = Report(); });
  ASSERT_TRUE(entered.WaitForNotificationWithTimeout(kPatience));
  for (int i = 0; i < 3; ++i) {
    const grpc::Status status = Report();
    EXPECT_EQ(status.error_code(), StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_THAT(status.error_message(),
                HasSubstr("nothing was kept; call again with the same request id"));
  }
  leave.Notify();
  caller.join();
  EXPECT_TRUE(first.ok());
  intake_.handler = [](rpc::Call&) { return absl::OkStatus(); };
  EXPECT_TRUE(Report().ok());
}

// By a clock that is an hour ahead, every deadline has passed when the call comes.
TEST(RpcDeadline, ACallThatCantBeAnsweredInTimeIsNotBegun) {
  ManualClock clock(SystemClock().Now() + absl::Hours(1));
  rpc::Gate gate(clock);
  Intake intake(gate);
  bool called = false;
  intake.handler = [&](rpc::Call&) {
    called = true;
    return absl::OkStatus();
  };
  auto server = rpc::Server::Start("127.0.0.1:0", {&intake});
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = v1::Intake::NewStub(rpc::NewChannel((*server)->address()));
  grpc::ClientContext context;
  rpc::PrepareCall(context, kPatience);
  v1::ReportMissingReply reply;
  const grpc::Status status = stub->ReportMissing(&context, {}, &reply);
  EXPECT_EQ(status.error_code(), StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(), HasSubstr("nothing was kept"));
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace porchlight::rpc_test
