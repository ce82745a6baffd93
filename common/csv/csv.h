// Reads comma-separated values as RFC 4180 has them, and as spreadsheets write them: quotes, CR LF
// or LF, a byte order mark. Says where a row stands, so that people can mend it. Never guesses what
// a broken quote might have meant: it refuses the row and goes on with the next line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace porchlight {

struct CsvRow {
  int line = 0;  // of its first character, from 1
  std::vector<std::string> cells;
  absl::Status error;  // InvalidArgument: the row can't be read, and why
};

class CsvReader {
 public:
  // `text` must outlive it.
  explicit CsvReader(absl::string_view text);

  // False at the end. Lines without anything on them are skipped.
  bool Next(CsvRow& row);
  // Bytes read so far: how far along it is.
  size_t position() const { return position_; }

 private:
  bool AtLineEnd() const;
  void SkipLineEnd();
  absl::Status ReadQuoted(std::string& cell);
  void ReadPlain(std::string& cell, absl::Status& error);
  void ReadRow(CsvRow& row);

  const absl::string_view text_;
  size_t position_ = 0;
  int line_ = 1;
};

}  // namespace porchlight
