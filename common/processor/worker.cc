#include "common/processor/worker.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/logger/logger.h"

namespace porchlight {
namespace {

// Also without news: a clock that was set, or a port that came back, is noticed after this long at
// the latest.
constexpr absl::Duration kLongestWait = absl::Seconds(1);
constexpr absl::Duration kWaitInTrouble = absl::Milliseconds(100);
// A partition that couldn't be folded.
constexpr absl::Duration kFollowAgainAfter = absl::Seconds(1);
constexpr absl::Duration kCountEvery = absl::Seconds(1);
constexpr absl::Duration kReportAgainAfter = absl::Minutes(1);
// The machine's clock against its steady one: more than this is somebody setting it.
constexpr absl::Duration kClockStepNoticed = absl::Seconds(2);

}  // namespace

Worker::Worker(const Rules& rules, WorkerPorts ports, WorkerOptions options)
    : rules_(rules),
      service_(rules.service()),
      ports_(std::move(ports)),
      agency_id_(std::move(options.agency_id)),
      partitions_(options.partitions),
      dispatcher_(ports_.channels, ports_.clock, &wake_, options.dispatcher),
      reference_(ports_.log, ports_.keys),
      clock_offset_((ports_.clock.Now() - absl::UnixEpoch()) - ports_.clock.Steady()) {
  // Of its own events it hears as it appends them, and only others' where there are others.
  std::vector<std::string> topics = {CommandsTopic(service_), EventsTopic(kDirectoryService)};
  for (const std::string& source : rules.sources()) topics.push_back(EventsTopic(source));
  if (ports_.ownership != nullptr) {
    topics.push_back(EventsTopic(service_));
    ports_.ownership->Listen(&wake_);
  }
  ports_.log.AddListener(&wake_, std::move(topics));
}

Worker::~Worker() {
  Stop();
  if (ports_.ownership != nullptr) ports_.ownership->Listen(nullptr);
  ports_.log.RemoveListener(&wake_);
}

absl::Status Worker::Start() {
  if (absl::Status folded = reference_.Step(); !folded.ok()) return folded;
  if (ports_.ownership != nullptr) return FollowOwnership();
  for (int32_t partition = 0; partition < partitions_; ++partition) {
    if (absl::Status adopted = Adopt(partition); !adopted.ok()) return adopted;
  }
  return absl::OkStatus();
}

absl::Status Worker::Adopt(int32_t partition) {
  auto processor = std::make_unique<Processor>(
      rules_,
      ProcessorPorts{ports_.log, ports_.store, ports_.keys, ports_.clock, ports_.outcomes,
                     dispatcher_, reference_, ports_.blob},
      agency_id_, partition);
  if (absl::Status started = processor->Start(); !started.ok()) return started;
  followers_.erase(partition);
  processors_.emplace(partition, std::move(processor));
  return absl::OkStatus();
}

absl::Status Worker::FollowOwnership() {
  const std::optional<std::set<int32_t>> owned = ports_.ownership->Owned();
  if (!owned.has_value())
    return absl::UnavailableError(
        absl::StrCat("the broker hasn't said yet which partitions of ", service_,
                     " this process is to decide. If this lasts, see whether it can be reached."));
  std::erase_if(processors_, [&](const auto& entry) {
    if (owned->contains(entry.first)) return false;
    LogLine(LogLevel::kInfo, "another process decides this partition from now on",
            {{"service", service_}, {"partition", absl::StrCat(entry.first)}});
    dispatcher_.Forget(entry.first);
    entry.second->AddCounts(of_let_go_);
    return true;
  });
  absl::Status trouble;
  for (const int32_t partition : *owned) {
    if (!processors_.contains(partition)) trouble.Update(Adopt(partition));
  }
  return trouble;
}

// What others decided, for callers who wait here.
absl::Status Worker::HearOthers(bool& did) {
  absl::Status trouble;
  if (ports_.ownership == nullptr) return trouble;
  for (int32_t partition = 0; partition < partitions_; ++partition) {
    if (processors_.contains(partition)) continue;
    OutcomeFollower& follower =
        followers_
            .try_emplace(partition, ports_.log, ports_.store, ports_.keys, ports_.outcomes,
                         TopicPartition{EventsTopic(service_), partition})
            .first->second;
    did = follower.Step() || did;
    trouble.Update(follower.trouble());
  }
  return trouble;
}

bool Worker::Step() {
  NoticeClockStep();
  absl::Status trouble = reference_.Step();
  if (ports_.ownership != nullptr && ports_.clock.Steady() >= follow_at_) {
    followed_ = FollowOwnership();
    if (!followed_.ok()) follow_at_ = ports_.clock.Steady() + kFollowAgainAfter;
  }
  trouble.Update(followed_);
  for (AttemptResult& result : dispatcher_.TakeAnswers()) {
    const auto processor = processors_.find(result.partition);
    if (processor != processors_.end()) processor->second->OnAnswer(std::move(result));
  }
  std::vector<AppendRequest> requests;
  std::vector<Processor*> deciding;
  for (const auto& [partition, processor] : processors_) {
    if (std::optional<AppendRequest> request = processor->Decide()) {
      requests.push_back(*std::move(request));
      deciding.push_back(processor.get());
    }
  }
  bool did = !requests.empty();
  if (did) {
    const std::vector<AppendResult> results = ports_.log.Append(std::move(requests));
    for (size_t i = 0; i < deciding.size(); ++i) deciding[i]->Complete(results[i]);
  }
  // Notices first: nobody waits for the store.
  for (const auto& [partition, processor] : processors_) did = processor->OfferDue() || did;
  dispatcher_.Step();
  for (const auto& [partition, processor] : processors_) {
    did = processor->Project() || did;
    processor->TellOutcomes();
    trouble.Update(processor->trouble());
  }
  trouble.Update(HearOthers(did));
  CountFigures();
  absl::MutexLock lock(&mutex_);
  trouble_ = trouble;
  stepped_ = true;
  return did && trouble.ok();
}

void Worker::CountFigures() {
  const absl::Duration now = ports_.clock.Steady();
  const bool count = now >= count_at_;
  Figures figures = of_let_go_;
  if (count) {
    count_at_ = now + kCountEvery;
    for (const auto& [partition, processor] : processors_) processor->AddTo(figures);
    for (const Dispatcher::RecipientStatus& recipient : dispatcher_.Recipients())
      figures.recipients_resting += recipient.breaker_open ? 1 : 0;
  }
  absl::MutexLock lock(&mutex_);
  stepped_at_ = now;
  if (count) figures_ = figures;
}

std::pair<Figures, absl::Duration> Worker::figures() const {
  absl::MutexLock lock(&mutex_);
  return {figures_, ports_.clock.Steady() - stepped_at_};
}

bool Worker::ready() const {
  absl::MutexLock lock(&mutex_);
  return stepped_ && trouble_.ok();
}

absl::Time Worker::NextDue() const {
  absl::Time next = dispatcher_.next_step();
  for (const auto& [partition, processor] : processors_)
    next = std::min(next, processor->NextDue());
  return next;
}

void Worker::Run() { thread_ = std::thread(&Worker::Loop, this); }

void Worker::Loop() {
  while (!stopping_) {
    if (Step()) continue;
    ReportTrouble();
    const absl::Duration until_due = NextDue() - ports_.clock.Now();
    const absl::Duration shortest = trouble().ok() ? absl::ZeroDuration() : kWaitInTrouble;
    wake_.Wait(std::clamp(until_due, shortest, kLongestWait));
  }
}

void Worker::Stop() {
  stopping_ = true;
  wake_.Notify();
  if (thread_.joinable()) thread_.join();
}

absl::Status Worker::trouble() const {
  absl::MutexLock lock(&mutex_);
  return trouble_;
}

void Worker::NoticeClockStep() {
  const absl::Duration offset = (ports_.clock.Now() - absl::UnixEpoch()) - ports_.clock.Steady();
  if (absl::AbsDuration(offset - clock_offset_) > kClockStepNoticed) {
    LogLine(LogLevel::kWarning,
            "the machine's clock was set; deadlines follow the new time. Check time "
            "synchronisation (NTP)",
            {{"service", service_},
             {"step_seconds", absl::StrCat(absl::ToInt64Seconds(offset - clock_offset_))}});
  }
  clock_offset_ = offset;
}

void Worker::ReportTrouble() {
  const absl::Status now = trouble();
  const absl::Duration steady = ports_.clock.Steady();
  if (now == reported_ && (now.ok() || steady < report_again_at_)) return;
  reported_ = now;
  report_again_at_ = steady + kReportAgainAfter;
  if (now.ok()) {
    LogLine(LogLevel::kInfo, "inputs no longer wait", {{"service", service_}});
    return;
  }
  LogLine(LogLevel::kError, "inputs are waiting",
          {{"service", service_}, {"reason", std::string(now.message())}});
}

}  // namespace porchlight
