// See deadline_world.h.
#include "tests/bench/deadline_world.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "common/base/hash.h"
#include "common/base/ids.h"
#include "common/base/time.h"
#include "common/embedded/embedded.h"
#include "common/keys/master_key.h"
#include "common/policy/loader.h"
#include "common/privacy/sealing.h"
#include "porchlight/v1/intake.pb.h"
#include "porchlight/v1/notification.pb.h"
#include "tests/bench/fill.h"

namespace porchlight::bench {
namespace {

constexpr char kAgency[] = "example";
constexpr char kYouthPrefix[] = "due-";
constexpr size_t kHeardAtOnce = 2048;
constexpr absl::Duration kWindow = absl::Hours(1);
// Hearing of a million of them takes a while, and nothing may come due meanwhile.
constexpr absl::Duration kFillMayTake = absl::Minutes(55);
constexpr absl::Duration kMuchLater = absl::Hours(10);
constexpr absl::Duration kAhead = absl::Seconds(2);

// Federal law with one tightened window, and nobody woken before it is over.
constexpr char kPack[] = R"(pack: us-zz
extends: us
name: Bench
time_zone: America/Chicago
without_rules: [page]
rules:
  - id: police
    citation: the bench's own
    due: 1 hour from received
)";

v1::Recipient RecipientOf(v1::RecipientKind kind, const std::string& id) {
  v1::Recipient recipient;
  recipient.set_recipient_id(id);
  recipient.set_person_id(id);
  recipient.set_kind(kind);
  recipient.set_channel(v1::CHANNEL_KIND_FOLDER);
  recipient.set_address(id);
  recipient.set_display_name(id);
  return recipient;
}

v1::Directory WhoIsWho() {
  v1::Directory directory;
  *directory.add_recipients() = RecipientOf(v1::RECIPIENT_KIND_LAW_ENFORCEMENT, "police");
  *directory.add_recipients() = RecipientOf(v1::RECIPIENT_KIND_NCMEC, "ncmec");
  *directory.add_recipients() = RecipientOf(v1::RECIPIENT_KIND_SUPERVISOR, "worker-1");
  v1::Rota& rota = *directory.add_rotas();
  rota.set_role("supervisor");
  rota.set_time_zone("America/Chicago");
  v1::RotaLevel& level = *rota.add_levels();
  level.set_escalate_after_seconds(86'400);
  v1::RotaShift& shift = *level.add_shifts();
  shift.add_person_ids("worker-1");
  shift.set_starts_on("2020-01-06");
  shift.set_turn_days(7);
  const PackSet packs = Require(ParsePacks({{"bench.yaml", kPack}}));
  for (const char* pack_id : {"us", "us-zz"}) *directory.add_packs() = *packs.Find(pack_id);
  return directory;
}

std::string YouthId(size_t number) { return absl::StrFormat("%s%08d", kYouthPrefix, number); }
std::string EpisodeId(size_t number) { return absl::StrCat(YouthId(number), "_e1"); }

v1::EpisodeOpened Opened(size_t number, absl::Time received_at) {
  v1::EpisodeOpened opened;
  v1::Episode& episode = *opened.mutable_episode();
  episode.set_episode_id(EpisodeId(number));
  episode.set_youth_id(YouthId(number));
  episode.set_state(v1::EPISODE_STATE_MISSING);
  episode.mutable_youth()->set_first_name("Robin");
  episode.mutable_youth()->set_last_name("Example");
  episode.mutable_youth()->set_date_of_birth("2010-05-17");
  episode.set_placement("Maple House");
  episode.set_jurisdiction("us-zz");
  *episode.mutable_received_at() = ToProto(received_at);
  episode.add_report_ids(DeriveId("report", episode.youth_id()));
  return opened;
}

// Police and NCMEC were told; the case number doesn't come.
v1::NoticesMade Made(size_t number) {
  v1::NoticesMade made;
  for (const char* kind : {"police.law_enforcement", "ncmec.ncmec"}) {
    v1::Notice& notice = *made.add_notices();
    notice.set_notice_id(absl::StrCat(EpisodeId(number), "_n", made.notices_size()));
    notice.set_episode_id(EpisodeId(number));
    notice.set_channel(v1::CHANNEL_KIND_WEBHOOK);
    notice.set_state(v1::DELIVERY_STATE_PENDING);
    notice.add_duty_keys(absl::StrCat(kind, ".1.1"));
  }
  return made;
}

}  // namespace

// Says yes at once, and notes when it was asked first for each youth.
class DeadlineWorld::NotingChannel final : public Channel {
 public:
  NotingChannel(const Clock& clock, size_t count)
      : clock_(clock), sent_(count, absl::InfinitePast()) {}

  void Send(Outgoing outgoing, Answered done) override {
    absl::string_view youth_id = YouthOf(outgoing.delivery_id);
    youth_id.remove_prefix(sizeof kYouthPrefix - 1);
    size_t number = 0;
    const bool known = absl::SimpleAtoi(youth_id, &number) && number < sent_.size();
    if (known && sent_[number] == absl::InfinitePast()) {
      sent_[number] = clock_.Now();
      ++count_;
    } else {
      ++surplus_;
    }
    done({.answer = v1::DELIVERY_ANSWER_ACCEPTED, .code = 200, .text = "", .retry_after = {}});
  }

  size_t count() const { return count_; }
  size_t surplus() const { return surplus_; }
  // Once the worker stands still.
  const std::vector<absl::Time>& sent() const { return sent_; }

