// What the transitions of one partition may refer to: the chains of all services there, as they are
// now. What one service has consumed of another must be there, and be what it was.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "common/log/log.h"
#include "porchlight/v1/record.pb.h"

namespace porchlight {

// "record 5 of porchlight.intake.events/3".
std::string PlaceOf(const TopicPartition& where, int64_t offset);

// DataLoss: what is wrong there.
absl::Status Wrong(absl::string_view place, absl::string_view meaning);

// The counted transitions of one partition: of number n (from 1) hash and offset stand at n - 1.
struct ChainIndex {
  TopicPartition where;
  std::vector<std::string> hashes;
  std::vector<int64_t> offsets;
  int64_t end = 0;
};

// Not thread-safe.
class Sources {
 public:
  // By topic, all of one partition. `log` must outlive it.
  Sources(Log& log, std::map<std::string, ChainIndex> chains)
      : log_(log), chains_(std::move(chains)) {}

  // `who` has consumed the source up to `position`.
  absl::Status CheckPosition(const std::string& who, const v1::Position& position) const;
  // `who` has seen this hash at this sequence of the chain of `topic`, which must be one of these.
  absl::Status CheckSeen(const std::string& who, const std::string& topic, uint64_t sequence,
                         const std::string& hash) const;

 private:
  Log& log_;
  std::map<std::string, ChainIndex> chains_;
};

}  // namespace porchlight
