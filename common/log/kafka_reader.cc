#include "common/log/kafka_reader.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace porchlight {

KafkaReader::~KafkaReader() {
  absl::MutexLock lock(&mutex_);
  for (const auto& [where, cursor] : cursors_) consumer_->Stop(where);
}

absl::StatusOr<std::vector<std::string>> KafkaReader::Read(const TopicPartition& where,
                                                           int64_t from, int64_t end,
                                                           ReadLimits limits) {
  absl::MutexLock lock(&mutex_);
  const absl::StatusOr<Cursor*> cursor = CursorAt(where, from);
  if (!cursor.ok()) return cursor.status();
  // Left open only for somebody who reads on from here: it goes on fetching.
  bool goes_on = false;
  const auto close = absl::MakeCleanup([&] {
    mutex_.AssertHeld();
    if (!goes_on) Close(where);
  });
  std::vector<std::string> read;
  size_t bytes = 0;
  while (read.size() < limits.records_max && (*cursor)->next < end) {
    absl::StatusOr<kafka::Received> next = Take(where, **cursor);
    if (!next.ok()) return next.status();
    bytes += next->value.size();
    if (!read.empty() && bytes > limits.bytes_max) {
      (*cursor)->put_back = *std::move(next);
      goes_on = true;
      return read;
    }
    read.push_back(std::move(next->value));
    ++(*cursor)->next;
  }
  goes_on = read.size() > 1 && (*cursor)->next < end;
  return read;
}

absl::StatusOr<KafkaReader::Cursor*> KafkaReader::CursorAt(const TopicPartition& where,
                                                           int64_t from) {
  const auto open = cursors_.find(where);
  if (open != cursors_.end() && open->second.next == from) return &open->second;
  Close(where);
  Cursor cursor{.queue = consumer_->MakeQueue(), .next = from, .put_back = {}};
  if (absl::Status started = consumer_->Start(where, from, cursor.queue); !started.ok()) {
    return started;
  }
  return &cursors_.insert_or_assign(where, std::move(cursor)).first->second;
}

absl::StatusOr<kafka::Received> KafkaReader::Take(const TopicPartition& where, Cursor& cursor) {
  std::optional<kafka::Received> next = std::exchange(cursor.put_back, std::nullopt);
  if (!next.has_value()) {
    next = consumer_->Receive(cursor.queue, consumer_->client().options().answer_wait);
  }
  if (!next.has_value()) {
    return consumer_->client().Trouble(
        absl::StrCat("record ", cursor.next, " of ", kafka::Name(where), " can't be read"),
        RD_KAFKA_RESP_ERR__TIMED_OUT);
  }
  if (!next->trouble.ok()) return next->trouble;
  if (next->offset == cursor.next && next->has_value) return *std::move(next);
  return absl::DataLossError(absl::StrCat(
      "record ", cursor.next, " of ", kafka::Name(where),
      " is missing: the topic was compacted, cut short or written to by something else. Restore "
      "it, and set it up as deploy/topics.yaml says."));
}

void KafkaReader::Close(const TopicPartition& where) {
  const auto open = cursors_.find(where);
  if (open == cursors_.end()) return;
  consumer_->Stop(where);
  cursors_.erase(open);
}

}  // namespace porchlight