 private:
  const Clock& clock_;
  std::vector<absl::Time> sent_;
  std::atomic<size_t> count_ = 0;
  std::atomic<size_t> surplus_ = 0;
};

DeadlineWorld::DeadlineWorld(const std::string& data, const DeadlinePlan& plan)
    : plan_(plan), rules_({.agency_name = "Example County", .time_zone = absl::UTCTimeZone()}) {
  std::filesystem::create_directories(data);
  keys_ = Require(FileKeys::Open(absl::StrCat(data, "/keys.db"),
                                 Require(CreateMasterKey(absl::StrCat(data, "/master.key")))));
  log_ = Require(SqliteLog::Open(LogPath(data)));
  store_ = std::make_unique<SqliteStore>(StorePath(data, "oncall"));
  channel_ = std::make_shared<NotingChannel>(clock_, plan.count);
  SetDirectory(data, *log_, *keys_, kAgency, WhoIsWho());
  worker_ = std::make_unique<Worker>(
      rules_,
      WorkerPorts{*log_, *store_, *keys_, clock_, outcomes_, {{v1::CHANNEL_KIND_FOLDER, channel_}}},
      WorkerOptions{.agency_id = kAgency, .partitions = kPartitions, .dispatcher = {}});
  Require(worker_->Start());
  first_due_ = clock_.Now() + kFillMayTake;
  for (size_t first = 0; first < plan.count; first += kHeardAtOnce) {
    Round(first, std::min(plan.count, first + kHeardAtOnce));
    while (worker_->Step()) {
    }
    Require(worker_->trouble());
  }
  WaitUntilStored();
}

DeadlineWorld::~DeadlineWorld() = default;

absl::Time DeadlineWorld::DueOf(size_t number) const {
  return number < plan_.due ? first_due_ + static_cast<double>(number) * plan_.apart
                            : first_due_ + kMuchLater;
}

void DeadlineWorld::Say(const std::string& service, size_t number,
                        const google::protobuf::Message& event) {
  const std::string youth_id = YouthId(number);
  const TopicPartition where{EventsTopic(service), PartitionOf(youth_id, kPartitions)};
  v1::RecordHeader header;
  header.set_record_id(DeriveId(service, youth_id));
  header.set_agency_id(kAgency);
  header.set_youth_id(youth_id);
  header.set_episode_id(EpisodeId(number));
  *header.mutable_received_at() = ToProto(DueOf(number) - kWindow);
  header.mutable_actor()->set_actor_id("bench");
  header.set_correlation_id(DeriveId("report", youth_id));
  header.set_schema_version(1);
  Chain& chain = chains_[where];
  v1::Transition transition;
  transition.set_service(service);
  transition.set_agency_id(kAgency);
  transition.set_aggregate_id(youth_id);
  transition.set_youth_id(youth_id);
  transition.set_aggregate_sequence(1);
  transition.set_aggregate_previous_offset(-1);
  *transition.add_events() =
      MakeRecord(Require(keys_->Get(KeyName(youth_id))), std::move(header), event);
  const v1::TransitionRecord record = SealLink(chain.tail, transition);
  chain.tail = {record.hash(), record.sequence(), chain.tail.next_offset + 1};
  chain.request.records.push_back(record.SerializeAsString());
}

void DeadlineWorld::Round(size_t first, size_t end) {
  std::vector<std::string> names;
  for (size_t i = first; i < end; ++i) names.push_back(KeyName(YouthId(i)));
  MakeKeys(*keys_, names);
  for (size_t i = first; i < end; ++i) {
    Say("intake", i, Opened(i, DueOf(i) - kWindow));
    Say("notification", i, Made(i));
  }
  std::vector<AppendRequest> requests;
  for (auto& [where, chain] : chains_) {
    if (chain.request.records.empty()) continue;
    AppendRequest request = std::exchange(chain.request, {});
    request.where = where;
    requests.push_back(std::move(request));
  }
  for (const AppendResult& result : log_->Append(std::move(requests))) Require(result.reason);
}

void DeadlineWorld::WaitUntilStored() {
  for (int32_t partition = 0; partition < kPartitions; ++partition) {
    const int64_t end = Require(log_->End({EventsTopic("oncall"), partition}));
    while (Require(store_->Where(partition)).next_offset() < end) {
      if (!worker_->Step()) absl::SleepFor(absl::Milliseconds(10));
    }
  }
}

std::vector<absl::Duration> DeadlineWorld::Fire(absl::Duration longest) {
  clock_.Forward(std::max(first_due_ - kAhead - clock_.Now(), absl::ZeroDuration()));
  worker_->Run();
  const absl::Time until = first_due_ + static_cast<double>(plan_.due) * plan_.apart + longest;
  while (channel_->count() < plan_.due && clock_.Now() < until) {
    absl::SleepFor(absl::Milliseconds(20));
  }
  worker_->Stop();
  std::vector<absl::Duration> late;
  for (size_t number = 0; number < plan_.due; ++number) {
    const absl::Time sent = channel_->sent()[number];
    if (sent != absl::InfinitePast()) late.push_back(sent - DueOf(number));
  }
  return late;
}

size_t DeadlineWorld::surplus() const { return channel_->surplus(); }

absl::Duration DeadlineWorld::all_sent_after() const {
  return *std::max_element(channel_->sent().begin(), channel_->sent().end()) - first_due_;
}

}  // namespace porchlight::bench
