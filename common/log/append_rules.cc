#include "common/log/append_rules.h"

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

constexpr char kStartPayload[] = "porchlight/start";

std::string Name(const TopicPartition& where) {
  return absl::StrCat(where.topic, "/", where.partition);
}

}  // namespace

absl::Status CheckAppend(const AppendRequest& request) {
  if (request.where.topic.empty() || request.where.partition < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "an append to ", Name(request.where), ": a topic and a partition from 0 on are needed"));
  }
  if (request.records.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("an append to ", Name(request.where), " without records"));
  }
  for (const std::string& record : request.records) {
    if (record.size() > kRecordBytesMax) {
      return absl::InvalidArgumentError(
          absl::StrCat("a record of ", record.size(), " bytes for ", Name(request.where),
                       ": at most ", kRecordBytesMax, " bytes are taken. Send less at once."));
    }
  }
  return absl::OkStatus();
}

AppendResult Refused(absl::Status reason) {
  return {.outcome = AppendOutcome::kRefused, .first_offset = -1, .reason = std::move(reason)};
}

AppendResult LostRace(const TopicPartition& where, int64_t expected_end, int64_t end) {
  return {.outcome = AppendOutcome::kLostRace,
          .first_offset = -1,
          .reason = absl::AbortedError(absl::StrCat(Name(where), " was expected to end at ",
                                                    expected_end, " but ended at ", end,
                                                    ": another writer was first"))};
}

absl::Status BeyondEnd(const TopicPartition& where, int64_t from, int64_t end) {
  return absl::OutOfRangeError(absl::StrCat(
      "read of ", Name(where), " from ", from, ", but it ends at ", end,
      ": the log was cut short, or the offset is of another log. Restore the log from a backup, or "
      "run `porchlight rebuild` if a store was copied from elsewhere."));
}

absl::Status RemovedBefore(const TopicPartition& where, int64_t from, int64_t start) {
  absl::Status removed = absl::DataLossError(
      absl::StrCat(Name(where), " begins at ", start, ", but reading was to go on from ", from,
                   ": its oldest records were removed. Restore the topic, and set its retention as "
                   "deploy/topics.yaml says."));
  removed.SetPayload(kStartPayload, absl::Cord(absl::StrCat(start)));
  return removed;
}

std::optional<int64_t> StartOfWhatIsLeft(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kStartPayload);
  int64_t start = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &start)) return std::nullopt;
  return start;
}

}  // namespace porchlight
