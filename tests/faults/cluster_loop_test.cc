// All six services, three of them twice, on three brokers and a Redis, with reports coming in all
// the time: one part after the other dies, stands still, is cut off or comes back old. Nothing
// accepted may be lost, no effect doubled, every chain whole and every fold equal. It prints how
// long notices stopped for, and judges that not: time is the real one.
//
//   FAULT_ROUNDS=n   the whole list so many times over; without it a few faults once
//   FAULT_RATE=n     reports a second
//   FAULT_ONLY=text  only faults with this in their names
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/hash.h"
#include "common/base/time.h"
#include "tests/support/cluster_audit.h"
#include "tests/support/cluster_processes.h"
#include "tests/support/notice_book.h"
#include "tests/support/report_stream.h"

namespace porchlight::testing::cluster_loop_test {
namespace {

using Way = ClusterProcesses::Way;

constexpr absl::Duration kUntilTold = absl::Minutes(2);
// Somebody is missing for nearly as long as the pack's duty gives: it is due soon after.
constexpr absl::Duration kGoneFor = absl::Seconds(50);
constexpr size_t kDutyEvery = 10;
constexpr size_t kLoggedShown = 4000;
constexpr size_t kRebalancesInLoop = 20;
constexpr size_t kRebalancesOnce = 3;

constexpr char kLoopPack[] = R"(pack: us-zz
extends: us
name: Nowhere
time_zone: America/Chicago
rules:
  - id: page
    citation: Example Code 2
    due: 20 hours from received
  - id: checked-soon
    title: Look into the case
    citation: Example Code 1
    on: missing
    action: review
    by: supervisor
    due: 1 minute from departure
    if_any: [medical_need]
    proved_by: review_record
)";

constexpr char kLoopRota[] = R"(rotas:
  - role: supervisor
    time_zone: UTC
    levels:
      - escalate_after_seconds: 86400
        shifts: [{people: [worker-1], starts_on: 2026-01-05, turn_days: 7}]
)";

ClusterSetup LoopSetup(const HttpReceiver& http) {
  const std::string supervisor = absl::StrCat(
      "  - {id: worker-1, kind: supervisor, channel: webhook, name: Example Supervisor,\n"
      "     address: \"",
      http.Url("/page"), "\"");
  return {.brokers = 3,
          .session_seconds = 3,
          .config = absl::StrCat(
              "directory_file: directory.yaml\n"
              "policy_packs: pack.yaml\n"
              "recipients:\n"
              "  - {id: police, kind: law_enforcement, channel: webhook, secret_file: secret,\n"
              "     name: Example Police, address: \"",
              http.Url("/police"), "\"}\n", supervisor, ", secret_file: secret}\n"),
          .files = {{"pack.yaml", kLoopPack},
                    {"directory.yaml",
                     absl::StrCat("recipients:\n", supervisor, ", person: worker-1}\n", kLoopRota)},
                    {"secret", "whsec_cG9yY2hsaWdodC10ZXN0LXNlY3JldC0zMmJ5dGVzISE=\n"}}};
}

// One partition after the other, so that each hears of a report as often.
std::string YouthOfNumber(size_t number) {
  const auto wanted = static_cast<int32_t>(number % kPartitions);
  for (int n = 0;; ++n) {
    std::string youth_id = absl::StrCat("youth-", number, "-", n);
    if (PartitionOf(youth_id, kPartitions) == wanted) return youth_id;
  }
}

void FillReport(size_t number, absl::Time made_at, v1::ReportMissingRequest& report) {
  report.set_jurisdiction("us-zz");
  if (number % kDutyEvery != 0) return;
  report.add_circumstances_known(v1::CIRCUMSTANCE_MEDICAL_NEED);
  v1::AnchorTime& departure = *report.add_anchors();
  departure.set_anchor(v1::POLICY_ANCHOR_DEPARTURE);
  *departure.mutable_at() = ToProto(made_at - kGoneFor);
}

// What is played without FAULT_ROUNDS.
bool IsInShort(const std::string& name) {
  static const auto& names = *new std::set<std::string>{
      "kill -9 notification",          "kill -9 the broker that leads a partition",
      "Redis comes back empty",        "SIGSTOP of a service",
      "a service joins behind relays", "a service is cut off from Kafka",
      "an instance leaves and joins",  "an instance dies and joins"};
  return names.contains(name);
}

