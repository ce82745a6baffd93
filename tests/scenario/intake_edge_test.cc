// The whole of intake behind its own gRPC edge, on a folder of its own: what a caller sends, and
// what they are told.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "absl/strings/str_cat.h"
#include "common/base/time.h"
#include "common/embedded/embedded.h"
#include "common/photo/jpeg.h"
#include "common/photo/raster.h"
#include "common/rpc/client.h"
#include "porchlight/v1/agency.grpc.pb.h"
#include "porchlight/v1/intake.grpc.pb.h"
#include "services/intake/service.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::intake_edge_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kLongest = absl::Seconds(60);

class IntakeEdge : public ::testing::Test {
 protected:
  IntakeEdge() {
    auto server = Embedded::Start(
        {.data = folder_.path() + "/data", .listen = "127.0.0.1:0", .config = DefaultConfig()},
        {IntakeModule()});
    EXPECT_TRUE(server.ok()) << server.status();
    if (!server.ok()) return;
    server_ = *std::move(server);
    channel_ = rpc::NewChannel(server_->address());
    stub_ = v1::Intake::NewStub(channel_);
  }

  template <typename Request, typename Reply>
  absl::StatusOr<Reply> Call(grpc::Status (v1::Intake::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Reply*),
                             const Request& request) {
    grpc::ClientContext context;
    rpc::PrepareCall(context, kLongest);
    Reply reply;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
    if (!status.ok()) return rpc::ToAbsl(status);
    return reply;
  }

  absl::StatusOr<v1::ReportMissingReply> Report(const std::string& youth_id,
                                                const std::string& first_name,
                                                const std::string& request_id = "") {
    v1::ReportMissingRequest request;
    request.set_request_id(request_id);
    request.set_youth_id(youth_id);
    request.mutable_youth()->set_first_name(first_name);
    return Call(&v1::Intake::Stub::ReportMissing, request);
  }
  absl::StatusOr<v1::RecordReturnReply> Return(const std::string& episode_id) {
    v1::RecordReturnRequest request;
    request.set_episode_id(episode_id);
    return Call(&v1::Intake::Stub::RecordReturn, request);
  }
  absl::StatusOr<v1::JoinYouthReply> Join(const std::string& reported, const std::string& youth_id,
                                          const std::string& request_id = "") {
    v1::JoinYouthRequest request;
    request.set_request_id(request_id);
    request.set_reported_youth_id(reported);
    request.set_youth_id(youth_id);
    return Call(&v1::Intake::Stub::JoinYouth, request);
  }
  v1::Episode Episode(const std::string& episode_id) {
    v1::GetEpisodeRequest request;
    request.set_episode_id(episode_id);
    const auto reply = Call(&v1::Intake::Stub::GetEpisode, request);
    EXPECT_TRUE(reply.ok()) << reply.status();
    return reply.ok() ? reply->episode() : v1::Episode();
  }
  // The ids of those that are missing now.
  std::vector<std::string> Open() {
    const auto reply = Call(&v1::Intake::Stub::ListEpisodes, v1::ListEpisodesRequest());
    std::vector<std::string> ids;
    for (const v1::Episode& episode : reply->episodes()) ids.push_back(episode.episode_id());
    return ids;
  }
  v1::Youth RosterYouth(const std::string& youth_id, const std::string& first_name) {
    v1::Youth youth;
    youth.set_youth_id(youth_id);
    youth.mutable_facts()->set_first_name(first_name);
    youth.mutable_facts()->set_date_of_birth("2010-05-13");
    youth.set_jurisdiction("us-tx");
    return youth;
  }
  absl::StatusOr<v1::SetYouthsReply> Set(const std::vector<v1::Youth>& youths) {
    v1::SetYouthsRequest request;
    for (const v1::Youth& youth : youths) *request.add_youths() = youth;
    return Call(&v1::Intake::Stub::SetYouths, request);
  }

  DataFolder folder_;
  std::unique_ptr<Embedded> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Intake::Stub> stub_;
};

