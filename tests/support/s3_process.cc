// See s3_process.h.
#include "tests/support/s3_process.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace porchlight::testing {
namespace {

constexpr char kBucket[] = "photos";
constexpr char kRegion[] = "us-east-2";
constexpr absl::Duration kUntilS3Answers = absl::Minutes(1);

ChildOptions Command() {
  const std::string source = SOURCE_DIR;
  return {
      .command = {source + "/build/s3-server/bin/python", source + "/tests/support/s3_server.py",
                  "--bucket", kBucket, "--region", kRegion},
      .error_file = {},
      .user = 0};
}

}  // namespace

S3Process::S3Process() : child_(Command()) {
  const std::string ready = child_.ReadLine(kUntilS3Answers).value_or("");
  absl::string_view port = ready;
  if (!absl::ConsumePrefix(&port, "ready ")) {
    fprintf(stderr, "the S3 server didn't start: deploy/setup/s3_server.sh installs it\n");
    abort();
  }
  options_.endpoint = absl::StrCat("http://127.0.0.1:", port);
  options_.region = kRegion;
  options_.bucket = kBucket;
  options_.key_id = child_.ReadLine(kUntilS3Answers).value_or("");
  options_.secret = child_.ReadLine(kUntilS3Answers).value_or("");
  options_.connect_limit = absl::Seconds(30);
  options_.time_limit = kUntilS3Answers;
}

}  // namespace porchlight::testing
