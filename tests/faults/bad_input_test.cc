// What the real server does with input that nobody should send: it says what to do, keeps nothing
// of it, keeps all else, and goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/base/time.h"
#include "common/blob/folder_blob.h"
#include "common/directory/directory.h"
#include "common/keys/file_keys.h"
#include "common/keys/master_key.h"
#include "common/photo/jpeg.h"
#include "common/photo/kept_photo.h"
#include "common/photo/raster.h"
#include "common/rpc/client.h"
#include "google/protobuf/util/json_util.h"
#include "porchlight/v1/directory.pb.h"
#include "tests/support/cases.h"
#include "tests/support/far_ends.h"
#include "tests/support/report_load.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::bad_input_test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kProgram[] = BINARY_DIR "/porchlight";
constexpr absl::Duration kLongest = absl::Seconds(60);
constexpr char kPack[] = R"(pack: us-zz
extends: us
name: Nowhere
rules:
  - id: police
    citation: Example Code 1
    due: 12 hours from received
)";

class BadInput : public ::testing::Test {
 protected:
  BadInput() : server_(Options()) {
    EXPECT_TRUE(server_.WaitUntilReady()) << server_.errors();
    stubs_ = std::make_unique<Stubs>(server_.address());
  }

  ServerOptions Options() const {
    return {.program = kProgram,
            .data = data_.path() + "/data",
            .error_file = folder_.path() + "/errors"};
  }

  template <typename Stub, typename Request, typename Reply>
  absl::StatusOr<Reply> Call(const std::unique_ptr<Stub>& stub,
                             grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Reply*),
                             const Request& request) {
    grpc::ClientContext context;
    rpc::PrepareCall(context, kLongest);
    Reply reply;
    const grpc::Status status = (stub.get()->*method)(&context, request, &reply);
    if (!status.ok()) return rpc::ToAbsl(status);
    return reply;
  }
  absl::StatusOr<v1::ReportMissingReply> Report(const v1::ReportMissingRequest& request) {
    return Call(stubs_->intake, &v1::Intake::Stub::ReportMissing, request);
  }
  absl::StatusOr<v1::AddToEpisodeReply> Add(const v1::AddToEpisodeRequest& request) {
    return Call(stubs_->intake, &v1::Intake::Stub::AddToEpisode, request);
  }

  void ExpectRefused(const absl::Status& status, const char* said) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr(said));
    EXPECT_LT(status.message().size(), 1000u) << "it is for a person to read";
  }

  RunResult Run(std::vector<std::string> words) {
    words.insert(words.begin(), kProgram);
    words.insert(words.end(), {"--server", server_.address()});
    return RunProgram(words);
  }
  std::string File(const std::string& name, const std::string& text) {
    const std::string path = absl::StrCat(folder_.path(), "/", name);
    WriteTextFile(path, text);
    return path;
  }
  std::vector<std::string> EpisodeIds() {
    std::vector<std::string> ids;
    for (const v1::Episode& episode : ListAllEpisodes(server_.address()))
      ids.push_back(episode.episode_id());
    return ids;
  }
  // What is open of it, whoever would be woken.
  int OpenAlerts(const std::string& episode_id) {
    v1::ListAlertsRequest request;
    request.set_episode_id(episode_id);
    const auto reply = Call(stubs_->oncall, &v1::Oncall::Stub::ListAlerts, request);
    int open = 0;
    if (!reply.ok()) return -1;
    for (const v1::Alert& alert : reply->alerts()) open += alert.state() == v1::ALERT_STATE_OPEN;
    return open;
  }

  DataFolder data_;
  TemporaryFolder folder_;
  ServerProcess server_;
  std::unique_ptr<Stubs> stubs_;
};

TEST_F(BadInput, OfAReportIsRefusedWithWhatToDoAndTheRestIsKept) {
  v1::ReportMissingRequest good;
  good.set_youth_id("youth-1");
  good.set_circumstances("left after supper");
  ASSERT_TRUE(Report(good).ok());

  v1::ReportMissingRequest request = good;
  request.set_youth_id("youth-2");
  request.set_circumstances(std::string(10u << 20, 'x'));
  ExpectRefused(Report(request).status(), "Shorten it, or send the rest as a second report");
  request.set_circumstances(std::string(13u << 20, 'x'));
  EXPECT_EQ(Report(request).status().code(), absl::StatusCode::kResourceExhausted);
  request.set_circumstances("bell \a and escape \x1B[2J");
  ExpectRefused(Report(request).status(), "control characters");
  request.set_circumstances("text");
  request.mutable_last_seen_at()->set_seconds(INT64_MAX);
  ExpectRefused(Report(request).status(), "last_seen_at is not a time");
  request.clear_last_seen_at();
  request.set_request_id("short");
  ExpectRefused(Report(request).status(), "request_id");
  request.clear_request_id();
  request.set_youth_id("Robin Example");
  ExpectRefused(Report(request).status(), "youth_id");
  ExpectRefused(Report({}).status(), "give at least a name, a placement or a youth id");

  EXPECT_THAT(EpisodeIds(), ElementsAre("youth-1_e1"));
  EXPECT_EQ(ListAllEpisodes(server_.address())[0].circumstances(), "left after supper");
}

