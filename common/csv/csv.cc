#include "common/csv/csv.h"

#include "absl/strings/match.h"
#include "common/base/utf8.h"

namespace porchlight {
namespace {

constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

}  // namespace

CsvReader::CsvReader(absl::string_view text) : text_(text) {
  if (absl::StartsWith(text, kByteOrderMark)) position_ = kByteOrderMark.size();
}

bool CsvReader::AtLineEnd() const {
  if (position_ == text_.size() || text_[position_] == '\n') return true;
  return text_[position_] == '\r' &&
         (position_ + 1 == text_.size() || text_[position_ + 1] == '\n');
}

void CsvReader::SkipLineEnd() {
  if (position_ < text_.size() && text_[position_] == '\r') ++position_;
  if (position_ < text_.size()) ++position_;
  ++line_;
}

// From after the opening quote to after the closing one.
absl::Status CsvReader::ReadQuoted(std::string& cell) {
  while (position_ < text_.size()) {
    const char c = text_[position_++];
    if (c == '\n') ++line_;
    if (c != '"') {
      cell += c;
      continue;
    }
    if (position_ < text_.size() && text_[position_] == '"') {
      cell += '"';
      ++position_;
      continue;
    }
    if (AtLineEnd() || text_[position_] == ',') return absl::OkStatus();
    return absl::InvalidArgumentError(
        "there is text after a closing quote; write a quote inside of quotes twice");
  }
  return absl::InvalidArgumentError("a quote is opened and never closed");
}

void CsvReader::ReadPlain(std::string& cell, absl::Status& error) {
  while (!AtLineEnd() && text_[position_] != ',') {
    if (text_[position_] == '"')
      error = absl::InvalidArgumentError("there is a quote in a cell that doesn't begin with one");
    cell += text_[position_++];
  }
}

void CsvReader::ReadRow(CsvRow& row) {
  while (true) {
    std::string& cell = row.cells.emplace_back();
    if (position_ < text_.size() && text_[position_] == '"') {
      ++position_;
      row.error = ReadQuoted(cell);
    } else {
      ReadPlain(cell, row.error);
    }
    if (!row.error.ok() || AtLineEnd()) return;
    ++position_;  // the comma
  }
}

bool CsvReader::Next(CsvRow& row) {
  while (position_ < text_.size() && AtLineEnd()) SkipLineEnd();
  if (position_ == text_.size()) return false;
  row = {.line = line_, .cells = {}, .error = absl::OkStatus()};
  const size_t begin = position_;
  ReadRow(row);
  if (!row.error.ok()) {
    // What follows the first line of a broken row may be whole rows.
    position_ = begin;
    line_ = row.line;
    while (!AtLineEnd()) ++position_;
  }
  if (!IsUtf8(text_.substr(begin, position_ - begin))) {
    row.error = absl::InvalidArgumentError(
        "it has bytes that are no text; save the file as UTF-8 and import it again");
  }
  if (position_ < text_.size()) SkipLineEnd();
  return true;
}

}  // namespace porchlight