int Setting(const char* name, int otherwise) {
  const char* const text = std::getenv(name);
  int value = 0;
  return text != nullptr && absl::SimpleAtoi(text, &value) ? value : otherwise;
}

struct Fault {
  std::string name;
  // At least; and until notices go out again in every partition.
  absl::Duration lasts;
  std::function<void()> strike;
  std::function<void()> heal;
};

// One fault in one round.
struct Span {
  std::string name;
  absl::Duration begin;
  absl::Duration end;
  size_t first_report = 0;
};

// What one row of the table says; of several rounds.
struct Row {
  int rounds = 0;
  size_t accepted = 0;
  size_t lost = 0;
  size_t doubled = 0;
  size_t again = 0;
  std::vector<absl::Duration> gaps;
  std::vector<absl::Duration> nexts;
  absl::Duration latest;
};

const std::vector<std::string>& Everyone() {
  static const auto& names = *new std::vector<std::string>{
      "directory", "intake",   "intake-2",  "notification", "notification-2",
      "oncall",    "oncall-2", "screening", "mdt"};
  return names;
}

class ClusterLoop : public ::testing::Test {
 protected:
  ClusterLoop() { EXPECT_EQ(cluster_.status(), absl::OkStatus()); }

  // What they logged last, if anything is wrong.
  void TearDown() override {
    for (const std::string& name : Everyone()) {
      if (!HasFailure() || !cluster_.status().ok()) break;
      const std::string logged = cluster_.errors(name);
      std::cout << "--- " << name << "\n"
                << logged.substr(logged.size() - std::min(logged.size(), kLoggedShown));
    }
  }

  static absl::Duration Now() { return SystemClock().Steady(); }
  void Start(const std::string& name, Way way = Way::kStraight) {
    cluster_.Start(name, way);
    EXPECT_TRUE(cluster_.WaitUntilReady(name)) << name << ": " << cluster_.errors(name);
  }
  void StartAgain(const std::string& name, Way way) {
    EXPECT_EQ(cluster_.Stop(name), 0) << cluster_.errors(name);
    Start(name, way);
  }
  const std::string& Turn(const std::vector<std::string>& names) const {
    return names[static_cast<size_t>(round_) % names.size()];
  }

  void StartAll();
  bool EachPartitionIsTold(size_t from_report) const;
  void Play(const Fault& fault);
  std::vector<Fault> Deaths();
  std::vector<Fault> Stores();
  std::vector<Fault> Pauses(absl::Duration lasts);
  std::vector<Fault> Moves(size_t rebalances);
  void PutRedisFiles(const std::string& from, const std::string& to) const;
  bool EverybodyIsTold() const;
  void CheckLog(const NoticeBook::Told& told);
  void PrintTable(const NoticeBook::Told& told) const;

  NoticeBook book_;
  ClusterProcesses cluster_{LoopSetup(book_.http())};
  TemporaryFolder kept_;  // an older copy of what Redis keeps
  std::unique_ptr<ReportStream> stream_;
  std::vector<Span> spans_;
  int round_ = 0;
};

void ClusterLoop::StartAll() {
  for (const std::string& name : Everyone()) cluster_.Start(name);
  for (const std::string& name : Everyone())
    ASSERT_TRUE(cluster_.WaitUntilReady(name)) << name << ": " << cluster_.errors(name);
  stream_ = std::make_unique<ReportStream>(
      ReportStream::Options{.addresses = {cluster_.address("intake"), cluster_.address("intake-2")},
                            .youth_id = YouthOfNumber,
                            .per_second = static_cast<double>(Setting("FAULT_RATE", 20)),
                            .fill = FillReport});
  ASSERT_TRUE(WaitUntil([&] { return EachPartitionIsTold(0); }, kUntilTold))
      << stream_->reports().size() << " reports, " << book_.told().police.size()
      << " of which police were told";
}

