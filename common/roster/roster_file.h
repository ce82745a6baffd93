// A roster as a file of comma-separated values: what each row says of a youth, or what is wrong
// with it and where. Pure. A column that it doesn't know is never passed over: it may be a mistyped
// one.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "common/csv/csv.h"
#include "porchlight/v1/intake.pb.h"

namespace porchlight {

struct RosterRow {
  int line = 0;
  v1::Youth youth;
  absl::Status error;  // InvalidArgument: names the column
};

class RosterFile {
 public:
  // `text` must outlive it. InvalidArgument: the header isn't one; the text says what it may be.
  static absl::StatusOr<RosterFile> Open(absl::string_view text);

  // False at the end.
  bool Next(RosterRow& row);
  // 0 to 100.
  int percent_read() const;

 private:
  explicit RosterFile(absl::string_view text) : reader_(text), size_(text.size()) {}

  CsvReader reader_;
  size_t size_;
  std::vector<std::string> columns_;
  std::set<std::string> youth_ids_;
};

// The columns that a roster may have: the names of fields of Youth and YouthFacts.
std::vector<std::string> RosterColumns();

}  // namespace porchlight
