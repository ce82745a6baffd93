// The real server with all its services is killed again and again while cases are played: reports,
// answers to alerts, typed-in proofs, returns, screenings, identifications. Duties of a test's pack
// come due while it is down: somebody is paged for each afterwards, and nobody twice. Time is
// the real one, so nothing is asserted of how long anything takes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <iostream>
#include <map>
#include <random>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "common/base/time.h"
#include "common/rpc/client.h"
#include "tests/support/cases.h"
#include "tests/support/far_ends.h"
#include "tests/support/server_process.h"

namespace porchlight::testing::all_services_kill_test {
namespace {

constexpr char kProgram[] = BINARY_DIR "/porchlight";
constexpr int kRounds = 8;
constexpr int kCasesPerRound = 24;
constexpr uint32_t kSeed = 20261122;
constexpr absl::Duration kCallLimit = absl::Seconds(20);
constexpr absl::Duration kLongest = absl::Minutes(1);
// How long after the youth left the duty of the pack is due, and how much of that is over when the
// report comes.
constexpr absl::Duration kWindow = absl::Minutes(1);
constexpr absl::Duration kLeftBefore = absl::Seconds(57);
constexpr char kDutyKey[] = "checked-soon.1.1";

constexpr char kPack[] = R"(pack: us-zz
extends: us
name: Nowhere
time_zone: America/Chicago
rules:
  - id: checked-soon
    title: Look into the case
    citation: Example Code 1
    on: missing
    action: review
    by: supervisor
    due: 1 minute from departure
    proved_by: review_record
)";

constexpr char kDirectory[] = R"(recipients:
  - {id: ncmec, kind: ncmec, channel: folder, address: ncmec, name: Example NCMEC}
  - {id: advocate, kind: team_member, channel: folder, address: advocate, name: Example Advocate}
  - {id: way-of-first, kind: supervisor, channel: folder, address: first, name: Example First,
     person: worker-1}
  - {id: way-of-second, kind: supervisor, channel: folder, address: second, name: Example Second,
     person: worker-2}
rotas:
  - role: supervisor
    time_zone: America/Chicago
    levels:
      - escalate_after_seconds: 10
        shifts: [{people: worker-1, starts_on: 2026-01-05, turn_days: 7}]
      - escalate_after_seconds: 86400
        shifts: [{people: worker-2, starts_on: 2026-01-05, turn_days: 7}]
rosters:
  - id: team
    answers_needed: 1
    chase_after_minutes: 60
    seats:
      - {role: advocate, kind: survivor_advocate, recipients: advocate, required: true}
)";

constexpr char kConfig[] = R"(agency: {id: example-county, name: Example County, time_zone: UTC}
recipients:
  - {id: police, kind: law_enforcement, channel: folder, address: police, name: Example Police}
directory_file: directory.yaml
policy_packs: pack.yaml
folder:
  directory: )";

// What becomes of a case. Those of the first two are never reviewed in time.
const std::vector<std::vector<Step>> kKinds = {
    {Step::kReport},
    {Step::kReport, Step::kAcknowledge},
    {Step::kReport, Step::kReview, Step::kFile},
    {Step::kReport, Step::kReturn, Step::kScreen},
    {Step::kReport, Step::kAcknowledge, Step::kIdentify, Step::kAnswer},
    {Step::kReport, Step::kFile, Step::kAcknowledge, Step::kReturn}};

struct Counts {
  int kills = 0;
  int stores_deleted = 0;
  int unknown = 0;
  size_t accepted = 0;
  size_t due_while_down = 0;
  size_t pages = 0;
  size_t notices = 0;
  absl::Duration longest_late;
};

class AllServicesKilled : public ::testing::Test {
 protected:
  AllServicesKilled() {
    WriteTextFile(folder_.path() + "/pack.yaml", kPack);
    WriteTextFile(folder_.path() + "/directory.yaml", kDirectory);
    WriteTextFile(folder_.path() + "/porchlight.yaml", absl::StrCat(kConfig, Outbox(), "\n"));
  }

  std::string Outbox() const { return outbox_.path() + "/outbox"; }
  ServerOptions Options() const {
    return {.program = kProgram,
            .data = data_.path() + "/data",
            .config_file = folder_.path() + "/porchlight.yaml",
            .error_file = folder_.path() + "/errors"};
  }

