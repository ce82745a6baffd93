#include "common/processor/outcomes.h"

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace porchlight {

std::string ContentDigest(const google::protobuf::Message& payload) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    payload.SerializeToCodedStream(&coded);
  }
  return Sha256(bytes);
}

std::string Outcomes::KeyOf(absl::string_view command_id, absl::string_view content_digest) {
  return absl::StrCat(command_id, "/", content_digest);
}

void Outcomes::Expect(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  ++waiting_[key].callers;
}

std::optional<v1::RememberedOutcome> Outcomes::Wait(const std::string& key,
                                                    absl::Duration longest) {
  absl::MutexLock lock(&mutex_);
  Waiting& waiting = waiting_.at(key);
  while (!waiting.outcome.has_value() && longest > absl::ZeroDuration() &&
         !waiting.told.WaitWithTimeout(&mutex_, longest)) {
  }
  return waiting.outcome;
}

void Outcomes::Forget(const std::string& key) {
  absl::MutexLock lock(&mutex_);
  const auto found = waiting_.find(key);
  if (found != waiting_.end() && --found->second.callers == 0) waiting_.erase(found);
}

bool Outcomes::Expected(const std::string& key) const {
  absl::MutexLock lock(&mutex_);
  return waiting_.contains(key);
}

void Outcomes::Tell(const v1::RememberedOutcome& outcome) {
  absl::MutexLock lock(&mutex_);
  const auto found = waiting_.find(KeyOf(outcome.command_id(), outcome.body().content_digest()));
  if (found == waiting_.end()) return;
  found->second.outcome = outcome;
  found->second.told.SignalAll();
}

}  // namespace porchlight
