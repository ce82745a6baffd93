// The chain rule: a transition counts only if its previous_hash is the hash of the last one that
// counted in its partition. Every reader applies it through ChainReader, so two writers who both
// believe that they own a partition can't both win, and nobody can change, remove or insert a
// transition unnoticed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/log/log.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

inline constexpr size_t kAggregateTagBytes = 16;

// previous_hash of a partition's first transition.
std::string ZeroHash();

std::string AggregateTag(absl::string_view aggregate_id);

// Where a chain stands: what the next transition must follow.
struct ChainTail {
  std::string hash = ZeroHash();
  uint64_t sequence = 0;
  // Where to go on reading; not part of the chain.
  int64_t next_offset = 0;
};

std::string ChainHash(absl::string_view previous_hash, uint64_t sequence,
                      absl::string_view aggregate_tag, absl::string_view content_digest);

// The transition as it must be stored to follow `tail`.
v1::TransitionRecord SealLink(const ChainTail& tail, const v1::Transition& transition);

// A transition that counts.
struct Counted {
  int64_t offset = 0;
  v1::TransitionRecord record;
  v1::Transition transition;
};

enum class Link { kCounts, kDoesNotCount };

// Whether `record` follows `tail`. DataLoss if its hash is not that of its content: it was damaged
// or forged.
absl::StatusOr<Link> CheckLink(const ChainTail& tail, const v1::TransitionRecord& record);

// Reads one events partition from a known tail on. Not thread-safe.
class ChainReader {
 public:
  ChainReader(Log& log, TopicPartition where, ChainTail tail)
      : log_(log), where_(std::move(where)), tail_(std::move(tail)) {}

  // The next transitions that count, at most `limits` records read; empty at the end. DataLoss
  // names the offset and says what to do. After an error the reader stands where it stood.
  absl::StatusOr<std::vector<Counted>> Next(ReadLimits limits = {});

  // Passes over `count` records that this process itself appended and knows to count, the last of
  // which is `record`.
  void Follow(const v1::TransitionRecord& last, int64_t count);

  const ChainTail& tail() const { return tail_; }
  const TopicPartition& where() const { return where_; }
  // Transitions met that didn't count: lost races.
  uint64_t skipped() const { return skipped_; }

 private:
  absl::StatusOr<std::vector<Counted>> Check(const std::vector<std::string>& read);

  Log& log_;
  TopicPartition where_;
  ChainTail tail_;
  uint64_t skipped_ = 0;
};

}  // namespace porchlight