TEST_F(BadInput, TimesThatCannotBeAreKeptAsToldWithAWarningAndMoveNoDuty) {
  v1::ReportMissingRequest request;
  request.set_youth_id("youth-1");
  const absl::Time now = SystemClock().Now();
  *request.mutable_last_seen_at() = ToProto(now + absl::Hours(24 * 300));
  v1::AnchorTime& departure = *request.add_anchors();
  departure.set_anchor(v1::POLICY_ANCHOR_DEPARTURE);
  *departure.mutable_at() = ToProto(now + absl::Hours(24 * 300));
  const auto reported = Report(request);
  ASSERT_TRUE(reported.ok()) << reported.status();
  EXPECT_THAT(reported->warnings(), AllOf(Contains(HasSubstr("last_seen_at is in the future")),
                                          Contains(HasSubstr("departure is in the future"))));
  v1::ListDutiesRequest about;
  about.set_episode_id("youth-1_e1");
  const auto known = [&] {
    const auto duties = Call(stubs_->oncall, &v1::Oncall::Stub::ListDuties, about);
    return duties.ok() && !duties->duties().empty();
  };
  ASSERT_TRUE(WaitUntil(known, kLongest));
  const auto duties = Call(stubs_->oncall, &v1::Oncall::Stub::ListDuties, about);
  const absl::Time received = FromProto(reported->received_at());
  int reports = 0;
  for (const v1::DutyStatus& duty : duties->duties()) {
    if (duty.rule() != "police" && duty.rule() != "ncmec") continue;
    ++reports;
    EXPECT_LE(FromProto(duty.due_at()), received + absl::Hours(24)) << duty.DebugString();
  }
  EXPECT_EQ(reports, 2);

  v1::RecordReturnRequest back;
  back.set_episode_id("youth-1_e1");
  *back.mutable_returned_at() = ToProto(now - absl::Hours(24 * 300));
  const auto returned = Call(stubs_->intake, &v1::Intake::Stub::RecordReturn, back);
  ASSERT_TRUE(returned.ok()) << returned.status();
  EXPECT_FALSE(returned->warnings().empty());
  EXPECT_EQ(FromProto(ListAllEpisodes(server_.address())[0].returned_at()),
            FromProto(back.returned_at()));
}

// As a camera writes it, between the beginning of the picture and the rest.
std::string WithLocation(const std::string& jpeg) {
  const std::string exif =
      absl::StrCat(std::string("Exif\0\0MM\0\x2A\0\0\0\x08\0\0", 16), "planted-location");
  const std::string length = {'\0', static_cast<char>(exif.size() + 2)};
  return absl::StrCat(jpeg.substr(0, 2), "\xFF\xE1", length, exif, jpeg.substr(2));
}

TEST_F(BadInput, APhotoIsDecodedAndKeptWithoutItsLocation) {
  v1::ReportMissingRequest report;
  report.set_youth_id("youth-1");
  ASSERT_TRUE(Report(report).ok());
  Raster raster;
  raster.Resize(64, 48);
  const std::string photo = *EncodeJpeg(raster, 90);
  v1::AddToEpisodeRequest add;
  add.set_episode_id("youth-1_e1");
  add.set_kind(v1::FACT_KIND_PHOTO);
  for (const std::string& broken :
       {photo.substr(0, photo.size() / 2), std::string("GIF89a"), std::string(1000, '\xFF')}) {
    add.set_photo(broken);
    ExpectRefused(Add(add).status(), "photo");
  }
  add.set_photo(photo + std::string(11u << 20, 'x'));
  ExpectRefused(Add(add).status(), "bytes");
  add.set_photo(WithLocation(photo));
  ASSERT_THAT(add.photo(), HasSubstr("planted-location"));
  const auto added = Add(add);
  ASSERT_TRUE(added.ok()) << added.status();
  const v1::Episode episode = ListAllEpisodes(server_.address())[0];
  EXPECT_EQ(episode.facts_size(), 1) << "of five, one was kept";

  server_.child().Send(SIGTERM);
  ASSERT_EQ(server_.child().WaitForExit(kLongest), 0);
  const std::string data = Options().data;
  const auto master = ReadMasterKey(data + "/master.key");
  ASSERT_TRUE(master.ok()) << master.status();
  const auto keys = FileKeys::Open(data + "/keys.db", *master, data + "/master.key");
  const auto blobs = FolderBlob::Open(data + "/blobs");
  ASSERT_TRUE(keys.ok() && blobs.ok()) << keys.status() << blobs.status();
  const auto kept = ReadPhoto(episode.youth().photo_id(), **keys, **blobs);
  ASSERT_TRUE(kept.ok()) << kept.status();
  EXPECT_EQ(kept->substr(0, 2), "\xFF\xD8");
  EXPECT_EQ(kept->find("planted-location"), std::string::npos);
}

