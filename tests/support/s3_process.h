// A real S3-speaking server (s3_server.py) with one empty bucket. It checks signatures and what the
// account may do, and ends with the object.
#pragma once

#include <string>

#include "common/blob/s3_blob.h"
#include "tests/support/server_process.h"

namespace porchlight::testing {

class S3Process {
 public:
  // Aborts if it can't be started, with what to do on the standard error.
  S3Process();

  // With which it can be used.
  const S3Options& options() const { return options_; }
  Child& child() { return child_; }

 private:
  Child child_;
  S3Options options_;
};

}  // namespace porchlight::testing
