// See open_blob.h.
#include "common/embedded/open_blob.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/blob/folder_blob.h"
#include "common/blob/s3_blob.h"

namespace porchlight {

absl::StatusOr<std::unique_ptr<Blob>> OpenBlob(const Config& config, const std::string& data,
                                               const Clock& clock) {
  if (!config.s3.has_value()) return FolderBlob::Open(absl::StrCat(data, "/blobs"));
  const S3Config& s3 = *config.s3;
  absl::StatusOr<std::string> secret = ReadSecretFile(s3.secret_file);
  if (!secret.ok()) return secret.status();
  S3Options options;
  options.endpoint = s3.endpoint;
  options.region = s3.region;
  options.bucket = s3.bucket;
  options.key_id = s3.key_id;
  options.secret = *std::move(secret);
  options.ca_file = s3.ca_file;
  options.time_limit = s3.time_limit;
  return std::make_unique<S3Blob>(std::move(options), clock);
}

}  // namespace porchlight
