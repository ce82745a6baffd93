#include "common/log/chain.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"

namespace porchlight {

std::string CommandsTopic(absl::string_view service) {
  return absl::StrCat("porchlight.", service, ".commands");
}

std::string EventsTopic(absl::string_view service) {
  return absl::StrCat("porchlight.", service, ".events");
}

std::string ZeroHash() { return std::string(kHashBytes, '\0'); }

std::string AggregateTag(absl::string_view aggregate_id) {
  return Sha256({"aggregate/", aggregate_id}).substr(0, kAggregateTagBytes);
}

std::string ChainHash(absl::string_view previous_hash, uint64_t sequence,
                      absl::string_view aggregate_tag, absl::string_view content_digest) {
  char big_endian[8];
  for (int i = 0; i < 8; ++i) big_endian[i] = static_cast<char>(sequence >> (56 - 8 * i));
  return Sha256({"porchlight.v1", previous_hash, absl::string_view(big_endian, sizeof big_endian),
                 aggregate_tag, content_digest});
}

v1::TransitionRecord SealLink(const ChainTail& tail, const v1::Transition& transition) {
  v1::TransitionRecord record;
  transition.SerializeToString(record.mutable_content());
  record.set_sequence(tail.sequence + 1);
  record.set_aggregate_tag(AggregateTag(transition.aggregate_id()));
  record.set_previous_hash(tail.hash);
  record.set_hash(
      ChainHash(tail.hash, record.sequence(), record.aggregate_tag(), Sha256(record.content())));
  return record;
}

absl::StatusOr<Link> CheckLink(const ChainTail& tail, const v1::TransitionRecord& record) {
  if (record.hash() != ChainHash(record.previous_hash(), record.sequence(), record.aggregate_tag(),
                                 Sha256(record.content()))) {
    return absl::DataLossError("its hash is not that of its content: it was damaged or changed");
  }
  const bool counts = record.previous_hash() == tail.hash && record.sequence() == tail.sequence + 1;
  return counts ? Link::kCounts : Link::kDoesNotCount;
}

absl::StatusOr<std::vector<Counted>> ChainReader::Next(ReadLimits limits) {
  while (true) {
    absl::StatusOr<std::vector<std::string>> read = log_.Read(where_, tail_.next_offset, limits);
    if (!read.ok()) return read.status();
    absl::StatusOr<std::vector<Counted>> counted = Check(*read);
    if (!counted.ok() || !counted->empty() || read->empty()) return counted;
  }
}

absl::StatusOr<std::vector<Counted>> ChainReader::Check(const std::vector<std::string>& read) {
  ChainTail tail = tail_;
  uint64_t skipped = 0;
  std::vector<Counted> counted;
  const auto damaged = [&](absl::string_view why) {
    return absl::DataLossError(absl::StrCat(
        "record ", tail.next_offset, " of ", where_.topic, "/", where_.partition, ": ", why,
        ". Nothing after it is used. Run `porchlight evidence verify --data DIR` "
        "to see how much is affected, and restore the log from a backup."));
  };
  for (const std::string& bytes : read) {
    Counted next{.offset = tail.next_offset, .record = {}, .transition = {}};
    if (!next.record.ParseFromString(bytes)) return damaged("it can't be parsed");
    const absl::StatusOr<Link> link = CheckLink(tail, next.record);
    if (!link.ok()) return damaged(link.status().message());
    if (*link == Link::kCounts) {
      if (!next.transition.ParseFromString(next.record.content()) ||
          next.record.aggregate_tag() != AggregateTag(next.transition.aggregate_id())) {
        return damaged("its content is not a transition of the aggregate that it names");
      }
      tail.hash = next.record.hash();
      tail.sequence = next.record.sequence();
      counted.push_back(std::move(next));
    } else if (log_.WritesOnlyWinners()) {
      return damaged(
          "it doesn't follow the one before it: a record was changed, removed or inserted");
    } else {
      ++skipped;
    }
    ++tail.next_offset;
  }
  tail_ = std::move(tail);
  skipped_ += skipped;
  return counted;
}

void ChainReader::Follow(const v1::TransitionRecord& last, int64_t count) {
  tail_.hash = last.hash();
  tail_.sequence = last.sequence();
  tail_.next_offset += count;
}

}  // namespace porchlight
