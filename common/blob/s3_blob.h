// Blobs as objects of one bucket, by the S3 API: path-style addresses, each request signed by
// libcurl. A Put is whole or not at all, which is S3's own promise. What can't be done now is
// Unavailable, with what to do; the secret and what is kept are in no text. Notices go out without
// their photo rather than wait for one: a server that doesn't answer is tried seldom.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "common/base/clock.h"
#include "common/base/reach.h"
#include "common/blob/blob.h"

namespace porchlight {

struct S3Options {
  std::string endpoint;  // http(s)://HOST[:PORT], without a slash at its end
  std::string region;
  std::string bucket;  // must be there already
  std::string key_id;
  std::string secret;
  std::string ca_file;  // trusts these only; the system's own if empty
  absl::Duration connect_limit = absl::Seconds(1);
  absl::Duration time_limit = absl::Seconds(5);  // for the whole of one request
};

class S3Blob final : public Blob {
 public:
  // `clock` must outlive it.
  S3Blob(S3Options options, const Clock& clock);
  ~S3Blob() override;

  absl::Status Put(const std::string& name, const std::string& sealed) override;
  absl::StatusOr<std::string> Get(const std::string& name) override;
  absl::Status Remove(const std::string& name) override;

 private:
  class Request;

  // Null, and no request, while the server is away and it isn't time to try again.
  std::unique_ptr<Request> Send(const char* method, const std::string& name,
                                const std::string* body);
  std::unique_ptr<Request> Take();
  void Give(std::unique_ptr<Request> request);
  // Unavailable: "can't WHAT NAME in bucket ...: WHY".
  absl::Status Failed(absl::string_view what, absl::string_view name, absl::string_view why) const;
  absl::Status Refused(absl::string_view what, absl::string_view name,
                       const Request* request) const;

  const S3Options options_;
  const Clock& clock_;
  Reach reach_;
  absl::Mutex mutex_;
  std::vector<std::unique_ptr<Request>> idle_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace porchlight