  void AddCases(int round) {
    for (int i = 0; i < kCasesPerRound; ++i) {
      Case one;
      one.youth_id = absl::StrCat("youth-", round, "-", i);
      one.episode_id = one.youth_id + "_e1";
      one.departed_at = clock_.Now() - kLeftBefore;
      one.steps = kKinds[static_cast<size_t>(i) % kKinds.size()];
      open_.push_back(std::move(one));
    }
  }

  // Those that are done are kept apart from those to go on with.
  void Take(CaseLoad& load) {
    for (Case& one : load.Finish()) (one.done() ? done_ : open_).push_back(std::move(one));
    counts_.unknown += load.unknown();
  }

  // Until all that was reported is due, so that it comes due with nobody there.
  void StayDown(absl::Time killed_at) {
    absl::Time last = killed_at;
    for (const std::vector<Case>* cases : {&open_, &done_}) {
      for (const Case& one : *cases) {
        if (one.accepted.empty() || one.departed_at + kWindow <= killed_at) continue;
        ++counts_.due_while_down;
        last = std::max(last, one.departed_at + kWindow);
      }
    }
    EXPECT_TRUE(WaitUntil([&] { return clock_.Now() > last; }, kLongest));
  }

  // Of one person: what arrived so far.
  size_t PagesOf(const std::string& folder) const {
    const std::string path = absl::StrCat(Outbox(), "/", folder);
    size_t pages = 0;
    if (!std::filesystem::exists(path)) return 0;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      pages += entry.path().extension() == ".txt";
    return pages;
  }

  // So that it dies while people are being paged for what came due, or while alerts climb.
  void StayUp(int round) {
    const std::string folder = round % 4 == 1 ? "first" : "second";
    const size_t wanted = PagesOf(folder) + 1 + random_() % 10;
    EXPECT_TRUE(WaitUntil([&] { return PagesOf(folder) >= wanted; }, kLongest));
  }

  void DeleteStores() {
    ++counts_.stores_deleted;
    for (const char* service :
         {"intake", "notification", "screening", "mdt", "directory", "oncall"}) {
      for (const char* part : {"", "-wal", "-shm"})
        std::filesystem::remove(absl::StrCat(Options().data, "/", service, ".store.db", part));
    }
  }

  void Round(int round);
  void FinishCases(ServerProcess& server);
  std::vector<v1::Alert> Alerts(const std::string& episode_id);
  bool HaveAllClimbed();
  void CheckAlerts(const Case& one);
  void CheckNotices(const Case& one);
  void CheckOutbox();
  void PrintCounts() const;

  const SystemClock clock_;
  std::mt19937 random_{kSeed};
  DataFolder data_;
  DataFolder outbox_;
  TemporaryFolder folder_;
  std::vector<Case> open_;
  std::vector<Case> done_;
  std::unique_ptr<Stubs> stubs_;
  // Folder of the outbox -> what the server says that it delivered there, and may have.
  std::map<std::string, std::set<std::string>> delivered_;
  std::map<std::string, std::set<std::string>> known_;
  Counts counts_;
};

void AllServicesKilled::Round(int round) {
  {
    ServerProcess server(Options());
    ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
    AddCases(round);
    size_t left = 0;
    for (const Case& one : open_) left += one.steps.size() - one.next_step;
    CaseLoad load(server.address(), std::exchange(open_, {}));
    ASSERT_TRUE(load.WaitForAccepted(kCasesPerRound / 2 + random_() % (left / 2)));
    if (round % 2 == 1) StayUp(round);
    server.child().Kill();
    ++counts_.kills;
    const absl::Time killed_at = clock_.Now();
    Take(load);
    if (round % 2 == 0) StayDown(killed_at);
  }
  if (round % 3 == 1) DeleteStores();
  if (round % 3 == 2) {
    ServerProcess server(Options());
    EXPECT_EQ(server.child().WaitForExit(absl::Milliseconds(50 + random_() % 300)), std::nullopt);
    server.child().Kill();
    ++counts_.kills;
  }
}