// Whether police and supervisor were told of a report in every partition, made from then on.
bool ClusterLoop::EachPartitionIsTold(size_t from_report) const {
  std::set<int32_t> told;
  for (const ReportStream::Report& report : stream_->reports(from_report)) {
    const NoticeBook::Youth youth = book_.Of(report.youth_id);
    if (!youth.police_ids.empty() && !youth.page_ids.empty())
      told.insert(PartitionOf(report.youth_id, kPartitions));
  }
  return told.size() == kPartitions;
}

void ClusterLoop::Play(const Fault& fault) {
  SCOPED_TRACE(absl::StrCat(fault.name, " in round ", round_));
  Span span{
      .name = fault.name, .begin = Now(), .end = {}, .first_report = stream_->reports().size()};
  fault.strike();
  EXPECT_TRUE(WaitUntil(
      [&] { return Now() - span.begin >= fault.lasts && EachPartitionIsTold(span.first_report); },
      kUntilTold));
  const size_t healed_from = stream_->reports().size();
  if (fault.heal != nullptr) fault.heal();
  EXPECT_TRUE(WaitUntil([&] { return EachPartitionIsTold(healed_from); }, kUntilTold));
  span.end = Now();
  std::cout << absl::StreamFormat("%s: %.1f s\n", span.name,
                                  absl::ToDoubleSeconds(span.end - span.begin))
            << std::flush;
  spans_.push_back(std::move(span));
}

// Of services and brokers, by SIGKILL.
std::vector<Fault> ClusterLoop::Deaths() {
  std::vector<Fault> faults;
  for (const std::string& name : Everyone()) {
    faults.push_back({absl::StrCat("kill -9 ", name), absl::Seconds(1),
                      [this, name] { cluster_.Kill(name); }, [this, name] { Start(name); }});
  }
  const auto kill_broker = [this](const std::string& name, std::function<int()> which) {
    auto killed = std::make_shared<int>(0);
    return Fault{
        name, absl::Seconds(1),
        [this, which, killed] {
          *killed = which();
          ASSERT_GT(*killed, 0);
          cluster_.broker().Kill(*killed);
        },
        [this, killed] {
          EXPECT_EQ(cluster_.broker().Restart(*killed), absl::OkStatus());
          EXPECT_TRUE(WaitUntil([&] { return cluster_.broker().AllInSync(); }, kUntilTold));
        }};
  };
  faults.push_back(kill_broker("kill -9 the broker that leads a partition", [this] {
    return cluster_.broker().LeaderOf({EventsTopic("notification"), round_ % kPartitions});
  }));
  faults.push_back(
      kill_broker("kill -9 the controller", [this] { return cluster_.broker().Controller(); }));
  return faults;
}