TEST_F(BadInput, AJoinWhileBothAreOpenKeepsBothAndOneReturnEndsBoth) {
  v1::ReportMissingRequest by_name;
  by_name.mutable_youth()->set_first_name("Rob");
  const auto first = Report(by_name);
  ASSERT_TRUE(first.ok()) << first.status();
  v1::ReportMissingRequest by_id;
  by_id.set_youth_id("youth-1");
  ASSERT_TRUE(Report(by_id).ok());
  const auto woken = [&](int open) {
    return [this, open, id = first->episode_id()] {
      return OpenAlerts(id) == open && OpenAlerts("youth-1_e1") == 0;
    };
  };
  ASSERT_TRUE(WaitUntil([&] { return OpenAlerts("youth-1_e1") == 1; }, kLongest));
  v1::JoinYouthRequest join;
  join.set_reported_youth_id(first->youth_id());
  join.set_youth_id("youth-1");
  const auto joined = Call(stubs_->intake, &v1::Intake::Stub::JoinYouth, join);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->doubled_episode_id(), "youth-1_e1");
  EXPECT_TRUE(WaitUntil(woken(1), kLongest)) << "the doubled episode wakes nobody any more";
  v1::RecordReturnRequest back;
  back.set_episode_id("youth-1_e1");
  ASSERT_TRUE(Call(stubs_->intake, &v1::Intake::Stub::RecordReturn, back).ok());
  EXPECT_TRUE(WaitUntil(woken(0), kLongest)) << "one return ends both";
  ASSERT_EQ(EpisodeIds().size(), 2u);
  for (const v1::Episode& episode : ListAllEpisodes(server_.address()))
    EXPECT_EQ(episode.state(), v1::EPISODE_STATE_RETURNED) << episode.episode_id();
}

TEST_F(BadInput, APackThatIsBrokenChangesNothing) {
  ASSERT_EQ(Run({"directory", "set-packs", File("zz.yaml", kPack)}).exit_code, 0);
  const auto in_force = [&] {
    v1::GetDirectoryReply reply;
    const RunResult shown = Run({"directory", "show", "--json"});
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(shown.output, &reply).ok());
    const v1::PolicyPack* pack = PackInForce(reply.directory(), "us-zz");
    return pack == nullptr ? "none" : pack->content_hash();
  };
  const std::string before = in_force();
  EXPECT_NE(before, "none");
  struct Mistake {
    std::string is;
    std::string becomes;
    const char* said;
  };
  for (const Mistake& mistake :
       {Mistake{"12 hours", "48 hours", "ceiling"}, Mistake{"12 hours", "12 moons", "zz.yaml:7"},
        Mistake{"rules:", "rules: [", "zz.yaml:"},
        Mistake{"extends: us", "extends: xx", "there is no pack of this id"}}) {
    const RunResult refused =
        Run({"directory", "set-packs",
             File("zz.yaml", absl::StrReplaceAll(kPack, {{mistake.is, mistake.becomes}}))});
    EXPECT_EQ(refused.exit_code, 2) << refused.errors;
    EXPECT_THAT(refused.errors, HasSubstr(mistake.said));
    EXPECT_EQ(in_force(), before);
  }
}

// A server that can't read its packs says so rather than watch by others.
TEST_F(BadInput, APackThatIsBrokenAtTheStartIsToldWithItsLine) {
  server_.child().Send(SIGTERM);
  ASSERT_EQ(server_.child().WaitForExit(kLongest), 0);
  ServerOptions options = Options();
  options.error_file = folder_.path() + "/errors-of-the-pack";
  options.config_file = File(
      "porchlight.yaml",
      "agency: {id: example-county, name: Example County, time_zone: UTC}\npolicy_packs: zz.yaml\n"
      "recipients:\n  - {id: police, kind: law_enforcement, channel: folder, address: police, "
      "name: Example}\n");
  File("zz.yaml", absl::StrReplaceAll(kPack, {{"12 hours", "48 hours"}}));
  ServerProcess broken(options);
  EXPECT_FALSE(broken.WaitUntilReady());
  EXPECT_THAT(broken.errors(), AllOf(HasSubstr("zz.yaml:7"), HasSubstr("ceiling")));
}

}  // namespace
}  // namespace porchlight::testing::bad_input_test
