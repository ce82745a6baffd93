// Reference data: the directory, folded whole from its one partition. Every processor of a service
// reads the same one. It never changes anything: that is for the directory service alone.
#pragma once

#include <cstdint>
#include <deque>

#include "absl/status/status.h"
#include "common/keys/keys.h"
#include "common/log/chain.h"
#include "porchlight/v1/directory.pb.h"

namespace porchlight {

inline constexpr char kDirectoryService[] = "directory";

// Not thread-safe.
class Reference {
 public:
  Reference(Log& log, Keys& keys);

  // Folds what is new. After an error what was known stays in force.
  absl::Status Step();

  const v1::Directory& directory() const { return directory_; }
  // What of it the configuration set, as far as the log tells.
  const v1::Directory& configured() const { return configured_; }
  // Sequence of the last transition folded; 0 before the first.
  uint64_t sequence() const { return sequence_; }
  // Null: nobody of that id.
  const v1::Recipient* Find(absl::string_view recipient_id) const;

 private:
  absl::Status Fold(const Counted& counted);

  Log& log_;
  Keys& keys_;
  ChainReader reader_;
  std::deque<Counted> unfolded_;  // read, but not in force yet
  v1::Directory directory_;
  v1::Directory configured_;
  bool is_replaced_ = false;  // by what a version wrote that took no changes
  uint64_t sequence_ = 0;
};

}  // namespace porchlight
