// Reference data: the directory, folded whole from its one partition. Every processor of a service
// reads the same one.
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
  // Sequence of the transition that this version is from; 0 before the first.
  uint64_t sequence() const { return sequence_; }
  // Null: nobody of that id.
  const v1::Recipient* Find(absl::string_view recipient_id) const;

 private:
  friend absl::Status PublishDirectory(Log&, Keys&, absl::string_view, const v1::Directory&,
                                       absl::Time);
  absl::Status Fold(const Counted& counted);

  Log& log_;
  Keys& keys_;
  ChainReader reader_;
  std::deque<Counted> unfolded_;  // read, but not in force yet
  v1::Directory directory_;
  uint64_t sequence_ = 0;
};

// Makes `directory` the one in force, unless it is already. Aborted: somebody else wrote at the
// same time; call again.
absl::Status PublishDirectory(Log& log, Keys& keys, absl::string_view agency_id,
                              const v1::Directory& directory, absl::Time now);

}  // namespace porchlight