// With a server that nobody kills.
void AllServicesKilled::FinishCases(ServerProcess& server) {
  CaseLoad load(server.address(), std::exchange(open_, {}));
  Take(load);
  ASSERT_TRUE(open_.empty()) << open_[0].youth_id << " stands at step " << open_[0].next_step;
  EXPECT_EQ(done_.size(), static_cast<size_t>(kRounds * kCasesPerRound));
  // What was accepted is known, with the same answer, down to when it was received.
  for (const Case& one : done_) {
    for (const AcceptedCall& call : one.accepted) {
      ++counts_.accepted;
      const absl::StatusOr<std::string> again = Repeat(*stubs_, one, call);
      ASSERT_TRUE(again.ok()) << call.request_id << ": " << again.status();
      EXPECT_EQ(*again, call.reply) << call.request_id;
    }
  }
}

std::vector<v1::Alert> AllServicesKilled::Alerts(const std::string& episode_id) {
  v1::ListAlertsRequest request;
  request.set_episode_id(episode_id);
  grpc::ClientContext context;
  rpc::PrepareCall(context, kCallLimit);
  v1::ListAlertsReply reply;
  const grpc::Status status = stubs_->oncall->ListAlerts(&context, request, &reply);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return {reply.alerts().begin(), reply.alerts().end()};
}

// Every alert that nobody answered has reached the second level, and every duty that nobody met
// has its alert.
bool AllServicesKilled::HaveAllClimbed() {
  for (const Case& one : done_) {
    bool missed = one.steps.size() > 1 && one.steps[1] == Step::kReview;
    for (const v1::Alert& alert : Alerts(one.episode_id)) {
      missed = missed || alert.kind() == v1::ALERT_KIND_MISSED;
      if (alert.state() != v1::ALERT_STATE_OPEN) continue;
      if (alert.pages_size() < 2) return false;
      for (const v1::AlertPage& page : alert.pages())
        if (page.state() == v1::DELIVERY_STATE_PENDING) return false;
    }
    if (!missed) return false;
  }
  return true;
}

void AllServicesKilled::CheckAlerts(const Case& one) {
  SCOPED_TRACE(one.youth_id);
  const absl::Time due = one.departed_at + kWindow;
  const bool reviewed = one.steps.size() > 1 && one.steps[1] == Step::kReview;
  int missed = 0;
  for (const v1::Alert& alert : Alerts(one.episode_id)) {
    SCOPED_TRACE(alert.DebugString());
    EXPECT_TRUE(alert.kind() == v1::ALERT_KIND_PAGE || alert.kind() == v1::ALERT_KIND_MISSED);
    if (alert.kind() == v1::ALERT_KIND_MISSED) {
      ++missed;
      EXPECT_EQ(alert.duty_key(), kDutyKey);
      EXPECT_GE(FromProto(alert.made_at()), due);
      counts_.longest_late = std::max(counts_.longest_late, FromProto(alert.made_at()) - due);
    }
    std::set<std::string> paged;
    for (const v1::AlertPage& page : alert.pages()) {
      ++counts_.pages;
      EXPECT_TRUE(paged.insert(page.recipient_id()).second) << "paged twice";
      const std::string folder = page.person_id() == "worker-1" ? "first" : "second";
      known_[folder].insert(page.delivery_id());
      if (page.state() == v1::DELIVERY_STATE_DELIVERED)
        delivered_[folder].insert(page.delivery_id());
      for (const v1::AlertAnswer& answer : alert.answers())
        EXPECT_LE(FromProto(page.made_at()), FromProto(answer.answered_at())) << "not silent";
    }
    if (!alert.answers().empty()) {
      EXPECT_NE(alert.state(), v1::ALERT_STATE_OPEN);
    }
  }
  EXPECT_LE(missed, 1);
  if (!reviewed) {
    EXPECT_EQ(missed, 1) << "of the duty that came due";
  }
}

