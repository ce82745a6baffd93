// Where callers wait for what came of their commands.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "porchlight/v1/state.pb.h"

namespace porchlight {

// SHA-256 of what a command says: the same content has the same digest, in whatever order a map in
// it is held.
std::string ContentDigest(const google::protobuf::Message& payload);

// Thread-safe. Keeps nothing that nobody waits for.
class Outcomes {
 public:
  // The same request id with other content is another call, with another outcome.
  static std::string KeyOf(absl::string_view command_id, absl::string_view content_digest);

  // From now on the outcome of this call is kept for the caller, until Forget. Several may expect
  // the same one.
  void Expect(const std::string& key);
  // Empty if it isn't known after `longest`.
  std::optional<v1::RememberedOutcome> Wait(const std::string& key, absl::Duration longest);
  void Forget(const std::string& key);

  bool Expected(const std::string& key) const;
  void Tell(const v1::RememberedOutcome& outcome);

 private:
  struct Waiting {
    int callers = 0;
    absl::CondVar told;  // wakes these callers only, not everybody who waits for something
    std::optional<v1::RememberedOutcome> outcome;
  };
  mutable absl::Mutex mutex_;
  std::unordered_map<std::string, Waiting> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