TEST_F(IntakeEdge, AYouthReportedByNameIsJoinedToTheRosterAndNothingIsDoubled) {
  ASSERT_TRUE(Set({RosterYouth("y-100", "Robin")}).ok());
  const auto reported = Report("", "Rob");
  ASSERT_TRUE(reported.ok()) << reported.status();
  const auto joined = Join(reported->youth_id(), "y-100", "join-request-1");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->episode_id(), reported->episode_id());
  EXPECT_EQ(joined->doubled_episode_id(), "");
  EXPECT_EQ(Join(reported->youth_id(), "y-100", "join-request-1")->SerializeAsString(),
            joined->SerializeAsString());

  const v1::Episode episode = Episode(reported->episode_id());
  EXPECT_EQ(episode.youth().first_name(), "Rob") << "what was told of the episode stays";
  EXPECT_EQ(episode.youth().date_of_birth(), "2010-05-13");
  EXPECT_EQ(episode.jurisdiction(), "us-tx");
  EXPECT_THAT(episode.joined_youth_ids(), ElementsAre("y-100"));

  const auto second = Report("y-100", "Robin", "report-request-2");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->episode_id(), reported->episode_id());
  EXPECT_EQ(second->result(), v1::REPORT_RESULT_LINKED_TO_OPEN_EPISODE);
  EXPECT_THAT(Open(), ElementsAre(reported->episode_id()));

  ASSERT_TRUE(Return(reported->episode_id()).ok());
  EXPECT_EQ(Report("y-100", "Robin", "report-request-2")->SerializeAsString(),
            second->SerializeAsString())
      << "a repetition opens nothing";
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_EQ(Report(reported->youth_id(), "Robin")->episode_id(), "y-100_e1")
      << "the next time, the roster's id is used";
}

TEST_F(IntakeEdge, AYouthJoinedWhileBothHaveOpenEpisodesKeepsBothAndTheLaterIsMarked) {
  ASSERT_TRUE(Set({RosterYouth("y-100", "Robin")}).ok());
  const auto first = Report("", "Rob");
  const auto second = Report("y-100", "Robin");
  const auto joined = Join(first->youth_id(), "y-100");
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->episode_id(), first->episode_id());
  EXPECT_EQ(joined->doubled_episode_id(), second->episode_id());
  EXPECT_EQ(Episode(second->episode_id()).same_as_episode_id(), first->episode_id());
  EXPECT_EQ(Episode(first->episode_id()).same_as_episode_id(), "");
  EXPECT_EQ(Open().size(), 2u);
  EXPECT_EQ(Report("y-100", "Robin")->episode_id(), first->episode_id());

  const auto returned = Return(second->episode_id());
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_THAT(returned->warnings(), ElementsAre(HasSubstr("was ended with this one")));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(IntakeEdge, JoiningIdsOfWhichNothingIsKnownSaysWhereToLook) {
  const auto unknown = Join("y-1", "y-2");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr("`porchlight youths`"));
}

TEST_F(IntakeEdge, ARosterIsKeptButForTheRowsThatCannotBe) {
  v1::Youth broken = RosterYouth("y-2", "Alex");
  broken.mutable_facts()->set_date_of_birth("last spring");
  v1::Youth bell = RosterYouth("y-3", "ding\a");
  const auto reply = Set({RosterYouth("y-1", "Robin"), broken, bell, RosterYouth("y-1", "Again")});
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->added(), 1u);
  ASSERT_EQ(reply->refused_size(), 3);
  EXPECT_EQ(reply->refused(0).index(), 1u);
  EXPECT_THAT(reply->refused(0).error(), HasSubstr("date_of_birth"));
  EXPECT_THAT(reply->refused(1).error(), HasSubstr("first_name has control characters"));
  EXPECT_THAT(reply->refused(2).error(), HasSubstr("a second time"));
  EXPECT_EQ(Set({RosterYouth("y-1", "Robin")})->unchanged(), 1u);
  EXPECT_EQ(Set({RosterYouth("y-1", "Robyn")})->changed(), 1u);
  const auto youths = Call(&v1::Intake::Stub::ListYouths, v1::ListYouthsRequest());
  ASSERT_EQ(youths->youths_size(), 1);
  EXPECT_EQ(youths->youths(0).facts().first_name(), "Robyn");
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(IntakeEdge, AYouthNotInTheRosterIsReportedAllTheSame) {
  const auto reply = Report("y-never-imported", "Robin");
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->episode_id(), "y-never-imported_e1");
}

TEST_F(IntakeEdge, TheSameRequestIdWithOtherContentIsRefused) {
  ASSERT_TRUE(Report("y-1", "Robin", "request-1").ok());
  const auto other = Report("y-1", "Alex", "request-1");
  EXPECT_EQ(other.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(other.status().message()), HasSubstr("Use a new request id"));
}

TEST_F(IntakeEdge, AReportWithManyReasonsIsTheSameHoweverTheyAreHeld) {
  std::string first;
  for (int round = 0; round < 5; ++round) {
    v1::ReportMissingRequest request;
    request.set_request_id("request-1");
    request.set_placement("Maple House");
    // A map's order on the wire differs from one message to the next.
    for (int i = 0; i < 12; ++i) {
      const std::string name = absl::StrCat("field", (i * 5 + round) % 12);
      (*request.mutable_youth()->mutable_unavailable())[name] = "asked everybody";
    }
    const auto reply = Call(&v1::Intake::Stub::ReportMissing, request);
    ASSERT_TRUE(reply.ok()) << reply.status();
    if (round == 0) first = reply->SerializeAsString();
    EXPECT_EQ(reply->SerializeAsString(), first);
  }
}

