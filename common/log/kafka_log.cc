#include "common/log/kafka_log.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log/append_rules.h"
#include "common/log/record_labels.h"
#include "common/logger/logger.h"

namespace porchlight {
namespace {

using kafka::Consumer;
using kafka::Producer;

// How long the follower listens before it looks around.
constexpr absl::Duration kFollowWait = absl::Milliseconds(100);
// What arrives at once is told to listeners at once.
constexpr int kTakenInAtOnceMax = 256;
// A record that is there but hasn't come by now is fetched instead.
constexpr absl::Duration kArrivalWait = absl::Milliseconds(500);

kafka::Batch BatchOf(const AppendRequest& request) {
  kafka::Batch batch{.where = request.where, .messages = {}};
  for (const std::string& record : request.records) {
    RecordLabels labels = LabelsOf(request.where.topic, record);
    batch.messages.push_back({.key = std::move(labels.key),
                              .value = absl::string_view(record),
                              .headers = std::move(labels.headers)});
  }
  return batch;
}

AppendResult Unknown(absl::Status reason) {
  return {.outcome = AppendOutcome::kUnknown, .first_offset = -1, .reason = std::move(reason)};
}

}  // namespace

absl::StatusOr<std::unique_ptr<KafkaLog>> KafkaLog::Open(const KafkaLogOptions& options) {
  absl::StatusOr<std::unique_ptr<Producer>> producer = Producer::Open(options.client);
  if (!producer.ok()) return producer.status();
  absl::StatusOr<std::unique_ptr<Consumer>> follower = Consumer::Open(options.client, {});
  if (!follower.ok()) return follower.status();
  // Questions wait for the fetch before them, so that is short.
  absl::StatusOr<std::unique_ptr<Consumer>> reader = Consumer::Open(
      options.client, {.fetch_wait = absl::Milliseconds(10), .ahead_kilobytes_max = 4 << 10});
  if (!reader.ok()) return reader.status();
  return std::unique_ptr<KafkaLog>(
      new KafkaLog(options, *std::move(producer), *std::move(follower), *std::move(reader)));
}

KafkaLog::KafkaLog(const KafkaLogOptions& options, std::unique_ptr<Producer> producer,
                   std::unique_ptr<Consumer> follower, std::unique_ptr<Consumer> reader)
    : tails_(options.cache_bytes_max),
      producer_(std::move(producer)),
      follower_(std::move(follower)),
      followed_queue_(follower_->MakeQueue()),
      reader_(std::move(reader)),
      thread_(&KafkaLog::FollowerLoop, this) {}

KafkaLog::~KafkaLog() {
  stopping_ = true;
  thread_.join();
  absl::MutexLock lock(&mutex_);
  for (const auto& [where, partition] : partitions_) {
    if (partition.followed) follower_->Stop(where);
  }
}

std::vector<AppendResult> KafkaLog::Append(std::vector<AppendRequest> requests) {
  std::vector<AppendResult> results(requests.size());
  std::vector<kafka::Batch> batches;
  std::vector<size_t> sent_of;  // each batch's place in `requests`
  for (size_t i = 0; i < requests.size(); ++i) {
    absl::Status checked = CheckAppend(requests[i]);
    if (!checked.ok()) {
      results[i] = Refused(std::move(checked));
      continue;
    }
    batches.push_back(BatchOf(requests[i]));
    sent_of.push_back(i);
  }
  const std::vector<kafka::Sent> sent = producer_->Send(batches);
  std::vector<std::string> topics;
  for (size_t i = 0; i < sent.size(); ++i) {
    AppendRequest& request = requests[sent_of[i]];
    results[sent_of[i]] = Conclude(request, sent[i]);
    if (sent[i].none_there) continue;
    NoteAccepted(request, sent[i]);
    topics.push_back(request.where.topic);
  }
  listeners_.Notify(topics);
  return results;
}

AppendResult KafkaLog::Conclude(const AppendRequest& request, const kafka::Sent& sent) {
  if (sent.none_there) return Refused(sent.trouble);
  if (!sent.trouble.ok()) return Unknown(sent.trouble);
  const int64_t first = sent.offsets.front();
  if (request.expected_end.has_value() && *request.expected_end != first) {
    return LostRace(request.where, *request.expected_end, first);
  }
  if (sent.StandTogether()) {
    return {.outcome = AppendOutcome::kAccepted, .first_offset = first, .reason = {}};
  }
  const absl::Status between = absl::AbortedError(
      absl::StrCat("another writer's records came between those for ", kafka::Name(request.where)));
  if (!request.expected_end.has_value()) return Unknown(between);
  return {.outcome = AppendOutcome::kLostRace, .first_offset = -1, .reason = between};
}

void KafkaLog::NoteAccepted(AppendRequest& request, const kafka::Sent& sent) {
  const int64_t last = *std::max_element(sent.offsets.begin(), sent.offsets.end());
  if (sent.StandTogether()) {
    // Where others' records come first, the follower brings all of them in order.
    tails_.Append(request.where, sent.offsets.front(), std::move(request.records));
  }
  absl::MutexLock lock(&mutex_);
  int64_t& end = partitions_[request.where].end;
  end = std::max(end, last + 1);
}

bool KafkaLog::Follows(const TopicPartition& where) {
  absl::MutexLock lock(&mutex_);
  const auto known = partitions_.find(where);
  return known != partitions_.end() && known->second.followed;
}

absl::Status KafkaLog::Follow(const TopicPartition& where) {
  if (Follows(where)) return absl::OkStatus();
  absl::MutexLock follow_lock(&follow_mutex_);
  if (Follows(where)) return absl::OkStatus();
  // Each would wait for an answer, one after the other.
  if (follower_->client().away()) {
    return follower_->client().Away(absl::StrCat(kafka::Name(where), " can't be read"));
  }
  const absl::StatusOr<int64_t> end = reader_.AskEnd(where);
  if (!end.ok()) return end.status();
  tails_.NoteEnd(where, *end);
  absl::Status started = follower_->Start(where, *end, followed_queue_);
  if (!started.ok()) return started;
  absl::MutexLock lock(&mutex_);
  Partition& partition = partitions_[where];
  partition.followed = true;
  partition.end = std::max(partition.end, *end);
  return absl::OkStatus();
}

void KafkaLog::Unfollow(const TopicPartition& where) {
  absl::MutexLock follow_lock(&follow_mutex_);
  follower_->Stop(where);
  tails_.Reset(where);
  absl::MutexLock lock(&mutex_);
  partitions_.erase(where);
}

void KafkaLog::FollowerLoop() {
  while (!stopping_) {
    std::optional<kafka::Received> received = follower_->Receive(followed_queue_, kFollowWait);
    std::set<std::string> topics;
    for (int n = 0; received.has_value(); ++n) {
      topics.insert(TakeIn(*std::move(received)));
      received.reset();
      if (n < kTakenInAtOnceMax)
        received = follower_->Receive(followed_queue_, absl::ZeroDuration());
    }
    topics.erase("");
    if (!topics.empty()) listeners_.Notify({topics.begin(), topics.end()});
    if (follower_->client().away()) follower_->client().Probe();
  }
}

std::string KafkaLog::TakeIn(kafka::Received received) {
  if (!received.trouble.ok()) {
    LogLine(LogLevel::kWarning, "a partition of the log can't be followed; it is tried again",
            {{"topic", received.where.topic},
             {"partition", absl::StrCat(received.where.partition)},
             {"reason", std::string(received.trouble.message())}});
    Unfollow(received.where);
    return received.where.topic;
  }
  std::vector<std::string> record;
  record.push_back(std::move(received.value));
  if (!tails_.Append(received.where, received.offset, std::move(record))) {
    // Records are missing between: whoever reads them is told so.
    tails_.NoteEnd(received.where, received.offset + 1);
  }
  // Whoever waits for it looks again when this is let go.
  absl::MutexLock lock(&mutex_);
  return received.where.topic;
}

int64_t KafkaLog::KnownEnd(const TopicPartition& where) {
  const int64_t in_memory = tails_.End(where).end;
  absl::MutexLock lock(&mutex_);
  return std::max(in_memory, partitions_[where].end);
}

bool KafkaLog::WaitFor(const TopicPartition& where, int64_t offset) {
  struct Arrival {
    LogTails& tails;
    const TopicPartition& where;
    const int64_t offset;
    bool Came() { return tails.End(where).end > offset; }
  } arrival{tails_, where, offset};
  absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&arrival, &Arrival::Came), kArrivalWait);
}