void ClusterLoop::PutRedisFiles(const std::string& from, const std::string& to) const {
  std::filesystem::remove_all(to);
  if (std::filesystem::exists(from))
    std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

std::vector<Fault> ClusterLoop::Stores() {
  const std::string files = cluster_.redis().folder() + "/appendonlydir";
  const std::string older = kept_.path() + "/older";
  const auto kill = [this] { cluster_.redis().Send(SIGKILL); };
  return {{"kill -9 Redis, back from its files", absl::Seconds(5), kill,
           [this, files, older] {
             if (round_ == 0) PutRedisFiles(files, older);
             cluster_.redis().Start();
           }},
          {"Redis comes back empty", absl::Seconds(5), kill,
           [this, files] {
             std::filesystem::remove_all(files);
             cluster_.redis().Start();
           }},
          {"Redis comes back old", absl::Seconds(5), kill, [this, files, older] {
             PutRedisFiles(older, files);
             cluster_.redis().Start();
           }}};
}

// What stands still or is cut off, and goes on.
std::vector<Fault> ClusterLoop::Pauses(absl::Duration lasts) {
  const std::string stopped = Turn({"notification", "intake", "oncall"});
  const std::string cut = Turn({"notification-2", "oncall-2", "intake-2"});
  auto broker = std::make_shared<int>(0);
  return {{"SIGSTOP of a service", lasts, [this, stopped] { cluster_.Send(stopped, SIGSTOP); },
           [this, stopped] { cluster_.Send(stopped, SIGCONT); }},
          {"SIGSTOP of a broker", lasts,
           [this, broker] {
             *broker = cluster_.broker().LeaderOf({EventsTopic("intake"), round_ % kPartitions});
             ASSERT_GT(*broker, 0);
             cluster_.broker().Send(*broker, SIGSTOP);
           },
           [this, broker] {
             cluster_.broker().Send(*broker, SIGCONT);
             EXPECT_TRUE(WaitUntil([&] { return cluster_.broker().AllInSync(); }, kUntilTold));
           }},
          {"a service joins behind relays", absl::Seconds(1),
           [this, cut] { StartAgain(cut, Way::kRelayed); }, nullptr},
          {"a service is cut off from Kafka", lasts, [this] { cluster_.broker().Cut(true); },
           [this] { cluster_.broker().Cut(false); }},
          {"a service is cut off from Redis", lasts, [this] { cluster_.CutRedis(true); },
           [this] { cluster_.CutRedis(false); }},
          {"a service leaves its relays", absl::Seconds(1),
           [this, cut] { StartAgain(cut, Way::kStraight); }, nullptr}};
}

// Who leaves in good order or by death, and joins again.
std::vector<Fault> ClusterLoop::Moves(size_t rebalances) {
  std::vector<Fault> faults;
  faults.push_back({"every service is started anew", absl::ZeroDuration(),
                    [this] {
                      for (const std::string& name : Everyone()) StartAgain(name, Way::kStraight);
                    },
                    nullptr});
  for (size_t n = 0; n < rebalances; ++n) {
    const std::string name =
        std::vector<std::string>{"notification-2", "intake-2", "oncall-2"}[n % 3];
    const bool dies = n % 2 == 1;
    faults.push_back({dies ? "an instance dies and joins" : "an instance leaves and joins",
                      absl::ZeroDuration(),
                      [this, name, dies] {
                        if (dies) return cluster_.Kill(name);
                        EXPECT_EQ(cluster_.Stop(name), 0) << cluster_.errors(name);
                      },
                      [this, name] { Start(name); }});
  }
  return faults;
}

bool ClusterLoop::EverybodyIsTold() const {
  const NoticeBook::Told told = book_.told();
  const std::vector<ReportStream::Report> reports = stream_->reports();
  for (size_t number = 0; number < reports.size(); ++number) {
    const auto youth = told.youths.find(reports[number].youth_id);
    if (youth == told.youths.end() || youth->second.police_ids.empty() ||
        youth->second.page_ids.empty())
      return false;
    if (number % kDutyEvery == 0 && youth->second.overdue == absl::InfiniteDuration()) return false;
  }
  return true;
}

void ClusterLoop::CheckLog(const NoticeBook::Told& told) {
  const absl::StatusOr<ClusterAudit> audit = Audit(cluster_);
  ASSERT_TRUE(audit.ok()) << audit.status();
  EXPECT_THAT(audit->differences, ::testing::IsEmpty());
  EXPECT_EQ(audit->commands_waiting, 0u);
  for (const std::string& id : told.ids)
    EXPECT_TRUE(audit->delivery_ids.contains(id)) << id << " is of no transition that counts";
  std::cout << audit->transitions << " transitions count, " << audit->lost_races
            << " came too late and don't\n";
}

absl::Duration Middle(std::vector<absl::Duration> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? absl::ZeroDuration() : values[values.size() / 2];
}

absl::Duration Greatest(const std::vector<absl::Duration>& values) {
  return values.empty() ? absl::ZeroDuration() : *std::max_element(values.begin(), values.end());
}

// The longest time in the span in which no notice arrived.
absl::Duration GapIn(const Span& span, const std::vector<absl::Duration>& arrivals) {
  absl::Duration longest;
  absl::Duration last = span.begin;
  for (auto at = std::upper_bound(arrivals.begin(), arrivals.end(), span.begin);
       at != arrivals.end() && *at < span.end; ++at) {
    longest = std::max(longest, *at - last);
    last = *at;
  }
  return std::max(longest, span.end - last);
}

void AddTo(Row& row, const Span& span, const std::vector<ReportStream::Report>& reports,
           const NoticeBook::Told& told) {
  ++row.rounds;
  // Until the first notice of a report made after the fault, in the partition where that took
  // longest.
  std::map<int32_t, absl::Duration> next;
  for (size_t n = span.first_report; n < reports.size() && reports[n].scheduled < span.end; ++n) {
    if (reports[n].accepted == absl::InfiniteDuration()) continue;
    ++row.accepted;
    const auto youth = told.youths.find(reports[n].youth_id);
    if (youth == told.youths.end() || youth->second.police_ids.empty()) {
      ++row.lost;
      continue;
    }
    row.doubled += (youth->second.police_ids.size() > 1) + (youth->second.page_ids.size() > 1);
    row.latest = std::max(row.latest, youth->second.police - reports[n].scheduled);
    absl::Duration& first =
        next.try_emplace(PartitionOf(reports[n].youth_id, kPartitions), absl::InfiniteDuration())
            .first->second;
    first = std::min(first, youth->second.police - span.begin);
  }
  absl::Duration slowest;
  for (const auto& [partition, first] : next) slowest = std::max(slowest, first);
  row.nexts.push_back(slowest);
  row.gaps.push_back(GapIn(span, told.police));
  row.again +=
      static_cast<size_t>(std::upper_bound(told.again.begin(), told.again.end(), span.end) -
                          std::upper_bound(told.again.begin(), told.again.end(), span.begin));
}

void ClusterLoop::PrintTable(const NoticeBook::Told& told) const {
  const std::vector<ReportStream::Report> reports = stream_->reports();
  std::vector<std::string> names;
  std::map<std::string, Row> rows;
  for (const Span& span : spans_) {
    if (!rows.contains(span.name)) names.push_back(span.name);
    AddTo(rows[span.name], span, reports, told);
  }
  std::cout << "| fault | rounds | accepted | lost | doubled | sent again | gap p50 | gap max | "
               "slowest partition p50 | max | longest to a notice |\n"
            << "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n";
  for (const std::string& name : names) {
    const Row& row = rows[name];
    std::cout << absl::StreamFormat(
        "| %s | %d | %d | %d | %d | %d | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name, row.rounds,
        row.accepted, row.lost, row.doubled, row.again, absl::ToDoubleSeconds(Middle(row.gaps)),
        absl::ToDoubleSeconds(Greatest(row.gaps)), absl::ToDoubleSeconds(Middle(row.nexts)),
        absl::ToDoubleSeconds(Greatest(row.nexts)), absl::ToDoubleSeconds(row.latest));
  }
  std::cout << absl::StreamFormat("%d reports at %d a second; seconds\n", reports.size(),
                                  Setting("FAULT_RATE", 20));
}

TEST_F(ClusterLoop, NothingIsLostOrDoubledWhateverDies) {
  ASSERT_TRUE(cluster_.status().ok());
  ASSERT_NO_FATAL_FAILURE(StartAll());
  const int rounds = Setting("FAULT_ROUNDS", 0);
  const char* const only = std::getenv("FAULT_ONLY");
  const auto is_played = [&](const std::string& name) {
    return only == nullptr ? rounds > 0 || IsInShort(name) : absl::StrContains(name, only);
  };
  for (; round_ < std::max(rounds, 1); ++round_) {
    const absl::Duration lasts = absl::Seconds(rounds == 0 ? 6 : 20);
    for (const std::vector<Fault>& faults :
         {Deaths(), Stores(), Pauses(lasts),
          Moves(rounds == 0 ? kRebalancesOnce : kRebalancesInLoop)}) {
      for (const Fault& fault : faults) {
        if (is_played(fault.name)) Play(fault);
      }
    }
  }
  EXPECT_TRUE(stream_->Finish(kUntilTold));
  EXPECT_TRUE(WaitUntil([&] { return EverybodyIsTold(); }, kUntilTold));
  const NoticeBook::Told told = book_.told();
  PrintTable(told);
  EXPECT_THAT(told.changed, ::testing::IsEmpty()) << "came again with another body";
  for (const auto& [youth_id, youth] : told.youths) {
    EXPECT_EQ(youth.police_ids.size(), 1u) << youth_id;
    EXPECT_EQ(youth.page_ids.size(), 1u) << youth_id;
  }
  CheckLog(told);
}

}  // namespace
}  // namespace porchlight::testing::cluster_loop_test