TEST_F(IntakeEdge, APhotoIsKeptSealedAndOneThatIsNoneIsTold) {
  const auto reported = Report("y-1", "Robin");
  v1::AddToEpisodeRequest request;
  request.set_episode_id(reported->episode_id());
  request.set_kind(v1::FACT_KIND_PHOTO);
  request.set_photo("this is no photo");
  const auto refused = Call(&v1::Intake::Stub::AddToEpisode, request);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kInvalidArgument);
  Raster raster;
  raster.Resize(64, 48);
  request.set_photo(*EncodeJpeg(raster, 90));
  const auto added = Call(&v1::Intake::Stub::AddToEpisode, request);
  ASSERT_TRUE(added.ok()) << added.status();
  const v1::Episode episode = Episode(reported->episode_id());
  EXPECT_THAT(episode.youth().photo_id(), ::testing::StartsWith("y-1_p"));
  EXPECT_EQ(episode.facts(0).photo_id(), episode.youth().photo_id());
  EXPECT_THAT(episode.still_unknown(), ::testing::Not(::testing::Contains("photo")));
  EXPECT_TRUE(std::filesystem::exists(
      absl::StrCat(folder_.path(), "/data/blobs/", episode.youth().photo_id())));
}

TEST_F(IntakeEdge, AnAdditionAndTheEndAreSeenInTheEpisode) {
  const auto reported = Report("y-1", "Robin");
  v1::AddToEpisodeRequest sighting;
  sighting.set_episode_id(reported->episode_id());
  sighting.set_kind(v1::FACT_KIND_SIGHTING);
  sighting.set_place("the mall");
  ASSERT_TRUE(Call(&v1::Intake::Stub::AddToEpisode, sighting).ok());
  v1::CloseEpisodeRequest close;
  close.set_episode_id(reported->episode_id());
  close.set_reason(v1::CLOSE_REASON_RETURNED);
  EXPECT_THAT(std::string(Call(&v1::Intake::Stub::CloseEpisode, close).status().message()),
              HasSubstr("Record the return first"));
  ASSERT_TRUE(Return(reported->episode_id()).ok());
  ASSERT_TRUE(Call(&v1::Intake::Stub::CloseEpisode, close).ok());
  const v1::Episode episode = Episode(reported->episode_id());
  EXPECT_EQ(episode.state(), v1::EPISODE_STATE_CLOSED);
  EXPECT_EQ(episode.facts(0).place(), "the mall");
  EXPECT_TRUE(episode.has_return_received_at());
  EXPECT_EQ(Call(&v1::Intake::Stub::AddToEpisode, sighting).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST_F(IntakeEdge, AnEpisodeThatThereIsntIsToldWithWhereToLook) {
  v1::GetEpisodeRequest request;
  request.set_episode_id("y-1_e1");
  const auto unknown = Call(&v1::Intake::Stub::GetEpisode, request);
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(unknown.status().message()), HasSubstr("`porchlight episodes --all`"));
  EXPECT_THAT(std::string(Return("y-1_e1").status().message()),
              HasSubstr("report that first, then the return"));
}

TEST_F(IntakeEdge, AThousandReportsAtOnceForOneYouthAreOneEpisode) {
  constexpr int kCallers = 16;
  constexpr int kReports = 1000;
  std::vector<std::thread> callers;
  std::atomic<int> next{0};
  std::atomic<int> accepted{0};
  for (int caller = 0; caller < kCallers; ++caller) {
    callers.emplace_back([&] {
      for (int i = next++; i < kReports; i = next++) {
        if (Report("y-1", "Robin", absl::StrCat("request-", i)).ok()) ++accepted;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(accepted, kReports);
  EXPECT_THAT(Open(), ElementsAre("y-1_e1"));
  EXPECT_EQ(Episode("y-1_e1").report_ids_size(), kReports);
}

TEST_F(IntakeEdge, TheAgencySaysWhatTimeItIsThere) {
  grpc::ClientContext context;
  rpc::PrepareCall(context, kLongest);
  v1::GetAgencyReply agency;
  ASSERT_TRUE(v1::Agency::NewStub(channel_)->GetAgency(&context, {}, &agency).ok());
  absl::TimeZone zone;
  EXPECT_TRUE(absl::LoadTimeZone(agency.time_zone(), &zone)) << agency.time_zone();
}

}  // namespace
}  // namespace porchlight::testing::intake_edge_test