absl::StatusOr<int64_t> KafkaLog::End(const TopicPartition& where) {
  if (absl::Status followed = Follow(where); !followed.ok()) return followed;
  if (follower_->client().away()) {
    return follower_->client().Away(
        absl::StrCat("the end of ", kafka::Name(where), " isn't known"));
  }
  return KnownEnd(where);
}

absl::StatusOr<std::vector<std::string>> KafkaLog::Read(const TopicPartition& where, int64_t from,
                                                        ReadLimits limits) {
  std::vector<std::string> newest = tails_.Read(where, from, limits);
  if (!newest.empty()) return newest;
  if (absl::Status followed = Follow(where); !followed.ok()) return followed;
  int64_t end = KnownEnd(where);
  if (from >= end) {
    const absl::StatusOr<int64_t> asked = reader_.AskEnd(where);
    if (!asked.ok()) return asked.status();
    end = *asked;
  }
  if (from < 0 || from > end) return BeyondEnd(where, from, end);
  if (from == end) return std::vector<std::string>();
  if (from >= tails_.End(where).end && WaitFor(where, from)) {
    newest = tails_.Read(where, from, limits);
    if (!newest.empty()) return newest;
  }
  absl::StatusOr<std::vector<std::string>> read = reader_.Read(where, from, end, limits);
  if (!absl::IsDataLoss(read.status())) return read;
  const absl::StatusOr<kafka::Client::Span> left = reader_.AskSpan(where);
  if (left.ok() && from < left->start) return RemovedBefore(where, from, left->start);
  return read;
}

}  // namespace porchlight