// Whom policy wants told of what this case was, each once.
void AllServicesKilled::CheckNotices(const Case& one) {
  SCOPED_TRACE(one.youth_id);
  const auto has = [&](Step step) {
    return std::find(one.steps.begin(), one.steps.end(), step) != one.steps.end();
  };
  std::set<std::string> wanted = {"police 1"};
  if (has(Step::kFile) || has(Step::kReturn)) wanted.insert({"ncmec 1", "ncmec 3"});
  if (!has(Step::kFile)) wanted.erase("ncmec 1");
  if (!has(Step::kReturn)) wanted.erase("ncmec 3");
  if (has(Step::kReturn)) wanted.insert("police 3");
  if (has(Step::kIdentify)) wanted.insert("police 4");
  v1::ListNoticesReply reply;
  const auto all_told = [&] {
    v1::ListNoticesRequest request;
    request.set_episode_id(one.episode_id);
    grpc::ClientContext context;
    rpc::PrepareCall(context, kCallLimit);
    reply.Clear();
    if (!stubs_->notification->ListNotices(&context, request, &reply).ok()) return false;
    return reply.notices_size() >= static_cast<int>(wanted.size()) &&
           std::all_of(reply.notices().begin(), reply.notices().end(), [](const auto& notice) {
             return notice.state() == v1::DELIVERY_STATE_DELIVERED;
           });
  };
  EXPECT_TRUE(WaitUntil(all_told, kLongest)) << reply.DebugString();
  std::set<std::string> told;
  for (const v1::Notice& notice : reply.notices()) {
    ++counts_.notices;
    EXPECT_TRUE(told.insert(absl::StrCat(notice.recipient_id(), " ", notice.kind())).second)
        << "told twice: " << notice.DebugString();
    known_[notice.recipient_id()].insert(notice.delivery_id());
    delivered_[notice.recipient_id()].insert(notice.delivery_id());
  }
  EXPECT_EQ(told, wanted);
}

// What is said to be delivered is there; and nothing is there that the server doesn't know.
void AllServicesKilled::CheckOutbox() {
  for (const char* folder : {"police", "ncmec", "first", "second"}) {
    SCOPED_TRACE(folder);
    std::set<std::string> there;
    for (const auto& [name, content] : AllFiles(absl::StrCat(Outbox(), "/", folder))) {
      if (absl::EndsWith(name, ".txt")) there.insert(std::string(absl::StripSuffix(name, ".txt")));
    }
    EXPECT_FALSE(there.empty());
    for (const std::string& delivery_id : delivered_[folder])
      EXPECT_TRUE(there.contains(delivery_id)) << delivery_id << " never arrived";
    for (const std::string& delivery_id : there)
      EXPECT_TRUE(known_[folder].contains(delivery_id)) << delivery_id << " isn't known";
  }
}

void AllServicesKilled::PrintCounts() const {
  const std::pair<const char*, size_t> rows[] = {
      {"rounds", kRounds},
      {"kill -9", static_cast<size_t>(counts_.kills)},
      {"stores deleted", static_cast<size_t>(counts_.stores_deleted)},
      {"cases", done_.size()},
      {"calls accepted", counts_.accepted},
      {"unknown, repeated", static_cast<size_t>(counts_.unknown)},
      {"due while down", counts_.due_while_down},
      {"pages", counts_.pages},
      {"notices", counts_.notices},
  };
  std::cout << absl::StreamFormat("seed %d\n", kSeed);
  for (const auto& [name, count] : rows)
    std::cout << absl::StreamFormat("%-24s %8d\n", name, count);
  std::cout << "latest page " << counts_.longest_late << " after it was due\n";
}

TEST_F(AllServicesKilled, NothingAcceptedIsLostAndWhatCameDueMeanwhileIsPagedOnce) {
  for (int round = 0; round < kRounds; ++round) {
    SCOPED_TRACE(absl::StrCat("round ", round));
    ASSERT_NO_FATAL_FAILURE(Round(round));
  }
  ServerProcess server(Options());
  ASSERT_TRUE(server.WaitUntilReady()) << server.errors();
  stubs_ = std::make_unique<Stubs>(server.address());
  ASSERT_NO_FATAL_FAILURE(FinishCases(server));
  EXPECT_GT(counts_.due_while_down, 0u);
  EXPECT_TRUE(WaitUntil([&] { return HaveAllClimbed(); }, kLongest));
  for (const Case& one : done_) {
    CheckAlerts(one);
    CheckNotices(one);
  }
  CheckOutbox();
  server.child().Send(SIGTERM);
  EXPECT_EQ(server.child().WaitForExit(absl::Seconds(20)), 0);
  const RunResult verified = RunProgram({kProgram, "evidence", "verify", "--data", Options().data});
  EXPECT_EQ(verified.exit_code, 0) << verified.errors;
  PrintCounts();
}

}  // namespace
}  // namespace porchlight::testing::all_services_kill_test
