#include "common/evidence/sources.h"

#include <algorithm>

#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace porchlight {
namespace {

absl::Status CheckEnd(const std::string& who, const TopicPartition& where, int64_t reached,
                      int64_t end) {
  if (reached <= end) return absl::OkStatus();
  return Wrong(PlaceOf(where, end), absl::StrCat("it is missing: the log was cut short here. ", who,
                                                 " has already taken the record ", reached - 1));
}

}  // namespace

std::string PlaceOf(const TopicPartition& where, int64_t offset) {
  return absl::StrCat("record ", offset, " of ", absl::CHexEscape(where.topic), "/",
                      where.partition);
}

absl::Status Wrong(absl::string_view place, absl::string_view meaning) {
  return absl::DataLossError(absl::StrCat(place, ": ", meaning));
}

absl::Status Sources::CheckPosition(const std::string& who, const v1::Position& position) const {
  const TopicPartition where{position.topic(), position.partition()};
  const auto chain = chains_.find(position.topic());
  if (chain == chains_.end() || chain->second.where != where) {
    const absl::StatusOr<int64_t> end = log_.End(where);
    if (!end.ok()) return end.status();
    return CheckEnd(who, where, position.next_offset(), *end);
  }
  const ChainIndex& index = chain->second;
  const absl::Status status =
      CheckSeen(who, position.topic(), position.chain_sequence(), position.chain_hash());
  if (!status.ok()) return status;
  // Of the transition at next_offset, some events may be consumed already.
  const int64_t reached = position.next_offset() + (position.next_event() > 0 ? 1 : 0);
  const absl::Status ends = CheckEnd(who, where, reached, index.end);
  if (!ends.ok()) return ends;
  const auto before =
      std::lower_bound(index.offsets.begin(), index.offsets.end(), position.next_offset());
  if (static_cast<uint64_t>(before - index.offsets.begin()) != position.chain_sequence()) {
    return Wrong(
        who, absl::StrCat("it says that sequence ", position.chain_sequence(), " of ", where.topic,
                          " stands before offset ", position.next_offset(), ", which is not so"));
  }
  return absl::OkStatus();
}

absl::Status Sources::CheckSeen(const std::string& who, const std::string& topic, uint64_t sequence,
                                const std::string& hash) const {
  const ChainIndex& index = chains_.at(topic);
  if (sequence > index.hashes.size()) {
    return Wrong(PlaceOf(index.where, index.end),
                 absl::StrCat("it is missing, and what came after it: the log was cut short. ", who,
                              " has seen transitions up to sequence ", sequence, ", but only ",
                              index.hashes.size(), " are here."));
  }
  if (sequence == 0) return absl::OkStatus();
  if (index.hashes[sequence - 1] != hash) {
    return Wrong(PlaceOf(index.where, index.offsets[sequence - 1]),
                 absl::StrCat("it, or one before it, is not what it was when ", who,
                              " saw it: the log was rewritten, or is another one"));
  }
  return absl::OkStatus();
}

}  // namespace porchlight
